/*
 * A pool has one server and one place; it grows while it is in use.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/proc.h"
#include "storage/loopfile.h"
#include "storage/pool.h"
#include "storage/storage_care.h"
#include "storage_fixture.h"
#include "storage_tests.h"

#define TAIL_BYTES      (8 << 20) /* of an image: ZFS keeps labels there, XFS and btrfs nothing */
#define COPY_TIMEOUT_MS 600000

/* While it runs, by a lock; at all times, by the name in pool.json. */
static void test_one_server(PoolFixture *f, gconstpointer data)
{
    PoolSpec mine = f->spec, twin = f->spec, other = f->spec;
    Pool *pool = NULL, *second = NULL;

    mine.instance = twin.instance = "mine";
    other.instance = "other";
    ASSERT_OK(storage_open_pool(&mine, &pool)); /* the pool was nobody's: it is claimed */
    ASSERT_CODE(storage_open_pool(&twin, &second), ERR_BUSY);
    twin.is_to_look = true;
    ASSERT_OK(storage_open_pool(&twin, &second));
    g_clear_pointer(&second, storage_close_pool);
    storage_close_pool(pool);
    ASSERT_CODE(storage_open_pool(&other, &second), ERR_CONFLICT);

    g_autofree char *owner = storage_pool_owner(f->mount);

    g_assert_cmpstr(owner, ==, "mine");
    ASSERT_OK(storage_open_pool(&mine, &pool));
    storage_close_pool(pool);
}

/* Nothing is written below the mount point, and nothing counts as destroyed. */
static void test_gone_under_our_feet(PoolFixture *f, gconstpointer data)
{
    SpaceUsage usage;
    GPtrArray *entries = NULL;
    Manifest manifest = fixture_manifest("golden", "w");
    g_auto(GStrv) names = NULL;

    make_volume(f, "v");
    make_snapshot(f, "v", "s");
    g_assert_cmpint(umount2(f->mount, MNT_DETACH), ==, 0);
    ASSERT_CODE(storage_check_pool(f->pool), ERR_EXTERNAL);
    ASSERT_CODE(storage_create_volume(f->pool, "w", &manifest), ERR_EXTERNAL);
    ASSERT_CODE(storage_snapshot(f->pool, "v", "t", &manifest), ERR_EXTERNAL);
    ASSERT_CODE(storage_clone(f->pool, "s", "w", &manifest), ERR_EXTERNAL);
    ASSERT_CODE(storage_destroy_volume(f->pool, "v"), ERR_EXTERNAL);
    ASSERT_CODE(storage_destroy_snapshot(f->pool, "s"), ERR_EXTERNAL);
    ASSERT_CODE(storage_list(f->pool, &entries), ERR_EXTERNAL);
    ASSERT_CODE(storage_usage(f->pool, &usage), ERR_EXTERNAL);
    ASSERT_OK(fs_list_dir(f->mount, &names));
    g_assert_null(names[0]);

    g_clear_pointer(&f->pool, storage_close_pool);
    ASSERT_OK(storage_open_pool(&f->spec, &f->pool));
    assert_snapshot_text(f, "s", "none", NULL);
    make_clone(f, "s", "w");
}

/* The file system lives on with what uses it: the image is mounted again, not a second time. */
static void test_mounted_again_while_in_use(PoolFixture *f, gconstpointer data)
{
    make_volume(f, "v");

    g_autofree char *data_dir = storage_volume_data(f->pool, "v");
    g_autofree char *file = g_build_filename(data_dir, "late", NULL);

    g_assert_cmpint(chdir(data_dir), ==, 0);
    g_assert_cmpint(umount2(f->mount, MNT_DETACH), ==, 0);
    g_clear_pointer(&f->pool, storage_close_pool);
    ASSERT_OK(storage_open_pool(&f->spec, &f->pool));
    g_assert_true(g_file_set_contents("late", "text", -1, NULL));
    assert_volume_text(f, "v", "late", "text");
    g_assert_cmpint(chdir("/"), ==, 0);
}

/* --- images that are deleted or truncated --- */

/* Every verb refuses, and says what is the matter. */
static void assert_refused(PoolFixture *f, const char *word)
{
    const Manifest manifest = fixture_manifest("clone", "new");
    GPtrArray *entries = NULL;
    SpaceUsage usage;
    Error *errors[] = {
        storage_check_pool(f->pool),
        storage_create_volume(f->pool, "new", &manifest),
        storage_snapshot(f->pool, "v", "new", &manifest),
        storage_clone(f->pool, "s", "new", &manifest),
        storage_destroy_volume(f->pool, "v"),
        storage_destroy_snapshot(f->pool, "s"),
        storage_list(f->pool, &entries),
        storage_usage(f->pool, &usage),
    };

    for (size_t i = 0; i < G_N_ELEMENTS(errors); i++) {
        g_assert_nonnull(errors[i]);
        g_assert_nonnull(strstr(errors[i]->message, word));
        g_assert_nonnull(strstr(errors[i]->message, f->image));
        g_assert_nonnull(errors[i]->hint);
        ASSERT_CODE(errors[i], ERR_EXTERNAL);
    }
}

static void fill_sample(PoolFixture *f)
{
    make_volume(f, "v");
    write_text(f, "v", "file", "text");
    make_snapshot(f, "v", "s");
    ASSERT_OK(storage_sync(f->pool, "v"));
}

static void assert_sample(PoolFixture *f)
{
    assert_volume_text(f, "v", "file", "text");
    assert_snapshot_text(f, "s", "file", "text");
    make_clone(f, "s", "c");
    assert_volume_text(f, "c", "file", "text");
}

static void test_image_deleted_in_use(PoolFixture *f, gconstpointer data)
{
    g_autofree char *hidden = g_strconcat(f->image, ".hidden", NULL);

    fill_sample(f);
    g_assert_cmpint(rename(f->image, hidden), ==, 0);
    assert_refused(f, "deleted");
    g_assert_cmpint(rename(hidden, f->image), ==, 0);
    assert_sample(f);
}

/* Its end is put back before anybody reads it. */
static void test_image_truncated_in_use(PoolFixture *f, gconstpointer data)
{
    off_t end = (off_t)fixture_pool_size - TAIL_BYTES;
    g_autofree char *tail = g_malloc(TAIL_BYTES);

    fill_sample(f);

    AUTO_FD fd = open(f->image, O_RDWR | O_CLOEXEC);

    g_assert_cmpint(pread(fd, tail, TAIL_BYTES, end), ==, TAIL_BYTES);
    g_assert_cmpint(ftruncate(fd, end), ==, 0);
    assert_refused(f, "truncated");
    g_assert_cmpint(pwrite(fd, tail, TAIL_BYTES, end), ==, TAIL_BYTES);
    assert_sample(f);
}

static void copy_half(const char *from, const char *to)
{
    const char *const argv[] = {"cp", "--sparse=always", from, to, NULL};
    const ProcSpec spec = {.argv = argv, .timeout_ms = COPY_TIMEOUT_MS};

    ASSERT_OK(proc_run(&spec, NULL));
    g_assert_cmpint(truncate(to, (off_t)fixture_pool_size / 2), ==, 0);
}

/* It is not opened, nothing of the attempt is left, and nothing is written to it. */
static void assert_not_opened(PoolFixture *f, ErrorCode code)
{
    g_autoptr(Error) e = storage_open_pool(&f->spec, &f->pool);

    g_assert_nonnull(e);
    g_test_message("%s (%s)", e->message, e->hint);
    g_assert_cmpint(e->code, ==, code);
    g_assert_nonnull(strstr(e->message, f->image));
    g_assert_nonnull(e->hint);
    g_assert_false(loopfile_is_mounted(f->mount));
    fixture_assert_not_attached(f);
}

/* As after a reboot: the image is gone, or only half of it is there; then it is back. */
static void test_image_damaged_while_away(PoolFixture *f, gconstpointer data)
{
    g_autofree char *whole = g_strconcat(f->image, ".whole", NULL);

    fill_sample(f);
    g_clear_pointer(&f->pool, storage_close_pool);
    ASSERT_OK(driver_image_ops(&f->spec)->unmount(f->mount));
    ASSERT_OK(driver_image_ops(&f->spec)->detach(f->image));
    g_assert_cmpint(rename(f->image, whole), ==, 0);
    assert_not_opened(f, ERR_NOT_FOUND);
    copy_half(whole, f->image);
    assert_not_opened(f, ERR_EXTERNAL);
    g_assert_cmpint(rename(whole, f->image), ==, 0);
    ASSERT_OK(storage_open_pool(&f->spec, &f->pool));
    assert_sample(f);
}

static void test_grow(PoolFixture *f, gconstpointer data)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    SpaceUsage before, after;

    make_volume(f, "v");
    ASSERT_OK(storage_usage(f->pool, &before));
    ASSERT_CODE(storage_grow_pool(&f->spec, 0), ERR_INVALID);
    ASSERT_CODE(storage_grow_pool(&f->spec, fixture_pool_size / 2), ERR_INVALID);
    ASSERT_OK(storage_grow_pool(&f->spec, fixture_pool_size * 2));
    ASSERT_OK(storage_grow_pool(&f->spec, fixture_pool_size * 2)); /* may be repeated */
    ASSERT_OK(storage_usage(f->pool, &after));
    g_assert_cmpuint(after.size_bytes, >, before.size_bytes + fixture_pool_size * 3 / 4);
    make_snapshot(f, "v", "s");
    make_clone(f, "s", "c");
    ASSERT_OK(storage_check_health(f->pool, problems));
    g_assert_cmpuint(problems->len, ==, 0);
}

static void test_names(void)
{
    static const char *const invalid[] = {
        "",
        "a/b",
        "a@b",
        "a b",
        ".a",
        "..",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}; /* 64 */
    PoolFixture f;

    fixture_init(&f);
    for (size_t i = 0; i < G_N_ELEMENTS(invalid); i++) {
        f.spec.name = invalid[i];
        ASSERT_CODE(storage_create_pool(&f.spec, fixture_pool_size), ERR_INVALID);
    }
    f.spec.name = f.name;
    fixture_assert_nothing_left(&f);
    fixture_clear(&f);
}

#define ADD(name, function)                                                                        \
    g_test_add("/storage/care/" name, PoolFixture, NULL, fixture_setup, function, fixture_teardown)

void storage_add_care_tests(void)
{
    g_test_add_func("/storage/care/names", test_names);
    ADD("one-server", test_one_server);
    ADD("image-deleted-in-use", test_image_deleted_in_use);
    ADD("image-truncated-in-use", test_image_truncated_in_use);
    ADD("image-damaged-while-away", test_image_damaged_while_away);
    ADD("grow", test_grow);
    if (g_str_equal(fixture_driver, "zfs")) /* a dataset cannot be detached with a user in it */
        return;
    ADD("gone-under-our-feet", test_gone_under_our_feet);
    ADD("mounted-again-while-in-use", test_mounted_again_while_in_use);
}

/*
 * A pool has one server and one place; it grows while it is in use.
 */
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/fs.h"
#include "storage/loopfile.h"
#include "storage/pool.h"
#include "storage/pool_care.h"
#include "storage_fixture.h"
#include "storage_tests.h"

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

static void test_image_lost(PoolFixture *f, gconstpointer data)
{
    g_autofree char *hidden = g_strconcat(f->image, ".hidden", NULL);

    g_assert_cmpint(rename(f->image, hidden), ==, 0);
    ASSERT_CODE(storage_check_pool(f->pool), ERR_EXTERNAL);
    g_assert_cmpint(rename(hidden, f->image), ==, 0);
    ASSERT_OK(storage_check_pool(f->pool));
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
    ADD("image-lost", test_image_lost);
    ADD("grow", test_grow);
    if (g_str_equal(fixture_driver, "zfs")) /* a dataset cannot be detached with a user in it */
        return;
    ADD("gone-under-our-feet", test_gone_under_our_feet);
    ADD("mounted-again-while-in-use", test_mounted_again_while_in_use);
}

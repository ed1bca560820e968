/*
 * What can befall LVM alone: logical volumes of somebody else in the same group, classic ones, and
 * what was deactivated or unmounted.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fs.h"
#include "storage/loopfile.h"
#include "storage/lvm/care.h"
#include "storage/lvm/command.h"
#include "storage/lvm/fs.h"
#include "storage/storage_care.h"
#include "storage_fixture.h"
#include "storage_tests.h"

#define SHUTDOWN_CALL        _IOR('X', 125, uint32_t) /* EXT4_IOC_SHUTDOWN, XFS_IOC_GOINGDOWN */
#define SHUTDOWN_FLUSHES_LOG 1

#define PAGE_BYTES          8192
#define BIG_BYTES           (256 << 20)
#define CHUNK_BYTES         (64 << 10) /* of the thin pool */
#define SCATTER_BYTES       (4 << 20)
#define METADATA_CLONES     40
#define METADATA_POOL_BYTES (UINT64_C(1) << 30)

static bool lv_exists(const char *name)
{
    static const char *const fields[] = {"lv_name", NULL};
    g_autoptr(GPtrArray) rows = NULL;
    g_autoptr(Error) e = lvm_report("lvs", fields, name, NULL, &rows);

    if (e)
        g_assert_cmpint(e->code, ==, ERR_NOT_FOUND);
    return !e && rows->len == 1;
}

/* A thin volume that somebody made, with a name that we would give. */
static void test_foreign_volume_stays(PoolFixture *f, gconstpointer data)
{
    const Manifest manifest = fixture_manifest("golden", "x");
    g_auto(LvmPlace) place = {0};

    ASSERT_OK(lvm_find_place(f->mount, &place));

    g_autofree char *pool = lvm_name(&place, place.pool);
    g_autofree char *foreign = lvm_name(&place, "ramet.v.x");
    g_autofree char *mount_point = g_build_filename(f->mount, "volumes", "x", NULL);

    ASSERT_OK(lvm_do("lvcreate", "-y", "-V", "64M", "-n", "ramet.v.x", "--thinpool", pool, NULL));
    ASSERT_CODE(storage_create_volume(f->pool, "x", &manifest), ERR_CONFLICT);
    g_assert_false(fs_exists(mount_point));
    ASSERT_OK(storage_destroy_volume(f->pool, "x"));
    g_assert_true(lv_exists(foreign));
    storage_close_pool(f->pool);
    ASSERT_OK(storage_open_pool(&f->spec, &f->pool));
    g_assert_false(fs_exists(mount_point));
}

static void test_classic_is_refused(PoolFixture *f, gconstpointer data)
{
    PoolSpec spec = f->spec;
    g_auto(LvmPlace) place = {0};
    g_autofree char *mount = g_strconcat(f->mount, ".classic", NULL);

    ASSERT_OK(lvm_find_place(f->mount, &place));

    g_autofree char *device = lvm_device(&place, "classic");

    spec.mount = mount;
    spec.name = "classic";
    spec.image = NULL;
    ASSERT_OK(lvm_do("lvcreate", "-y", "-l", "100%FREE", "-n", "classic", place.vg, NULL));
    ASSERT_OK(lvm_fs_format_root(device));
    ASSERT_OK(fs_make_dir(mount, 0755, NULL));
    ASSERT_OK(lvm_fs_mount(device, mount, false));

    g_autoptr(Error) e = storage_create_pool(&spec, 0);

    ASSERT_OK(loopfile_unmount(mount));
    ASSERT_OK(fs_remove(mount));
    g_assert_nonnull(e);
    g_assert_cmpint(e->code, ==, ERR_INVALID);
    g_assert_nonnull(strstr(e->message, "classic snapshots"));
    g_assert_nonnull(strstr(e->hint, "thin-pool"));
}

/* As after a reboot by half: one unmounted, one inactive, too. */
static void test_mounted_again(PoolFixture *f, gconstpointer data)
{
    g_auto(LvmPlace) place = {0};
    g_autofree char *clone = g_build_filename(f->mount, "volumes", "c", NULL);
    g_autofree char *snapshot = g_build_filename(f->mount, "snapshots", "s", NULL);

    ASSERT_OK(lvm_find_place(f->mount, &place));

    g_autofree char *inactive = lvm_name(&place, "ramet.s.s");

    make_volume(f, "v");
    write_text(f, "v", "file", "text");
    make_snapshot(f, "v", "s");
    make_clone(f, "s", "c");
    storage_close_pool(f->pool);
    ASSERT_OK(loopfile_unmount(clone));
    ASSERT_OK(loopfile_unmount(snapshot));
    ASSERT_OK(lvm_do("lvchange", "-an", inactive, NULL));
    ASSERT_OK(storage_open_pool(&f->spec, &f->pool));
    assert_volume_text(f, "c", "file", "text");
    assert_snapshot_text(f, "s", "file", "text");
}

static bool is_writable(const char *dir)
{
    AUTO_FD fd = open(dir, O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600);

    return fd >= 0;
}

/* As ext4 and XFS do when what is below them fails: the kernel has a call for it. */
static void shut_down(const char *dir)
{
    uint32_t how = SHUTDOWN_FLUSHES_LOG;
    AUTO_FD fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    g_assert_cmpint(ioctl(fd, SHUTDOWN_CALL, &how), ==, 0);
}

static void test_mended_after_shutdown(PoolFixture *f, gconstpointer data)
{
    make_volume(f, "v");
    write_text(f, "v", "file", "text");
    ASSERT_OK(storage_sync(f->pool, "v"));

    g_autofree char *data_dir = storage_volume_data(f->pool, "v");

    /* Of ext4 it does not show when the pool is opened: there it is found when it is mended. */
    for (int i = 0; i < (fixture_is_on_xfs ? 2 : 1); i++) {
        shut_down(data_dir);
        g_assert_false(is_writable(data_dir));
        if (i == 0) {
            ASSERT_OK(storage_mend_volume(f->pool, "v"));
        } else {
            storage_close_pool(f->pool);
            ASSERT_OK(storage_open_pool(&f->spec, &f->pool));
        }
        g_assert_true(is_writable(data_dir));
        assert_volume_text(f, "v", "file", "text");
    }
}

/* --- metadata --- */

/* Changes a page in each so many bytes of a large file: far from each other they cost metadata. */
static bool scatter(PoolFixture *f, const char *volume, off_t step)
{
    char page[PAGE_BYTES];
    g_autofree char *data = storage_volume_data(f->pool, volume);
    g_autofree char *path = g_build_filename(data, "big", NULL);
    AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    memset(page, 'x', sizeof(page));
    if (fd < 0 || posix_fallocate(fd, 0, BIG_BYTES) != 0)
        return false;
    for (off_t at = 0; at < BIG_BYTES; at += step)
        if (pwrite(fd, page, sizeof(page), at) != (ssize_t)sizeof(page))
            return false;
    return fsync(fd) == 0;
}

/* Clones first, as none can be made when little is left; the name of the one that could not write. */
static char *fill_metadata_by_clones(PoolFixture *f)
{
    make_volume(f, "v");
    write_text(f, "v", "file", "text");
    g_assert_true(scatter(f, "v", CHUNK_BYTES));
    make_snapshot(f, "v", "s");
    for (int i = 0; i < METADATA_CLONES; i++) {
        g_autofree char *name = g_strdup_printf("c%d", i);

        make_clone(f, "s", name);
    }
    for (int i = 0; i < METADATA_CLONES; i++) {
        g_autofree char *name = g_strdup_printf("c%d", i);

        if (!scatter(f, name, SCATTER_BYTES))
            return g_steal_pointer(&name);
    }
    g_assert_not_reached();
}

static void assert_hint(Error *e, ErrorCode code, const char *word)
{
    g_assert_nonnull(e);
    g_test_message("%s (%s)", e->message, e->hint);
    g_assert_nonnull(strstr(e->hint, word));
    ASSERT_CODE(e, code);
}

static void assert_metadata_is_full(PoolFixture *f)
{
    const Manifest manifest = fixture_manifest("clone", "x");
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    SpaceUsage usage = {0};

    ASSERT_OK(storage_usage(f->pool, &usage));
    g_assert_cmpuint(usage.free_bytes, ==, 0);
    ASSERT_OK(storage_check_health(f->pool, problems));
    g_assert_cmpuint(problems->len, >, 0);
    assert_hint(storage_clone(f->pool, "s", "x", &manifest), ERR_NO_SPACE, "poolmetadatasize");
    assert_snapshot_text(f, "s", "file", "text");
}

/*
 * In a group of somebody else he is told what to do; in one of ours, which keeps some space for it,
 * destroying helps itself.
 */
static void test_metadata_full(void)
{
    PoolFixture f;

    fixture_init(&f);
    fixture_move_in(&f, METADATA_POOL_BYTES, "2m", "ext4");
    ASSERT_OK(storage_create_pool(&f.spec, 0));
    ASSERT_OK(storage_open_pool(&f.spec, &f.pool));

    g_autofree char *victim = fill_metadata_by_clones(&f);

    assert_metadata_is_full(&f);
    assert_hint(storage_destroy_volume(f.pool, "c0"), ERR_NO_SPACE, "poolmetadatasize");
    ASSERT_OK(lvm_do("vgchange", "--addtag", LVM_TAG_IMAGE, f.house, NULL));
    ASSERT_OK(storage_destroy_volume(f.pool, "c0"));
    ASSERT_OK(storage_mend_volume(f.pool, victim));
    g_assert_true(scatter(&f, victim, SCATTER_BYTES));
    assert_volume_text(&f, victim, "file", "text");
    make_clone(&f, "s", "x");
    assert_volume_text(&f, "x", "file", "text");
    fixture_teardown(&f, NULL);
}

#define ADD(path, function)                                                                        \
    g_test_add("/storage/lvm/" path, PoolFixture, NULL, fixture_setup, function, fixture_teardown)

void storage_add_lvm_tests(void)
{
    ADD("foreign-volume-stays", test_foreign_volume_stays);
    ADD("classic-is-refused", test_classic_is_refused);
    ADD("mounted-again", test_mounted_again);
    ADD("mended-after-shutdown", test_mended_after_shutdown);
    if (!fixture_is_on_xfs)
        g_test_add_func("/storage/lvm/metadata-full", test_metadata_full);
}

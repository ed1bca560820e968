/*
 * What a clone's user leaves in his data does not keep the clone from going, nor its pool from
 * opening.
 */
#include <fcntl.h>
#include <linux/btrfs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "common/hostile_tree.h"
#include "storage/layout.h"
#include "storage/storage_care.h"
#include "storage_fixture.h"
#include "storage_tests.h"

static guint n_aside(PoolFixture *f)
{
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);

    ASSERT_OK(storage_list_aside(f->pool, paths));
    return paths->len;
}

static void open_again(PoolFixture *f)
{
    storage_close_pool(f->pool);
    ASSERT_OK(storage_open_pool(&f->spec, &f->pool));
}

/* Whole in a snapshot and in a clone of it, and gone in the end. */
static void test_deep(PoolFixture *f, gconstpointer data)
{
    g_autofree char *volume_dir = storage_volume_data(f->pool, "c");
    g_autofree char *clone_dir = storage_volume_data(f->pool, "d");
    g_autoptr(GPtrArray) entries = NULL;

    make_volume(f, "v");
    make_snapshot(f, "v", "s");
    make_clone(f, "s", "c");
    hostile_tree_make(volume_dir, false);
    make_snapshot(f, "c", "t");
    make_clone(f, "t", "d");
    hostile_tree_assert_deep(clone_dir);
    open_again(f);
    ASSERT_OK(storage_destroy_volume(f->pool, "c"));
    ASSERT_OK(storage_destroy_snapshot(f->pool, "t"));
    ASSERT_OK(storage_destroy_volume(f->pool, "d"));
    ASSERT_OK(storage_destroy_volume(f->pool, "v"));
    ASSERT_OK(storage_destroy_snapshot(f->pool, "s"));
    ASSERT_OK(storage_list(f->pool, &entries));
    g_assert_cmpuint(entries->len, ==, 0);
    g_assert_cmpuint(n_aside(f), ==, 0);
}

/* What a crash has left half removed is as bad. */
static void test_locked(PoolFixture *f, gconstpointer data)
{
    g_autofree char *data_dir = storage_volume_data(f->pool, "v");

    make_volume(f, "v");
    hostile_tree_make(data_dir, true);
    ASSERT_OK(storage_destroy_volume(f->pool, "v"));
    g_assert_false(fs_exists(data_dir));
    g_assert_cmpuint(n_aside(f), ==, 0);
}

static bool walks_to_remove(void)
{
    return g_str_equal(fixture_driver, "reflink") || g_str_equal(fixture_driver, "overlay");
}

static void unmount_below(const char *path)
{
    g_autofree char *at = g_build_filename(path, "data", "mounted", NULL);

    g_assert_cmpint(umount2(at, UMOUNT_NOFOLLOW), ==, 0);
}

/* Its name is free, the pool opens, the doctor can name it; and it goes when it can. */
static void test_what_stays_is_set_aside(PoolFixture *f, gconstpointer data)
{
    g_autofree char *data_dir = storage_volume_data(f->pool, "v");
    g_autofree char *at = g_build_filename(data_dir, "mounted", NULL);
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);

    if (!walks_to_remove()) {
        g_test_skip("this storage destroys a volume as a whole");
        return;
    }
    make_volume(f, "v");
    ASSERT_OK(fs_make_dir(at, 0700, NULL));
    g_assert_cmpint(mount("none", at, "tmpfs", 0, NULL), ==, 0);
    ASSERT_OK(storage_destroy_volume(f->pool, "v"));
    g_assert_false(fs_exists(data_dir));
    make_volume(f, "v");
    ASSERT_OK(storage_destroy_volume(f->pool, "v"));
    open_again(f);
    ASSERT_OK(storage_list_aside(f->pool, paths));
    g_assert_cmpuint(paths->len, ==, 1);
    unmount_below(g_ptr_array_index(paths, 0));
    open_again(f);
    g_assert_cmpuint(n_aside(f), ==, 0);
}

/* Anybody may make subvolumes of btrfs; the library names them by paths, which have an end. */
static void test_far_subvolume(PoolFixture *f, gconstpointer data)
{
    struct btrfs_ioctl_vol_args args = {.name = "far"};
    g_autofree char *data_dir = storage_volume_data(f->pool, "v");
    char name[256] = {0};

    if (!g_str_equal(fixture_driver, "btrfs")) {
        g_test_skip("btrfs alone has subvolumes");
        return;
    }
    make_volume(f, "v");
    memset(name, 'x', sizeof name - 1);

    AUTO_FD fd = open(data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    for (int i = 0; i < HOSTILE_LONG_NAMES; i++) {
        g_assert_cmpint(mkdirat(fd, name, 0700), ==, 0);

        int below = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        close(fd);
        fd = below;
        if (i % 10 == 9) {
            g_assert_cmpint(ioctl(fd, BTRFS_IOC_SUBVOL_CREATE, &args), ==, 0);
            below = openat(fd, args.name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
            close(fd);
            fd = below;
        }
    }

    uint64_t flags = BTRFS_SUBVOL_RDONLY;

    g_assert_cmpint(ioctl(fd, BTRFS_IOC_SUBVOL_SETFLAGS, &flags), ==, 0);
    ASSERT_OK(storage_destroy_volume(f->pool, "v"));
    g_assert_false(fs_exists(data_dir));
    g_assert_cmpuint(n_aside(f), ==, 0);
}

#define ADD(name, function)                                                                        \
    g_test_add("/storage/hostile/" name, PoolFixture, NULL, fixture_setup, function,               \
               fixture_teardown)

void storage_add_hostile_tests(void)
{
    ADD("deep", test_deep);
    ADD("locked", test_locked);
    ADD("what-stays-is-set-aside", test_what_stays_is_set_aside);
    ADD("far-subvolume", test_far_subvolume);
}

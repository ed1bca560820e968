/*
 * What can befall LVM alone: logical volumes of somebody else in the same group, classic ones, and
 * what was deactivated or unmounted.
 */
#include <string.h>

#include "base/fs.h"
#include "storage/loopfile.h"
#include "storage/lvm/command.h"
#include "storage/lvm/fs.h"
#include "storage_fixture.h"
#include "storage_tests.h"

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

#define ADD(path, function)                                                                        \
    g_test_add("/storage/lvm/" path, PoolFixture, NULL, fixture_setup, function, fixture_teardown)

void storage_add_lvm_tests(void)
{
    ADD("foreign-volume-stays", test_foreign_volume_stays);
    ADD("classic-is-refused", test_classic_is_refused);
    ADD("mounted-again", test_mounted_again);
}

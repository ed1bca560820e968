/*
 * Pools come, go and survive accidents.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "storage/loopfile.h"
#include "storage/lvm/fs.h"
#include "storage/lvm/image.h"
#include "storage/pool.h"
#include "storage/zfs/command.h"
#include "storage_fixture.h"
#include "storage_tests.h"

/* After a reboot, by somebody who does not know which driver made it. */
static void test_open_again(PoolFixture *f, gconstpointer data)
{
    PoolSpec spec = f->spec;

    spec.driver = NULL;
    make_volume(f, "v");
    write_text(f, "v", "file", "text");
    make_snapshot(f, "v", "s");
    make_clone(f, "s", "c");
    g_clear_pointer(&f->pool, storage_close_pool);
    g_assert_true(loopfile_is_mounted(f->mount));
    ASSERT_OK(driver_image_ops(&f->spec)->unmount(f->mount));
    g_assert_false(loopfile_is_mounted(f->mount));

    ASSERT_OK(storage_open_pool(&spec, &f->pool));
    assert_volume_text(f, "v", "file", "text");
    assert_snapshot_text(f, "s", "file", "text");
    assert_volume_text(f, "c", "file", "text");
    make_clone(f, "s", "d");
    assert_volume_text(f, "d", "file", "text");
    g_assert_cmpstr(storage_pool_name(f->pool), ==, f->name);
    g_assert_cmpstr(storage_pool_driver(f->pool), ==, fixture_driver);
}

static void test_wrong_specs(PoolFixture *f, gconstpointer data)
{
    PoolSpec other = f->spec;
    Pool *pool = NULL;

    ASSERT_CODE(storage_create_pool(&f->spec, fixture_pool_size), ERR_CONFLICT);
    other.name = "other";
    ASSERT_CODE(storage_open_pool(&other, &pool), ERR_CONFLICT);
    other = f->spec;
    other.driver = "nosuch";
    ASSERT_CODE(storage_create_pool(&other, fixture_pool_size), ERR_INVALID);
    other.driver = NULL;
    ASSERT_CODE(storage_create_pool(&other, fixture_pool_size), ERR_INVALID);
    ASSERT_OK(storage_open_pool(&other, &pool));
    storage_close_pool(pool);
    other.mount = "relative";
    ASSERT_CODE(storage_create_pool(&other, fixture_pool_size), ERR_INVALID);
    other = f->spec;
    other.owner = "no-such-user";
    ASSERT_CODE(storage_open_pool(&other, &pool), ERR_NOT_FOUND);
    g_assert_true(loopfile_is_mounted(f->mount));
}

static void test_nothing_there(void)
{
    PoolFixture f;
    Pool *pool = NULL;

    fixture_init(&f);
    ASSERT_CODE(storage_open_pool(&f.spec, &pool), ERR_NOT_FOUND);
    ASSERT_CODE(storage_create_pool(&f.spec, 1 << 20), ERR_INVALID);
    ASSERT_OK(storage_destroy_pool(&f.spec, false));
    ASSERT_OK(storage_destroy_pool(&f.spec, true));
    f.spec.image = NULL;
    ASSERT_CODE(storage_open_pool(&f.spec, &pool), ERR_NOT_FOUND);
    ASSERT_CODE(storage_create_pool(&f.spec, 0), ERR_NOT_FOUND);
    rmdir(f.mount);
    fixture_assert_nothing_left(&f);
    fixture_clear(&f);
}

/* What would be covered or overwritten stays. */
static void test_places_that_are_taken(void)
{
    PoolFixture f;

    fixture_init(&f);
    ASSERT_OK(fs_write_file(f.image, "precious", NULL));
    ASSERT_CODE(storage_create_pool(&f.spec, fixture_pool_size), ERR_CONFLICT);
    g_assert_true(fs_exists(f.image));
    g_assert_false(fs_exists(f.mount));
    ASSERT_OK(fs_remove(f.image));

    g_autofree char *file = g_build_filename(f.mount, "precious", NULL);

    ASSERT_OK(fs_make_dir(f.mount, 0755, NULL));
    ASSERT_OK(fs_write_file(file, "precious", NULL));
    ASSERT_CODE(storage_create_pool(&f.spec, fixture_pool_size), ERR_CONFLICT);
    g_assert_false(fs_exists(f.image));
    g_assert_true(fs_exists(file));
    fixture_clear(&f);
}

static void test_destroy_refuses_what_is_in_use(PoolFixture *f, gconstpointer data)
{
    make_volume(f, "v");
    ASSERT_CODE(storage_destroy_pool(&f->spec, false), ERR_CONFLICT);
    assert_volume_text(f, "v", "none", NULL);
    make_snapshot(f, "v", "s");
    ASSERT_OK(storage_destroy_volume(f->pool, "v"));
    ASSERT_CODE(storage_destroy_pool(&f->spec, false), ERR_CONFLICT);

    g_autofree char *data_dir = storage_snapshot_data(f->pool, "s");

    g_assert_cmpint(chdir(data_dir), ==, 0);
    ASSERT_CODE(storage_destroy_pool(&f->spec, true), ERR_BUSY);
    g_assert_cmpint(chdir("/"), ==, 0);
    g_assert_true(fs_exists(data_dir));
}

/* Where a pool of its own lies within the test's pool: in a directory, if it may. */
static void make_directory_place(const PoolFixture *f, const char *mount)
{
    ASSERT_OK(fs_make_dir(mount, 0755, NULL));
}

static void remove_directory_place(const char *mount)
{
    ASSERT_OK(fs_remove(mount));
}

static void make_zfs_place(const PoolFixture *f, const char *mount)
{
    g_autofree char *dataset = NULL;

    ASSERT_OK(zfs_mounted_at(f->mount, &dataset));

    g_autofree char *inner = g_strconcat(dataset, "/inner", NULL);

    ASSERT_OK(zfs_do("zfs", "create", inner, NULL));
}

static void remove_zfs_place(const char *mount)
{
    g_autofree char *dataset = NULL;

    ASSERT_OK(zfs_mounted_at(mount, &dataset));
    g_assert_nonnull(dataset);
    ASSERT_OK(zfs_do("zfs", "destroy", dataset, NULL));
    ASSERT_OK(fs_remove(mount));
}

static void make_lvm_place(const PoolFixture *f, const char *mount)
{
    g_auto(LvmPlace) place = {0};

    ASSERT_OK(lvm_find_place(f->mount, &place));
    g_free(place.root);
    place.root = g_strdup("inner");

    g_autofree char *device = lvm_device(&place, place.root);

    ASSERT_OK(lvm_make_root(&place));
    ASSERT_OK(fs_make_dir(mount, 0755, NULL));
    ASSERT_OK(lvm_fs_mount(device, mount, false));
}

static void remove_lvm_place(const char *mount)
{
    g_auto(LvmPlace) place = {0};

    ASSERT_OK(lvm_find_place(mount, &place));

    g_autofree char *name = lvm_name(&place, place.root);

    ASSERT_OK(loopfile_unmount(mount));
    ASSERT_OK(lvm_do("lvremove", "-f", "-y", name, NULL));
    ASSERT_OK(fs_remove(mount));
}

typedef struct PlaceKind {
    const char *driver; /* NULL = any other */
    void (*make)(const PoolFixture *f, const char *mount);
    void (*remove)(const char *mount);
} PlaceKind;

static const PlaceKind place_kinds[] = {
    {"lvm", make_lvm_place, remove_lvm_place},
    {"zfs", make_zfs_place, remove_zfs_place},
    {NULL, make_directory_place, remove_directory_place},
};

static const PlaceKind *place_kind(void)
{
    const PlaceKind *kind = place_kinds;

    while (kind->driver && !g_str_equal(kind->driver, fixture_driver))
        kind++;
    return kind;
}

/* A file system of somebody else: here, a place within the test's own pool. */
static void test_pool_in_place(PoolFixture *f, gconstpointer data)
{
    g_autofree char *mount = g_build_filename(f->mount, "inner", NULL);
    g_autofree char *foreign = g_build_filename(mount, "volumes", "foreign", NULL);
    PoolFixture inner = {.spec = f->spec};

    inner.spec.mount = mount;
    inner.spec.name = "inner";
    inner.spec.image = NULL;
    place_kind()->make(f, mount);
    ASSERT_OK(storage_create_pool(&inner.spec, 0));
    ASSERT_CODE(storage_create_pool(&inner.spec, 0), ERR_CONFLICT);
    ASSERT_OK(storage_open_pool(&inner.spec, &inner.pool));
    make_volume(&inner, "v");
    make_snapshot(&inner, "v", "s");
    make_clone(&inner, "s", "c");
    storage_close_pool(inner.pool);

    ASSERT_OK(fs_make_dir(foreign, 0755, NULL));
    ASSERT_CODE(storage_destroy_pool(&inner.spec, false), ERR_CONFLICT);
    ASSERT_CODE(storage_destroy_pool(&inner.spec, true), ERR_CONFLICT);
    g_assert_true(fs_exists(foreign));
    ASSERT_OK(fs_remove(foreign));
    ASSERT_OK(storage_destroy_pool(&inner.spec, true));
    ASSERT_OK(storage_destroy_pool(&inner.spec, true));
    place_kind()->remove(mount);
}

static void test_unfit_file_system(void)
{
    PoolFixture f;

    fixture_init(&f);
    f.spec.image = NULL;
    ASSERT_OK(fs_make_dir(f.mount, 0755, NULL));
    g_assert_cmpint(mount("none", f.mount, "tmpfs", 0, "size=1m"), ==, 0);

    g_autoptr(Error) e = storage_create_pool(&f.spec, 0);

    g_assert_nonnull(e);
    g_assert_nonnull(e->hint);
    g_assert_cmpint(umount(f.mount), ==, 0);
    g_assert_cmpint(rmdir(f.mount), ==, 0);
    fixture_clear(&f);
}

static char *read_manifest(const PoolFixture *f, const char *thing)
{
    g_autofree char *path = g_build_filename(f->mount, thing, ".ramet/manifest.json", NULL);
    char *text = NULL;

    ASSERT_OK(fs_read_file(path, 65536, &text));
    return text;
}

/* As if the server had died between the two writes of a volume's manifest that a snapshot needs. */
static void test_killed_snapshot_is_undone(PoolFixture *f, gconstpointer data)
{
    g_autofree char *undo = g_build_filename(f->mount, ".ramet/undo-v", NULL);
    g_autofree char *gone = g_build_filename(f->mount, ".ramet/undo-gone", NULL);
    g_autofree char *path = g_build_filename(f->mount, "volumes/v/.ramet/manifest.json", NULL);

    make_volume(f, "v");
    make_snapshot(f, "v", "s");

    g_autofree char *own = read_manifest(f, "volumes/v");
    g_autofree char *snapshot = read_manifest(f, "snapshots/s");

    g_assert_cmpstr(own, !=, snapshot);
    g_assert_false(fs_exists(undo));
    ASSERT_OK(fs_write_file(undo, own, NULL));
    ASSERT_OK(fs_write_file(gone, own, NULL));
    ASSERT_OK(fs_write_file(path, snapshot, NULL));
    storage_close_pool(f->pool);
    ASSERT_OK(storage_open_pool(&f->spec, &f->pool));

    g_autofree char *restored = read_manifest(f, "volumes/v");

    g_assert_cmpstr(restored, ==, own);
    g_assert_false(fs_exists(undo));
    g_assert_false(fs_exists(gone));
}

/* Copies that take many steps leave traces when they are killed. */
static void test_killed_copies_are_collected(PoolFixture *f, gconstpointer data)
{
    g_autofree char *partial = g_build_filename(f->mount, "volumes/.c.partial/data", NULL);
    g_autofree char *deleted = g_build_filename(f->mount, "volumes/.d.deleted/data", NULL);
    g_autoptr(GPtrArray) entries = NULL;

    if (storage_pool_traits(f->pool).constant_cost) {
        g_test_skip("this driver's verbs are single steps");
        return;
    }
    make_volume(f, "v");
    make_snapshot(f, "v", "s");
    for (int i = 0; i < 2; i++) {
        g_assert_cmpint(g_mkdir_with_parents(partial, 0700), ==, 0);
        g_assert_cmpint(g_mkdir_with_parents(deleted, 0700), ==, 0);
        if (i == 0)
            make_clone(f, "s", "c");
        ASSERT_OK(storage_destroy_volume(f->pool, "c"));
        ASSERT_OK(storage_destroy_volume(f->pool, "d"));
        g_assert_false(fs_exists(partial));
        g_assert_false(fs_exists(deleted));
    }
    g_assert_cmpint(g_mkdir_with_parents(partial, 0700), ==, 0);
    g_assert_cmpint(g_mkdir_with_parents(deleted, 0700), ==, 0);
    storage_close_pool(f->pool);
    ASSERT_OK(storage_open_pool(&f->spec, &f->pool));
    g_assert_false(fs_exists(deleted));
    ASSERT_OK(storage_list(f->pool, &entries));
    g_assert_cmpuint(entries->len, ==, 3);
    g_assert_cmpstr(((StorageEntry *)g_ptr_array_index(entries, 0))->name, ==, "c");
    g_assert_null(((StorageEntry *)g_ptr_array_index(entries, 0))->manifest);
}

#define ADD(path, function)                                                                        \
    g_test_add("/storage/pool/" path, PoolFixture, NULL, fixture_setup, function, fixture_teardown)

void storage_add_pool_tests(void)
{
    ADD("open-again", test_open_again);
    ADD("wrong-specs", test_wrong_specs);
    ADD("destroy-refuses-what-is-in-use", test_destroy_refuses_what_is_in_use);
    ADD("in-place", test_pool_in_place);
    ADD("killed-snapshot-is-undone", test_killed_snapshot_is_undone);
    ADD("killed-copies-are-collected", test_killed_copies_are_collected);
    g_test_add_func("/storage/pool/nothing-there", test_nothing_there);
    g_test_add_func("/storage/pool/places-that-are-taken", test_places_that_are_taken);
    g_test_add_func("/storage/pool/unfit-file-system", test_unfit_file_system);
}

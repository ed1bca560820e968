/*
 * What can befall ZFS alone: people work on its datasets by hand.
 */
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "storage/pool.h"
#include "storage/zfs/command.h"
#include "storage_fixture.h"
#include "storage_tests.h"

static char *pool_dataset(const PoolFixture *f)
{
    char *dataset = NULL;

    ASSERT_OK(zfs_mounted_at(f->mount, &dataset));
    return dataset;
}

/* Entries without a manifest whose name begins so. */
static guint count_unknown(PoolFixture *f, const char *prefix)
{
    g_autoptr(GPtrArray) entries = NULL;
    guint count = 0;

    ASSERT_OK(storage_list(f->pool, &entries));
    for (guint i = 0; i < entries->len; i++) {
        const StorageEntry *entry = g_ptr_array_index(entries, i);

        count += !entry->manifest && g_str_has_prefix(entry->name, prefix);
    }
    return count;
}

static char *only_kept(const char *dataset)
{
    g_autofree char *parent = g_strconcat(dataset, "/kept", NULL);
    const char *const argv[] = {"zfs", "list", "-H", "-d", "1", "-o", "name", parent, NULL};
    g_autoptr(GPtrArray) rows = NULL;

    ASSERT_OK(zfs_list(argv, 1, &rows));
    g_assert_cmpuint(rows->len, ==, 2);
    return g_strdup(*(char **)g_ptr_array_index(rows, 1));
}

/* It is shown; its volume is kept aside when it is destroyed; when it goes, all goes. */
static void test_snapshot_by_hand(PoolFixture *f, gconstpointer data)
{
    g_autofree char *dataset = pool_dataset(f);
    g_autofree char *by_hand = g_strconcat(dataset, "/volumes/v@by hand", NULL);

    make_volume(f, "v");
    make_volume(f, "w");
    write_text(f, "v", "file", "text");
    ASSERT_OK(zfs_do("zfs", "snapshot", by_hand, NULL));
    g_assert_cmpuint(count_unknown(f, "v@by hand"), ==, 1);
    ASSERT_OK(storage_destroy_volume(f->pool, "v"));
    ASSERT_OK(storage_destroy_volume(f->pool, "v"));
    g_assert_cmpuint(count_unknown(f, "v."), ==, 1);

    g_autofree char *kept = only_kept(dataset);
    g_autofree char *moved = g_strconcat(kept, "@by hand", NULL);

    make_volume(f, "v"); /* the name is free */
    ASSERT_OK(storage_destroy_volume(f->pool, "v"));
    ASSERT_OK(zfs_do("zfs", "list", "-H", moved, NULL));
    ASSERT_OK(zfs_do("zfs", "destroy", moved, NULL));
    ASSERT_OK(storage_destroy_volume(f->pool, "w")); /* what is kept goes with the next one */
    ASSERT_CODE(zfs_do("zfs", "list", "-H", kept, NULL), ERR_NOT_FOUND);
}

static void test_busy(PoolFixture *f, gconstpointer data)
{
    make_volume(f, "v");
    write_text(f, "v", "file", "text");

    g_autofree char *data_dir = storage_volume_data(f->pool, "v");

    g_assert_cmpint(chdir(data_dir), ==, 0);

    g_autoptr(Error) e = storage_destroy_volume(f->pool, "v");

    g_assert_nonnull(e);
    g_assert_cmpint(e->code, ==, ERR_BUSY);
    g_assert_nonnull(e->hint);
    g_assert_cmpint(chdir("/"), ==, 0);
    assert_volume_text(f, "v", "file", "text");
    ASSERT_OK(storage_destroy_volume(f->pool, "v"));
}

/* Nothing is written to the directory below, nothing is lost. */
static void test_exported_under_our_feet(PoolFixture *f, gconstpointer data)
{
    const Manifest manifest = fixture_manifest("clone", "c");
    g_autofree char *dataset = pool_dataset(f);
    g_auto(GStrv) names = NULL;

    make_volume(f, "v");
    write_text(f, "v", "file", "text");
    make_snapshot(f, "v", "s");
    ASSERT_OK(zfs_do("zpool", "export", dataset, NULL));

    Error *errors[] = {storage_create_volume(f->pool, "n", &manifest),
                       storage_snapshot(f->pool, "v", "t", &manifest),
                       storage_clone(f->pool, "s", "c", &manifest)};

    for (size_t i = 0; i < G_N_ELEMENTS(errors); i++) {
        g_assert_nonnull(errors[i]);
        error_free(errors[i]);
    }
    ASSERT_OK(fs_list_dir(f->mount, &names));
    g_assert_cmpuint(g_strv_length(names), ==, 0);
    storage_close_pool(f->pool);
    ASSERT_OK(storage_open_pool(&f->spec, &f->pool));
    assert_volume_text(f, "v", "file", "text");
    make_clone(f, "s", "c");
    assert_volume_text(f, "c", "file", "text");
}

/* Mounted over, as ZFS does since 2.0: the file below is hidden, not lost. */
static void test_mount_point_is_not_empty(PoolFixture *f, gconstpointer data)
{
    g_autofree char *dataset = pool_dataset(f);
    g_autofree char *volume = g_strconcat(dataset, "/volumes/v", NULL);
    g_autofree char *file = g_build_filename(f->mount, "volumes/v/precious", NULL);

    make_volume(f, "v");
    write_text(f, "v", "file", "text");
    ASSERT_OK(zfs_do("zfs", "unmount", volume, NULL));
    ASSERT_OK(fs_write_file(file, "precious", NULL));
    storage_close_pool(f->pool);
    ASSERT_OK(storage_open_pool(&f->spec, &f->pool));
    assert_volume_text(f, "v", "file", "text");
    g_assert_false(fs_exists(file));

    g_autoptr(Error) e = storage_destroy_volume(f->pool, "v");

    g_assert_nonnull(e);
    g_assert_nonnull(e->hint);
    g_assert_true(fs_exists(file));
    ASSERT_OK(fs_remove(file));
    ASSERT_OK(storage_destroy_volume(f->pool, "v"));
}

/* A pool in place, where somebody has a dataset of the name that ours would have. */
static void test_dataset_of_somebody_else(PoolFixture *f, gconstpointer data)
{
    g_autofree char *dataset = pool_dataset(f);
    g_autofree char *inner = g_strconcat(dataset, "/inner", NULL);
    g_autofree char *theirs = g_strconcat(inner, "/volumes", NULL);
    g_autofree char *mount = g_build_filename(f->mount, "inner", NULL);
    g_autofree char *file = g_build_filename(mount, "volumes/precious", NULL);
    PoolSpec spec = f->spec;

    spec.name = "inner";
    spec.mount = mount;
    spec.image = NULL;
    ASSERT_OK(zfs_do("zfs", "create", inner, NULL));
    ASSERT_OK(zfs_do("zfs", "create", theirs, NULL));
    ASSERT_OK(fs_write_file(file, "precious", NULL));
    ASSERT_CODE(storage_create_pool(&spec, 0), ERR_CONFLICT);
    g_assert_true(fs_exists(file));
    ASSERT_OK(zfs_do("zfs", "destroy", theirs, NULL));
    ASSERT_OK(storage_create_pool(&spec, 0));
    ASSERT_OK(storage_destroy_pool(&spec, false));
    ASSERT_OK(zfs_do("zfs", "destroy", inner, NULL));
}

/* Beside what we keep aside: it is swept neither now nor when the pool is opened. */
static void test_dataset_by_hand_among_kept(PoolFixture *f, gconstpointer data)
{
    g_autofree char *dataset = pool_dataset(f);
    g_autofree char *theirs = g_strconcat(dataset, "/kept/theirs", NULL);

    ASSERT_OK(zfs_do("zfs", "create", theirs, NULL));
    storage_close_pool(f->pool);
    ASSERT_OK(storage_open_pool(&f->spec, &f->pool));
    make_volume(f, "v");
    make_snapshot(f, "v", "s");
    ASSERT_OK(storage_destroy_volume(f->pool, "v"));
    ASSERT_OK(storage_destroy_snapshot(f->pool, "s"));
    ASSERT_OK(zfs_do("zfs", "list", "-H", theirs, NULL));
    ASSERT_OK(zfs_do("zfs", "destroy", theirs, NULL));
}

#define ADD(path, function)                                                                        \
    g_test_add("/storage/zfs/" path, PoolFixture, NULL, fixture_setup, function, fixture_teardown)

void storage_add_zfs_tests(void)
{
    ADD("snapshot-by-hand", test_snapshot_by_hand);
    ADD("dataset-by-hand-among-kept", test_dataset_by_hand_among_kept);
    ADD("busy", test_busy);
    ADD("exported-under-our-feet", test_exported_under_our_feet);
    ADD("mount-point-is-not-empty", test_mount_point_is_not_empty);
    ADD("dataset-of-somebody-else", test_dataset_of_somebody_else);
}

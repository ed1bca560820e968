/*
 * Marks: what an undo may destroy is what its own operation has not finished; and what a pool has seen
 * of the store.
 */
#include <string.h>

#include "base/fs.h"
#include "storage/mark.h"
#include "storage/pool_epoch.h"
#include "storage/storage_care.h"
#include "storage_fixture.h"
#include "storage_tests.h"

static bool is_there(PoolFixture *f, StorageKind kind, const char *name)
{
    g_autofree char *path = kind == STORAGE_VOLUME ? storage_volume_data(f->pool, name)
                                                   : storage_snapshot_data(f->pool, name);

    return fs_exists(path);
}

static bool unmake_keeps(PoolFixture *f, StorageKind kind, const char *name, const char *maker)
{
    bool is_kept = false;

    ASSERT_OK(storage_unmake(f->pool, kind, name, maker, &is_kept));
    return is_kept;
}

static void make_marked(PoolFixture *f, StorageKind kind, const char *name)
{
    ASSERT_OK(storage_mark(f->pool, kind, name, "op1"));
    if (kind == STORAGE_VOLUME)
        make_clone(f, "s", name);
    else
        make_snapshot(f, "v", name);
}

static void check_kind(PoolFixture *f, StorageKind kind)
{
    g_assert_false(unmake_keeps(f, kind, "x", "op1")); /* nothing there */
    make_marked(f, kind, "x");
    g_assert_false(storage_is_finished(f->pool, kind, "x"));
    g_assert_true(unmake_keeps(f, kind, "x", "op2")); /* another's */
    g_assert_true(is_there(f, kind, "x"));
    g_assert_false(unmake_keeps(f, kind, "x", "op1"));
    g_assert_false(is_there(f, kind, "x"));
    g_assert_false(unmake_keeps(f, kind, "x", "op1")); /* again */

    make_marked(f, kind, "x");
    ASSERT_OK(storage_unmark(f->pool, kind, "x"));
    ASSERT_OK(storage_unmark(f->pool, kind, "x"));
    g_assert_true(storage_is_finished(f->pool, kind, "x"));
    g_assert_true(unmake_keeps(f, kind, "x", "op1")); /* its user was told */
    g_assert_true(is_there(f, kind, "x"));
}

static void test_unmake(PoolFixture *f, gconstpointer data)
{
    make_volume(f, "v");
    make_snapshot(f, "v", "s");
    check_kind(f, STORAGE_VOLUME);
    check_kind(f, STORAGE_SNAPSHOT);
}

/* Who is half made has no manifest of its own, marked or not. */
static void test_half_made(PoolFixture *f, gconstpointer data)
{
    g_autofree char *manifest = g_build_filename(f->mount, "volumes/v/.ramet/manifest.json", NULL);

    make_volume(f, "v");
    ASSERT_OK(fs_remove(manifest));
    g_assert_false(storage_is_finished(f->pool, STORAGE_VOLUME, "v"));
    g_assert_false(unmake_keeps(f, STORAGE_VOLUME, "v", "op1"));
    g_assert_false(is_there(f, STORAGE_VOLUME, "v"));
}

static bool is_op2(const char *maker, void *data)
{
    return g_str_equal(maker, "op2");
}

/* Marks live as long as their maker; a destroyed volume and a destroyed pool leave none. */
static void test_sweep(PoolFixture *f, gconstpointer data)
{
    g_autofree char *private_dir = g_build_filename(f->mount, ".ramet", NULL);
    g_auto(GStrv) before = NULL, after = NULL;

    ASSERT_OK(fs_list_dir(private_dir, &before));
    ASSERT_OK(storage_mark(f->pool, STORAGE_VOLUME, "a", "op1"));
    ASSERT_OK(storage_mark(f->pool, STORAGE_VOLUME, "b", "op1"));
    ASSERT_OK(storage_mark(f->pool, STORAGE_VOLUME, "b", "op2")); /* tried again by another */
    ASSERT_OK(storage_sweep_marks(f->pool, is_op2, NULL));
    make_volume(f, "a");
    make_volume(f, "b");
    g_assert_true(unmake_keeps(f, STORAGE_VOLUME, "a", "op1"));
    g_assert_false(unmake_keeps(f, STORAGE_VOLUME, "b", "op2"));
    ASSERT_OK(storage_mark(f->pool, STORAGE_VOLUME, "a", "op3"));
    ASSERT_OK(storage_destroy_volume(f->pool, "a"));
    ASSERT_OK(fs_list_dir(private_dir, &after));
    g_assert_cmpuint(g_strv_length(after), ==, g_strv_length(before));
    ASSERT_OK(storage_mark(f->pool, STORAGE_VOLUME, "c", "op4"));
}

static void test_epoch(PoolFixture *f, gconstpointer data)
{
    g_autofree char *path = g_build_filename(f->mount, ".ramet/epoch", NULL);
    int64_t seen = -1;

    ASSERT_OK(storage_epoch_seen(f->pool, &seen));
    g_assert_cmpint(seen, ==, 0);
    ASSERT_OK(storage_epoch_tell(f->pool, 42));
    g_clear_pointer(&f->pool, storage_close_pool);
    ASSERT_OK(storage_open_pool(&f->spec, &f->pool));
    ASSERT_OK(storage_epoch_seen(f->pool, &seen));
    g_assert_cmpint(seen, ==, 42);
    ASSERT_OK(fs_write_file(path, "", NULL)); /* as a power cut may leave it */
    ASSERT_OK(storage_epoch_seen(f->pool, &seen));
    g_assert_cmpint(seen, ==, 0);
}

#define ADD(name, function)                                                                        \
    g_test_add("/storage/marks/" name, PoolFixture, NULL, fixture_setup, function, fixture_teardown)

void storage_add_mark_tests(void)
{
    ADD("unmake", test_unmake);
    ADD("half-made", test_half_made);
    ADD("sweep", test_sweep);
    ADD("epoch", test_epoch);
}

/*
 * The verbs of the storage contract, one volume at a time.
 */
#include <btrfsutil.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/fs.h"
#include "storage_fixture.h"
#include "storage_tests.h"

#define MIB              (UINT64_C(1) << 20)
#define FREED_TIMEOUT_MS 60000 /* space comes back in the background */

static void assert_access(const char *path, mode_t mode, uid_t uid)
{
    struct stat status;

    g_assert_cmpint(stat(path, &status), ==, 0);
    g_assert_cmpuint(status.st_mode & ALLPERMS, ==, mode);
    g_assert_cmpuint(status.st_uid, ==, uid);
}

static void test_create(PoolFixture *f, gconstpointer data)
{
    g_autofree char *volume = g_build_filename(f->mount, "volumes", "v", NULL);
    g_autofree char *data_dir = storage_volume_data(f->pool, "v");

    make_volume(f, "v");
    assert_access(volume, 0711, 0);
    assert_access(data_dir, 0700, getpwnam(f->spec.owner)->pw_uid);
    write_text(f, "v", "PG_VERSION", "15\n");
    assert_volume_text(f, "v", "PG_VERSION", "15\n");
    ASSERT_OK(storage_sync(f->pool, "v"));
}

static void test_written_apart(PoolFixture *f, gconstpointer data)
{
    make_volume(f, "v");
    write_text(f, "v", "file", "one");
    make_snapshot(f, "v", "s");
    make_clone(f, "s", "a");
    make_clone(f, "s", "b");

    write_text(f, "v", "file", "origin");
    write_text(f, "a", "file", "a");
    write_text(f, "a", "new", "a");
    assert_volume_text(f, "v", "file", "origin");
    assert_snapshot_text(f, "s", "file", "one");
    assert_volume_text(f, "a", "file", "a");
    assert_volume_text(f, "b", "file", "one");
    assert_volume_text(f, "b", "new", NULL);
    assert_volume_text(f, "v", "new", NULL);
    assert_snapshot_text(f, "s", "new", NULL);

    make_clone(f, "s", "c");
    assert_volume_text(f, "c", "file", "one");
}

static void test_five_deep(PoolFixture *f, gconstpointer data)
{
    make_volume(f, "v0");
    write_text(f, "v0", "level0", "0");
    for (int i = 0; i < 5; i++) {
        g_autofree char *volume = g_strdup_printf("v%d", i);
        g_autofree char *snapshot = g_strdup_printf("s%d", i);
        g_autofree char *clone = g_strdup_printf("v%d", i + 1);
        g_autofree char *file = g_strdup_printf("level%d", i + 1);

        make_snapshot(f, volume, snapshot);
        make_clone(f, snapshot, clone);
        write_text(f, clone, file, file);
    }
    assert_volume_text(f, "v5", "level0", "0");
    assert_volume_text(f, "v5", "level1", "level1");
    assert_volume_text(f, "v5", "level5", "level5");
    assert_volume_text(f, "v4", "level5", NULL);
    assert_snapshot_text(f, "s4", "level4", "level4");
}

/* One thing to be destroyed: a volume, its snapshot, or a clone of that. */
typedef struct Victim {
    const char *name;
    bool is_snapshot;
} Victim;

static void assert_destroyed(PoolFixture *f, const Victim *victim)
{
    for (int i = 0; i < 2; i++)
        ASSERT_OK(victim->is_snapshot ? storage_destroy_snapshot(f->pool, victim->name)
                                      : storage_destroy_volume(f->pool, victim->name));

    g_autofree char *data = victim->is_snapshot ? storage_snapshot_data(f->pool, victim->name)
                                                : storage_volume_data(f->pool, victim->name);

    g_assert_false(fs_exists(data));
}

static void assert_alive(PoolFixture *f, const Victim *victim)
{
    if (victim->is_snapshot)
        assert_snapshot_text(f, victim->name, "file", "text");
    else
        assert_volume_text(f, victim->name, "file", "text");
}

static void test_destroy_in_every_order(PoolFixture *f, gconstpointer data)
{
    static const Victim victims[] = {{"v", false}, {"s", true}, {"c", false}};
    static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                    {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

    for (size_t i = 0; i < G_N_ELEMENTS(orders); i++) {
        make_volume(f, "v");
        write_text(f, "v", "file", "text");
        make_snapshot(f, "v", "s");
        make_clone(f, "s", "c");
        for (size_t j = 0; j < 3; j++) {
            assert_destroyed(f, &victims[orders[i][j]]);
            for (size_t k = j + 1; k < 3; k++)
                assert_alive(f, &victims[orders[i][k]]);
        }
    }
}

/* What is destroyed may live on for what was made of it; its name is free at once. */
static void test_names_come_back(PoolFixture *f, gconstpointer data)
{
    make_volume(f, "v");
    for (int i = 0; i < 3; i++) {
        g_autofree char *clone = g_strdup_printf("c%d", i);

        write_text(f, "v", "file", clone);
        make_snapshot(f, "v", "s");
        make_clone(f, "s", clone);
        ASSERT_OK(storage_destroy_snapshot(f->pool, "s"));
        assert_volume_text(f, clone, "file", clone);
    }
    make_snapshot(f, "v", "s");
    ASSERT_OK(storage_destroy_volume(f->pool, "v"));
    make_volume(f, "v");
    write_text(f, "v", "file", "new");
    make_snapshot(f, "v", "t");
    assert_snapshot_text(f, "s", "file", "c2");
    assert_snapshot_text(f, "t", "file", "new");
    assert_volume_text(f, "c0", "file", "c0");
}

static uint64_t used_bytes(PoolFixture *f)
{
    SpaceUsage usage = {0};

    ASSERT_OK(storage_sync(f->pool, "other"));
    ASSERT_OK(storage_usage(f->pool, &usage));
    return usage.used_bytes;
}

typedef struct SpaceGoal {
    PoolFixture *fixture;
    uint64_t used_bytes;
} SpaceGoal;

static Error *check_space_is_back(void *data, bool *ret_done)
{
    const SpaceGoal *goal = data;

    *ret_done = used_bytes(goal->fixture) <= goal->used_bytes;
    return NULL;
}

/* Chains of clones whose origins go first: nothing of them is kept for ever. */
static void test_space_comes_back(PoolFixture *f, gconstpointer data)
{
    SpaceGoal goal = {.fixture = f};

    make_volume(f, "other");
    goal.used_bytes = used_bytes(f) + 2 * MIB;
    make_volume(f, "v");
    write_random(f, "v", "big", 8 * MIB, 1);
    make_snapshot(f, "v", "s");
    make_clone(f, "s", "c");
    write_random(f, "c", "own", 8 * MIB, 2);
    make_snapshot(f, "c", "t");
    make_clone(f, "t", "d");
    write_random(f, "v", "big", 8 * MIB, 3);
    ASSERT_OK(storage_destroy_volume(f->pool, "v"));
    ASSERT_OK(storage_destroy_snapshot(f->pool, "s"));
    ASSERT_OK(storage_destroy_volume(f->pool, "c"));
    ASSERT_OK(storage_destroy_snapshot(f->pool, "t"));
    g_assert_cmpuint(used_bytes(f), >=, goal.used_bytes + 8 * MIB);
    ASSERT_OK(storage_destroy_volume(f->pool, "d"));
    ASSERT_OK(wait_until(clock_monotonic_ms() + FREED_TIMEOUT_MS, check_space_is_back, &goal));
}

static void test_conflicts(PoolFixture *f, gconstpointer data)
{
    const Manifest manifest = fixture_manifest("clone", "x");
    const Manifest snapshot = fixture_manifest("snapshot", "x");
    uint64_t bytes = 0;
    bool is_exact = false;

    make_volume(f, "v");
    write_text(f, "v", "file", "text");
    make_snapshot(f, "v", "s");

    ASSERT_CODE(storage_create_volume(f->pool, "v", &manifest), ERR_CONFLICT);
    ASSERT_CODE(storage_clone(f->pool, "s", "v", &manifest), ERR_CONFLICT);
    ASSERT_CODE(storage_snapshot(f->pool, "v", "s", &snapshot), ERR_CONFLICT);
    ASSERT_CODE(storage_clone(f->pool, "none", "c", &manifest), ERR_NOT_FOUND);
    ASSERT_CODE(storage_snapshot(f->pool, "none", "t", &snapshot), ERR_NOT_FOUND);
    ASSERT_CODE(storage_diff_bytes(f->pool, "none", &bytes, &is_exact), ERR_NOT_FOUND);
    ASSERT_CODE(storage_sync(f->pool, "none"), ERR_NOT_FOUND);
    ASSERT_OK(storage_destroy_volume(f->pool, "none"));
    ASSERT_OK(storage_destroy_snapshot(f->pool, "none"));
    assert_volume_text(f, "v", "file", "text");
    assert_snapshot_text(f, "s", "file", "text");
    assert_volume_text(f, "c", "file", NULL);
}

static void test_names(PoolFixture *f, gconstpointer data)
{
    static const char *const bad[] = {"",    ".",    "..",   ".a", "-a",         "_a",
                                      "a/b", "../a", "a\nb", "A",  "a b",        "a\"",
                                      "é",   "/a",   "a;b",  "a*", ".a.deleted", NULL};
    const Manifest manifest = fixture_manifest("clone", "x");
    g_autofree char *longest = g_strnfill(63, 'a');
    g_autofree char *too_long = g_strnfill(64, 'a');

    make_volume(f, longest);
    make_snapshot(f, longest, "0");
    make_clone(f, "0", "a");
    make_snapshot(f, "a", longest);
    make_clone(f, longest, "a_b.c-d.partial");
    for (size_t i = 0; bad[i]; i++) {
        ASSERT_CODE(storage_create_volume(f->pool, bad[i], &manifest), ERR_INVALID);
        ASSERT_CODE(storage_clone(f->pool, bad[i], "c", &manifest), ERR_INVALID);
        ASSERT_CODE(storage_clone(f->pool, "0", bad[i], &manifest), ERR_INVALID);
        ASSERT_CODE(storage_snapshot(f->pool, "a", bad[i], &manifest), ERR_INVALID);
        ASSERT_CODE(storage_destroy_volume(f->pool, bad[i]), ERR_INVALID);
        ASSERT_CODE(storage_destroy_snapshot(f->pool, bad[i]), ERR_INVALID);
    }
    ASSERT_CODE(storage_create_volume(f->pool, too_long, &manifest), ERR_INVALID);
    ASSERT_OK(storage_destroy_volume(f->pool, longest));
    ASSERT_OK(storage_destroy_snapshot(f->pool, longest));
}

/* The entry of that name, or NULL. */
static const StorageEntry *find_entry(const GPtrArray *entries, const char *name)
{
    for (guint i = 0; i < entries->len; i++) {
        const StorageEntry *entry = g_ptr_array_index(entries, i);

        if (g_str_equal(entry->name, name))
            return entry;
    }
    return NULL;
}

static void assert_entry(const GPtrArray *entries, const char *name, const char *kind)
{
    const StorageEntry *entry = find_entry(entries, name);

    g_assert_nonnull(entry);
    g_assert_cmpint(entry->is_snapshot, ==, g_strcmp0(kind, "snapshot") == 0);
    g_assert_cmpint(entry->manifest != NULL, ==, kind != NULL);
    if (kind) {
        g_assert_cmpstr(entry->manifest->kind, ==, kind);
        g_assert_cmpstr(entry->manifest->uid, ==, name);
        g_assert_cmpint(entry->manifest->pg_major, ==, 15);
    }
}

static void test_list(PoolFixture *f, gconstpointer data)
{
    g_autofree char *foreign = g_build_filename(f->mount, "volumes", "foreign", "data", NULL);
    g_autoptr(GPtrArray) entries = NULL;

    make_volume(f, "v");
    make_snapshot(f, "v", "s");
    make_clone(f, "s", "c");
    make_snapshot(f, "c", "t");
    g_assert_cmpint(g_mkdir_with_parents(foreign, 0700), ==, 0);

    ASSERT_OK(storage_list(f->pool, &entries));
    g_assert_cmpuint(entries->len, ==, 5);
    assert_entry(entries, "v", "golden");
    assert_entry(entries, "s", "snapshot");
    assert_entry(entries, "c", "clone");
    assert_entry(entries, "t", "snapshot");
    assert_entry(entries, "foreign", NULL);

    storage_close_pool(f->pool);
    ASSERT_OK(storage_open_pool(&f->spec, &f->pool));
    g_assert_true(fs_exists(foreign));
}

/* A clone whose own manifest was never written still has its snapshot's. */
static void test_half_made_has_no_manifest(PoolFixture *f, gconstpointer data)
{
    g_autofree char *from = g_build_filename(f->mount, "snapshots/s/.ramet/manifest.json", NULL);
    g_autofree char *to = g_build_filename(f->mount, "volumes/c/.ramet/manifest.json", NULL);
    g_autofree char *text = NULL;
    g_autoptr(GPtrArray) entries = NULL;

    make_volume(f, "v");
    make_snapshot(f, "v", "s");
    make_clone(f, "s", "c");
    ASSERT_OK(fs_read_file(from, 65536, &text));
    ASSERT_OK(fs_write_file(to, text, NULL));
    ASSERT_OK(storage_list(f->pool, &entries));
    assert_entry(entries, "c", NULL);
    assert_entry(entries, "v", "golden");
}

/* Neither root by mistake nor a clone's user by intent can change a snapshot. */
static void test_snapshot_is_protected(PoolFixture *f, gconstpointer data)
{
    g_autofree char *root = g_build_filename(f->mount, "snapshots", "s", NULL);
    g_autofree char *file = g_build_filename(root, "data", "file", NULL);
    struct stat status;

    make_volume(f, "v");
    write_text(f, "v", "file", "text");
    make_snapshot(f, "v", "s");
    g_assert_cmpint(stat(root, &status), ==, 0);

    AUTO_FD fd = open(file, O_WRONLY | O_CLOEXEC);
    bool is_read_only = fd < 0 && errno == EROFS;
    bool is_closed = (status.st_mode & 0077) == 0 && status.st_uid == 0;

    g_assert_true(is_read_only || is_closed);
    if (g_str_equal(fixture_driver, "btrfs"))
        g_assert_true(is_read_only);
}

/* Everything that a data directory may have. */
static void fill_with_all_kinds(PoolFixture *f, const char *volume)
{
    g_autofree char *data = storage_volume_data(f->pool, volume);
    g_autofree char *dir = g_build_filename(data, "base/1", NULL);
    g_autofree char *owned = g_build_filename(data, "base/1/owned", NULL);
    g_autofree char *link = g_build_filename(data, "pg_tblspc", NULL);
    g_autofree char *sparse = g_build_filename(data, "sparse", NULL);

    g_assert_cmpint(g_mkdir_with_parents(dir, 0750), ==, 0);
    write_random(f, volume, "base/1/big", 3 * MIB, 1);
    write_random(f, volume, "base/1/odd", 12345 * 4, 2);
    write_text(f, volume, "empty", "");
    write_text(f, volume, "base/1/owned", "text");
    write_text(f, volume, "sparse", "start");
    g_assert_cmpint(truncate(sparse, 64 << 20), ==, 0);
    g_assert_cmpint(chmod(owned, 0640), ==, 0);
    g_assert_cmpint(chown(owned, 1234, 5678), ==, 0);
    g_assert_cmpint(chown(dir, 1234, 5678), ==, 0);
    g_assert_cmpint(symlink("/nowhere/at all", link), ==, 0);
}

static void test_copies_are_identical(PoolFixture *f, gconstpointer data)
{
    g_autofree char *volume = storage_volume_data(f->pool, "v");
    g_autofree char *snapshot = storage_snapshot_data(f->pool, "s");
    g_autofree char *clone = storage_volume_data(f->pool, "c");

    make_volume(f, "v");
    fill_with_all_kinds(f, "v");

    g_autofree char *before = tree_checksum(volume);

    make_snapshot(f, "v", "s");
    write_random(f, "v", "base/1/big", 3 * MIB, 3);
    make_clone(f, "s", "c");

    g_autofree char *in_snapshot = tree_checksum(snapshot);
    g_autofree char *in_clone = tree_checksum(clone);

    g_assert_cmpstr(in_snapshot, ==, before);
    g_assert_cmpstr(in_clone, ==, before);
    write_random(f, "c", "base/1/big", 3 * MIB, 4);

    g_autofree char *afterwards = tree_checksum(snapshot);

    g_assert_cmpstr(afterwards, ==, before);
}

static uint64_t diff_bytes(PoolFixture *f, const char *volume, bool *ret_is_exact)
{
    uint64_t bytes = 0;

    ASSERT_OK(storage_sync(f->pool, volume));
    ASSERT_OK(storage_diff_bytes(f->pool, volume, &bytes, ret_is_exact));
    return bytes;
}

static void test_diff(PoolFixture *f, gconstpointer data)
{
    bool is_exact = false;

    make_volume(f, "v");
    write_random(f, "v", "big", 8 * MIB, 1);
    make_snapshot(f, "v", "s");
    make_clone(f, "s", "c");
    make_clone(f, "s", "d");

    uint64_t fresh = diff_bytes(f, "c", &is_exact);

    if (!is_exact) {
        g_test_skip("this kernel cannot tell");
        return;
    }
    g_assert_cmpuint(fresh, <, MIB / 2);
    write_random(f, "c", "new", MIB, 2);

    uint64_t grown = diff_bytes(f, "c", &is_exact) - fresh;

    g_assert_cmpuint(grown, >=, MIB);
    g_assert_cmpuint(grown, <, MIB + MIB / 2);
    g_assert_cmpuint(diff_bytes(f, "d", &is_exact), <, MIB / 2);
}

/* Bytes that cannot be written are an error; *ret_written before it. */
static int write_until_refused(PoolFixture *f, const char *volume, size_t bytes)
{
    g_autofree char *data_dir = storage_volume_data(f->pool, volume);
    g_autofree char *path = g_build_filename(data_dir, "hog", NULL);
    g_autofree char *chunk = g_malloc(MIB);
    AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    g_assert_cmpint(fd, >=, 0);
    for (size_t done = 0; done < bytes; done += MIB) {
        for (size_t i = 0; i < MIB / sizeof(gint32); i++)
            ((gint32 *)(void *)chunk)[i] = g_test_rand_int();
        if (write(fd, chunk, MIB) < 0 || fsync(fd) < 0)
            return errno;
    }
    return 0;
}

/* What one volume may hold alone: its neighbours write on, and it does with more. */
static void test_limit(PoolFixture *f, gconstpointer data)
{
    make_volume(f, "v");
    write_random(f, "v", "big", 8 * MIB, 1);
    make_snapshot(f, "v", "s");
    make_clone(f, "s", "c");
    make_clone(f, "s", "d");
    ASSERT_OK(storage_limit_volume(f->pool, "c", 0));
    ASSERT_CODE(storage_limit_volume(f->pool, "none", MIB), ERR_NOT_FOUND);
    if (!storage_pool_traits(f->pool).limits_volumes) {
        ASSERT_CODE(storage_limit_volume(f->pool, "c", 64 * MIB), ERR_INVALID);
        return;
    }
    ASSERT_OK(storage_limit_volume(f->pool, "c", 16 * MIB));

    int refused = write_until_refused(f, "c", 48 * MIB);

    g_assert_true(refused == ENOSPC || refused == EDQUOT);
    g_assert_cmpint(write_until_refused(f, "d", 24 * MIB), ==, 0);
    ASSERT_OK(storage_sync(f->pool, "c"));
    ASSERT_CODE(storage_limit_volume(f->pool, "c", MIB), ERR_CONFLICT);
    ASSERT_OK(storage_limit_volume(f->pool, "c", 64 * MIB));
    g_assert_cmpint(write_until_refused(f, "c", 24 * MIB), ==, 0);
    ASSERT_OK(storage_limit_volume(f->pool, "c", 0));
    g_assert_cmpint(write_until_refused(f, "c", 72 * MIB), ==, 0);
}

/* What a volume wrote is there for its snapshot alone when the volume is gone. */
static void test_snapshots_bytes(PoolFixture *f, gconstpointer data)
{
    uint64_t with_volume = 0;
    uint64_t without = 0;

    make_volume(f, "v");
    write_random(f, "v", "big", 8 * MIB, 1);
    ASSERT_OK(storage_sync(f->pool, "v"));
    make_snapshot(f, "v", "s");
    ASSERT_OK(storage_snapshots_bytes(f->pool, &with_volume));
    ASSERT_OK(storage_destroy_volume(f->pool, "v"));
    ASSERT_OK(storage_snapshots_bytes(f->pool, &without));
    if (without == 0) {
        g_test_skip("this storage cannot tell");
        return;
    }
    g_assert_cmpuint(with_volume, <, 4 * MIB);
    g_assert_cmpuint(without, >=, 8 * MIB);
    g_assert_cmpuint(without, <, 16 * MIB);
}

static uint64_t snapshot_bytes(PoolFixture *f, const char *snapshot)
{
    uint64_t bytes = 0;

    ASSERT_OK(storage_snapshot_bytes(f->pool, snapshot, &bytes));
    return bytes;
}

/* What others have as well is not its own; what its volume has deleted since is. */
static void test_snapshot_bytes(PoolFixture *f, gconstpointer data)
{
    g_autofree char *dir = storage_volume_data(f->pool, "v");
    g_autofree char *big = g_build_filename(dir, "big", NULL);
    uint64_t bytes = 0;

    make_volume(f, "v");
    write_random(f, "v", "big", 8 * MIB, 1);
    ASSERT_OK(storage_sync(f->pool, "v"));
    make_snapshot(f, "v", "s");
    ASSERT_CODE(storage_snapshot_bytes(f->pool, "none", &bytes), ERR_NOT_FOUND);
    g_assert_cmpuint(snapshot_bytes(f, "s"), <, MIB);
    ASSERT_OK(fs_remove(big));
    ASSERT_OK(storage_sync(f->pool, "v"));
    if (snapshot_bytes(f, "s") == 0) {
        g_test_skip("this storage cannot tell");
        return;
    }
    g_assert_cmpuint(snapshot_bytes(f, "s"), >=, 8 * MIB - MIB / 4);
    g_assert_cmpuint(snapshot_bytes(f, "s"), <, 9 * MIB);
    make_clone(f, "s", "c");
    ASSERT_OK(storage_sync(f->pool, "c"));
    g_assert_cmpuint(snapshot_bytes(f, "s"), <, 9 * MIB);
}

static void test_usage(PoolFixture *f, gconstpointer data)
{
    SpaceUsage before = {0};
    SpaceUsage after = {0};

    make_volume(f, "v");
    ASSERT_OK(storage_sync(f->pool, "v"));
    ASSERT_OK(storage_usage(f->pool, &before));
    write_random(f, "v", "big", 32 * MIB, 1);
    ASSERT_OK(storage_sync(f->pool, "v"));
    ASSERT_OK(storage_usage(f->pool, &after));
    g_assert_cmpuint(before.size_bytes, <=, fixture_pool_size);
    g_assert_cmpuint(before.size_bytes, >, fixture_pool_size / 2);
    g_assert_cmpuint(before.free_bytes, >, fixture_pool_size / 2);
    g_assert_cmpuint(after.used_bytes, >=, before.used_bytes + 32 * MIB);
    g_assert_cmpuint(after.free_bytes + 32 * MIB, <=, before.free_bytes);
    g_assert_cmpuint(before.size_bytes, ==, before.used_bytes + before.free_bytes);
    g_assert_cmpuint(after.size_bytes, ==, after.used_bytes + after.free_bytes);
}

/* Anybody may make subvolumes in a directory of his own on btrfs. */
static void test_nested_subvolumes_go_too(PoolFixture *f, gconstpointer data)
{
    g_autofree char *data_dir = storage_volume_data(f->pool, "v");
    g_autofree char *outer = g_build_filename(data_dir, "outer", NULL);
    g_autofree char *inner = g_build_filename(outer, "inner", NULL);

    if (!g_str_equal(fixture_driver, "btrfs")) {
        g_test_skip("btrfs alone has subvolumes");
        return;
    }
    make_volume(f, "v");
    g_assert_cmpint(btrfs_util_create_subvolume(outer, 0, NULL, NULL), ==, 0);
    g_assert_cmpint(btrfs_util_create_subvolume(inner, 0, NULL, NULL), ==, 0);
    ASSERT_OK(storage_destroy_volume(f->pool, "v"));
    g_assert_false(fs_exists(data_dir));
}

#define ADD(path, function)                                                                        \
    g_test_add("/storage/" path, PoolFixture, NULL, fixture_setup, function, fixture_teardown)

void storage_add_verb_tests(void)
{
    ADD("create", test_create);
    ADD("written-apart", test_written_apart);
    ADD("five-deep", test_five_deep);
    ADD("destroy-in-every-order", test_destroy_in_every_order);
    ADD("names-come-back", test_names_come_back);
    ADD("space-comes-back", test_space_comes_back);
    ADD("conflicts", test_conflicts);
    ADD("names", test_names);
    ADD("list", test_list);
    ADD("half-made-has-no-manifest", test_half_made_has_no_manifest);
    ADD("snapshot-is-protected", test_snapshot_is_protected);
    ADD("copies-are-identical", test_copies_are_identical);
    ADD("diff", test_diff);
    ADD("limit", test_limit);
    ADD("snapshots-bytes", test_snapshots_bytes);
    ADD("snapshot-bytes", test_snapshot_bytes);
    ADD("usage", test_usage);
    ADD("nested-subvolumes-go-too", test_nested_subvolumes_go_too);
}

/*
 * Many clones, many at once, and a pool without space.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "storage/storage_care.h"
#include "storage_fixture.h"
#include "storage_tests.h"
#include "work.h"

#define CLONES            200
#define THREADS           8
#define CLONES_PER_THREAD 5
#define WRITES_MAX        200  /* ext4 in a thin volume has some room in its journal */
#define LINK_BYTES        1000 /* more than an inode holds, less than XFS allows */
#define FILL_CHUNK        (1 << 20)
#define STAT_BLOCK_BYTES  512   /* unit of st_blocks; stat(2) */
#define FREED_TIMEOUT_MS  60000 /* space comes back in the background */

/* A clone that is measured: made, snapshot and all, and destroyed. */
typedef struct Sample {
    PoolFixture *fixture;
    const char *clone;
    const char *commit;
} Sample;

static void sample_clone(void *data)
{
    const Sample *sample = data;

    make_clone(sample->fixture, "s", sample->clone);
}

static void sample_snapshot(void *data)
{
    const Sample *sample = data;

    make_snapshot(sample->fixture, sample->clone, sample->commit);
}

static void sample_destroy_snapshot(void *data)
{
    const Sample *sample = data;

    ASSERT_OK(storage_destroy_snapshot(sample->fixture->pool, sample->commit));
}

static void sample_destroy_clone(void *data)
{
    const Sample *sample = data;

    ASSERT_OK(storage_destroy_volume(sample->fixture->pool, sample->clone));
}

static const struct {
    const char *what;
    void (*run)(void *data);
} sample_steps[] = {
    {"clone", sample_clone},
    {"snapshot", sample_snapshot},
    {"destroy the snapshot", sample_destroy_snapshot},
    {"destroy the clone", sample_destroy_clone},
};

#define SAMPLE_STEPS G_N_ELEMENTS(sample_steps)

static void take_sample(PoolFixture *f, Work *work)
{
    Sample sample = {f, "sample", "commit"};

    for (size_t i = 0; i < SAMPLE_STEPS; i++)
        work[i] = work_of(sample_steps[i].run, &sample);
}

/*
 * Where others cost something, and it is known: overlay keeps no list of what lies on a snapshot,
 * and reads the link of each volume; zfs asks once in the table of mounts, as zfs(8) does too, where
 * each of the others is a line.
 */
static const struct {
    const char *driver;
    void (*run)(void *data);
    WorkGrowth growth;
} known_growth[] = {
    {"overlay", sample_destroy_snapshot, {.calls = 2, .bytes = 48}},
    {"zfs", sample_clone, {.calls = 1, .bytes = 200}},
    {"zfs", sample_destroy_snapshot, {.calls = 1, .bytes = 200}},
};

static WorkGrowth sample_growth(void (*run)(void *data))
{
    for (size_t i = 0; i < G_N_ELEMENTS(known_growth); i++)
        if (g_str_equal(known_growth[i].driver, fixture_driver) && known_growth[i].run == run)
            return known_growth[i].growth;
    return WORK_FLAT;
}

/* With many others it is the same work of ours; and each has its own data. */
static void test_many_clones(PoolFixture *f, gconstpointer data)
{
    Work first[SAMPLE_STEPS], last[SAMPLE_STEPS];
    g_autoptr(GPtrArray) entries = NULL;

    make_volume(f, "v");
    write_random(f, "v", "big", 4 << 20, 1);
    make_snapshot(f, "v", "s");
    take_sample(f, first);
    for (int i = 0; i < CLONES; i++) {
        g_autofree char *name = g_strdup_printf("c%d", i);

        make_clone(f, "s", name);
        write_text(f, name, "who", name);
    }
    take_sample(f, last);
    for (size_t i = 0; i < SAMPLE_STEPS; i++)
        work_assert_flat(sample_steps[i].what, &first[i], &last[i], CLONES,
                         sample_growth(sample_steps[i].run));
    ASSERT_OK(storage_list(f->pool, &entries));
    g_assert_cmpuint(entries->len, ==, CLONES + 2);
    for (int i = 0; i < CLONES; i++) {
        g_autofree char *name = g_strdup_printf("c%d", i);

        assert_volume_text(f, name, "who", name);
        ASSERT_OK(storage_destroy_volume(f->pool, name));
    }
}

typedef struct Worker {
    PoolFixture *fixture;
    int number;
    int won; /* clones that it could make */
} Worker;

static void *work_on_own_names(void *data)
{
    Worker *worker = data;
    PoolFixture *f = worker->fixture;

    for (int i = 0; i < CLONES_PER_THREAD; i++) {
        g_autofree char *name = g_strdup_printf("c%d-%d", worker->number, i);
        g_autofree char *commit = g_strdup_printf("t%d-%d", worker->number, i);

        make_clone(f, "s", name);
        write_text(f, name, "who", name);
        assert_volume_text(f, name, "who", name);
        make_snapshot(f, name, commit);
        assert_snapshot_text(f, commit, "who", name);
        if (i % 2 == 0)
            ASSERT_OK(storage_destroy_volume(f->pool, name));
    }
    return NULL;
}

static void *work_on_one_name(void *data)
{
    Worker *worker = data;
    const Manifest manifest = fixture_manifest("clone", "same");
    Error *e = storage_clone(worker->fixture->pool, "s", "same", &manifest);

    if (e)
        ASSERT_CODE(e, ERR_CONFLICT);
    else
        worker->won++;
    return NULL;
}

/* Snapshots of one volume share its manifest for a moment. */
static void *work_on_one_volume(void *data)
{
    Worker *worker = data;
    g_autofree char *name = g_strdup_printf("s%d", worker->number);

    make_snapshot(worker->fixture, "v", name);
    return NULL;
}

static int run_workers(PoolFixture *f, GThreadFunc work)
{
    Worker workers[THREADS];
    GThread *threads[THREADS];
    int won = 0;

    for (int i = 0; i < THREADS; i++) {
        workers[i] = (Worker){f, i, 0};
        threads[i] = g_thread_new("worker", work, &workers[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        g_thread_join(threads[i]);
        won += workers[i].won;
    }
    return won;
}

static void test_in_parallel(PoolFixture *f, gconstpointer data)
{
    make_volume(f, "v");
    write_random(f, "v", "big", 4 << 20, 1);
    make_snapshot(f, "v", "s");
    run_workers(f, work_on_own_names);
    g_assert_cmpint(run_workers(f, work_on_one_name), ==, 1);
}

static void test_snapshots_at_once_keep_their_manifests(PoolFixture *f, gconstpointer data)
{
    g_autoptr(GPtrArray) entries = NULL;

    make_volume(f, "v");
    run_workers(f, work_on_one_volume);
    ASSERT_OK(storage_list(f->pool, &entries));
    g_assert_cmpuint(entries->len, ==, THREADS + 1);
    for (guint i = 0; i < entries->len; i++) {
        const StorageEntry *entry = g_ptr_array_index(entries, i);

        g_assert_nonnull(entry->manifest);
        g_assert_cmpstr(entry->manifest->uid, ==, entry->name);
    }
}

/* The space below the file system is thin, too, and its end makes a volume read-only. */
static bool is_thin_below(void)
{
    return g_str_equal(fixture_driver, "lvm");
}

/*
 * ZFS promises the space of a file and does not give it: there it takes bytes that fill it. And so
 * does ext4 in a thin volume, where they must reach the disk.
 */
static bool fill_file(int fd, off_t size)
{
    static guint32 noise[FILL_CHUNK / sizeof(guint32)];
    struct stat status;

    if (posix_fallocate(fd, 0, size) != 0)
        return false;
    if (!is_thin_below() && fstat(fd, &status) == 0 &&
        status.st_blocks >= size / 2 / STAT_BLOCK_BYTES)
        return true;
    for (size_t i = 0; i < G_N_ELEMENTS(noise) && noise[0] == 0; i++)
        noise[G_N_ELEMENTS(noise) - 1 - i] = g_random_int();
    for (off_t at = 0; at < size; at += FILL_CHUNK)
        if (pwrite(fd, noise, (size_t)MIN(size - at, FILL_CHUNK), at) < 0)
            return false;
    return !is_thin_below() || fsync(fd) == 0;
}

/* Space for data: by ever smaller files. */
static void fill_data(int dir_fd)
{
    off_t size = 64 << 20;

    for (int i = 0; size >= 4096; i++) {
        g_autofree char *name = g_strdup_printf("fill%d", i);
        AUTO_FD fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        if (fd < 0 || !fill_file(fd, size))
            size /= 2;
    }
}

/* Space for metadata, which btrfs keeps apart: by symbolic links with long targets. */
static void fill_metadata(int dir_fd, const char *prefix)
{
    g_autofree char *target = g_strnfill(LINK_BYTES, 'x');
    int status = 0;

    for (int i = 0; status == 0; i++) {
        g_autofree char *name = g_strdup_printf("%s%d", prefix, i);

        status = symlinkat(target, dir_fd, name);
    }
    g_assert_cmpint(errno, ==, ENOSPC);
}

static void fill_pool(PoolFixture *f, const char *volume)
{
    g_autofree char *data = storage_volume_data(f->pool, volume);
    AUTO_FD fd = open(data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    fill_data(fd);
    if (is_thin_below())
        return;
    fill_metadata(fd, "first");
    ASSERT_OK(storage_sync(f->pool, volume)); /* gives back what was reserved too generously */
    fill_metadata(fd, "second");
}

static Error *check_clone_fits(void *data, bool *ret_done)
{
    PoolFixture *f = data;
    const Manifest manifest = fixture_manifest("clone", "fits");
    Error *e = storage_clone(f->pool, "s", "fits", &manifest);

    *ret_done = !e;
    if (e && e->code == ERR_NO_SPACE) {
        error_free(e);
        return storage_sync(f->pool, "v");
    }
    return e;
}

static void test_full_pool(PoolFixture *f, gconstpointer data)
{
    const Manifest manifest = fixture_manifest("clone", "x");
    SpaceUsage usage = {0};

    make_volume(f, "v");
    write_text(f, "v", "file", "text");
    make_snapshot(f, "v", "s");
    make_clone(f, "s", "c");
    make_clone(f, "s", "filler");
    fill_pool(f, "filler");

    ASSERT_OK(storage_usage(f->pool, &usage));
    g_assert_cmpuint(usage.free_bytes, <, 16 << 20);
    ASSERT_CODE(storage_create_volume(f->pool, "x", &manifest), ERR_NO_SPACE);
    ASSERT_CODE(storage_clone(f->pool, "s", "x", &manifest), ERR_NO_SPACE);
    ASSERT_CODE(storage_snapshot(f->pool, "v", "x", &manifest), ERR_NO_SPACE);

    storage_close_pool(f->pool);
    ASSERT_OK(storage_open_pool(&f->spec, &f->pool));
    assert_volume_text(f, "v", "file", "text");
    ASSERT_OK(storage_destroy_volume(f->pool, "c"));
    ASSERT_OK(storage_destroy_volume(f->pool, "filler"));
    ASSERT_OK(wait_until(clock_monotonic_ms() + FREED_TIMEOUT_MS, check_clone_fits, f));
    assert_volume_text(f, "fits", "file", "text");
}

/* One file more can be made that reaches the disk. */
static bool can_write(PoolFixture *f, const char *volume)
{
    static int n;
    const FsWrite how = {.is_durable = true};
    g_autofree char *data = storage_volume_data(f->pool, volume);
    g_autofree char *path = g_strdup_printf("%s/proof%d", data, ++n);
    g_autoptr(Error) e = fs_write_file(path, "text", &how);

    return !e;
}

/* What the full pool has made read-only, or worse, is mended when there is space again. */
static void test_writes_go_on_after_full(PoolFixture *f, gconstpointer data)
{
    bool has_given_up =
        is_thin_below() && !fixture_is_on_xfs; /* XFS has room in its log for long */

    make_volume(f, "v");
    write_text(f, "v", "file", "text");
    ASSERT_OK(storage_sync(f->pool, "v"));
    make_snapshot(f, "v", "s");
    make_clone(f, "s", "c");
    make_clone(f, "s", "filler");
    ASSERT_OK(storage_mend_volume(f->pool, "c"));
    fill_pool(f, "filler");
    for (int i = 0; i < WRITES_MAX && can_write(f, "c"); i++)
        ;
    if (has_given_up)
        g_assert_false(can_write(f, "c"));
    ASSERT_OK(storage_destroy_volume(f->pool, "filler"));
    ASSERT_OK(wait_until(clock_monotonic_ms() + FREED_TIMEOUT_MS, check_clone_fits, f));
    if (has_given_up)
        g_assert_false(can_write(f, "c")); /* for good, if nobody mends it */
    ASSERT_OK(storage_mend_volume(f->pool, "c"));
    g_assert_true(can_write(f, "c"));
    assert_volume_text(f, "c", "file", "text");
    ASSERT_CODE(storage_mend_volume(f->pool, "none"), ERR_NOT_FOUND);
}

#define ADD(path, function)                                                                        \
    g_test_add("/storage/load/" path, PoolFixture, NULL, fixture_setup, function, fixture_teardown)

void storage_add_load_tests(void)
{
    ADD("many-clones", test_many_clones);
    ADD("in-parallel", test_in_parallel);
    ADD("snapshots-at-once", test_snapshots_at_once_keep_their_manifests);
    ADD("full-pool", test_full_pool);
    ADD("writes-go-on-after-full", test_writes_go_on_after_full);
}

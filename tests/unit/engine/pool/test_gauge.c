/*
 * The gauge over a real store, with a storage that the test makes hang.
 */
#include "engine/pool/gauge.h"

#include <string.h>

#include "base/fs.h"
#include "engine/pool/pools.h"
#include "engine/pool/space.h"
#include "store/pool.h"

#define GIB (UINT64_C(1) << 30)

/* --- the storage --- */

typedef struct FakePool {
    const char *name;
    bool hangs;
    int is_away;
    int n_looks;
} FakePool;

static GMutex lock;
static GCond changed;
static FakePool fakes[] = {{.name = "good"}, {.name = "bad"}};

Error *engine_find_pool(Engine *engine, const char *name, Pool **ret_pool)
{
    for (size_t i = 0; i < G_N_ELEMENTS(fakes); i++)
        if (g_str_equal(fakes[i].name, name) && !g_atomic_int_get(&fakes[i].is_away)) {
            *ret_pool = (Pool *)(void *)&fakes[i];
            return NULL;
        }
    return error_new(ERR_NOT_FOUND, "no pool \"%s\"", name);
}

void storage_close_pool(Pool *pool)
{
}

const char *storage_pool_name(const Pool *pool)
{
    return ((const FakePool *)(const void *)pool)->name;
}

StorageTraits storage_pool_traits(const Pool *pool)
{
    return (StorageTraits){.exact_diff = true};
}

Error *storage_usage(Pool *pool, SpaceUsage *ret_usage)
{
    FakePool *fake = (FakePool *)(void *)pool;

    g_mutex_lock(&lock);
    while (fake->hangs && !g_cancellable_is_cancelled(g_cancellable_get_current()))
        g_cond_wait_until(&changed, &lock, g_get_monotonic_time() + 10000);
    fake->n_looks++;
    g_cond_broadcast(&changed);
    g_mutex_unlock(&lock);
    *ret_usage = (SpaceUsage){.size_bytes = 10 * GIB, .free_bytes = 4 * GIB, .used_bytes = 6 * GIB};
    return NULL;
}

Error *storage_snapshots_bytes(Pool *pool, uint64_t *ret_bytes)
{
    *ret_bytes = GIB;
    return NULL;
}

Error *storage_snapshot_bytes(Pool *pool, const char *snapshot, uint64_t *ret_bytes)
{
    *ret_bytes = 77;
    return NULL;
}

Error *storage_diff_bytes(Pool *pool, const char *volume, uint64_t *ret_bytes, bool *ret_is_exact)
{
    *ret_bytes = strlen(volume);
    *ret_is_exact = true;
    return NULL;
}

Error *storage_limit_volume(Pool *pool, const char *volume, uint64_t bytes)
{
    return NULL;
}

/* --- the fixture --- */

typedef struct Fixture {
    char *dir;
    Config config;
    Engine engine;
} Fixture;

static void set_up(Fixture *f, const void *unused)
{
    f->dir = g_dir_make_tmp("ramet-gauge-XXXXXX", NULL);
    f->config = (Config){.pool_manager = {.warn_percent = 80, .alarm_percent = 90}};
    g_atomic_ref_count_init(&f->config.references);
    f->engine = (Engine){.config = &f->config};
    g_assert_null(store_open(f->dir, STORE_READ_WRITE, &f->engine.store));
    for (size_t i = 0; i < G_N_ELEMENTS(fakes); i++) {
        const PoolRow row = {.name = (char *)(uintptr_t)fakes[i].name,
                             .driver = (char *)(uintptr_t) "btrfs",
                             .image = (char *)(uintptr_t) ""};
        fakes[i].hangs = false;
        fakes[i].is_away = false;
        fakes[i].n_looks = 0;
        g_assert_null(store_insert_pool(f->engine.store, &row));
    }
    f->engine.space = space_watch_new(&f->engine);
}

static void tear_down(Fixture *f, const void *unused)
{
    gauge_stop(f->engine.gauge);
    space_watch_free(f->engine.space);
    store_close(f->engine.store);
    g_assert_null(fs_remove_tree(f->dir));
    g_free(f->dir);
}

static int fake_looks(FakePool *fake)
{
    g_mutex_lock(&lock);
    int n_looks = fake->n_looks;
    g_mutex_unlock(&lock);
    return n_looks;
}

static PoolSizes wait_for_sizes(Fixture *f, const char *name)
{
    PoolSizes sizes;

    do {
        g_thread_yield();
        gauge_pool(f->engine.gauge, name, &sizes);
    } while (sizes.measured_at_ms == 0);
    return sizes;
}

/* --- the tests --- */

static void test_numbers(Fixture *f, const void *unused)
{
    const Clone clone = {
        .pool = (char *)(uintptr_t) "good", .volume = (char *)(uintptr_t) "v", .started_at_ms = 1};
    bool is_exact = true;

    g_assert_null(gauge_start(&f->engine, &f->engine.gauge));
    PoolSizes sizes = wait_for_sizes(f, "good");
    g_assert_cmpuint(sizes.usage.free_bytes, ==, 4 * GIB);
    g_assert_cmpuint(sizes.snapshots_bytes, ==, GIB);
    g_assert_cmpuint(gauge_clone_bytes(f->engine.gauge, &clone, &is_exact), ==, 0);
    g_assert_false(is_exact); /* the store does not know it: it was not measured */
}

/* One pool's storage hangs: every answer is there, the other pool is looked at on and on. */
static void test_hang(Fixture *f, const void *unused)
{
    PoolSizes sizes;

    fakes[1].hangs = true;
    g_assert_null(gauge_start(&f->engine, &f->engine.gauge));
    wait_for_sizes(f, "good");
    gauge_pool(f->engine.gauge, "bad", &sizes);
    g_assert_cmpint(sizes.measured_at_ms, ==, 0);
    g_assert_cmpuint(sizes.usage.size_bytes, ==, 0);
    do { /* asked as clients do, again and again */
        g_thread_yield();
        gauge_pool(f->engine.gauge, "good", &sizes);
    } while (fake_looks(&fakes[0]) < 3);
    g_assert_cmpint(fake_looks(&fakes[1]), ==, 0);
} /* and the end does not wait for it */

/* What is away has no size, and has one again when it is back. */
static void test_away(Fixture *f, const void *unused)
{
    PoolSizes sizes;

    fakes[0].is_away = true;
    g_assert_null(gauge_start(&f->engine, &f->engine.gauge));
    wait_for_sizes(f, "bad");
    gauge_pool(f->engine.gauge, "good", &sizes);
    g_assert_cmpint(sizes.measured_at_ms, ==, 0);
    g_atomic_int_set(&fakes[0].is_away, false);
    g_assert_cmpuint(wait_for_sizes(f, "good").usage.size_bytes, ==, 10 * GIB);
}

/* Before there is a gauge, as in the doctor, and for a pool that nobody has. */
static void test_unknown(Fixture *f, const void *unused)
{
    PoolSizes sizes;
    const Snapshot snapshot = {
        .pool = (char *)(uintptr_t) "good", .uid = (char *)(uintptr_t) "s", .is_ready = true};

    gauge_pool(NULL, "good", &sizes);
    g_assert_cmpuint(sizes.usage.size_bytes, ==, 0);
    g_assert_cmpuint(gauge_snapshot_bytes(NULL, &snapshot), ==, 0);
    g_assert_null(gauge_start(&f->engine, &f->engine.gauge));
    gauge_pool(f->engine.gauge, "nobody's", &sizes);
    g_assert_cmpint(sizes.measured_at_ms, ==, 0);
}

#define gauge_test(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    gauge_test("/gauge/numbers", test_numbers);
    gauge_test("/gauge/hang", test_hang);
    gauge_test("/gauge/away", test_away);
    gauge_test("/gauge/unknown", test_unknown);
    return g_test_run();
}

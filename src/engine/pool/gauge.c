/*
 * A look fills tables of its own, without a lock, and swaps them in at its end. The threads are told
 * to end by a cancellable, which is also what stops the programs that they run (proc_run()).
 */
#include "engine/pool/gauge.h"

#include "base/clock.h"
#include "base/thread.h"
#include "engine/pool/pools.h"
#include "engine/pool/space.h"
#include "store/pool.h"

#define GAUGE_FRESH_US (1 * G_USEC_PER_SEC)
#define GAUGE_LOOK_US  (30 * G_USEC_PER_SEC)
#define GAUGE_FIRST_US (1 * G_USEC_PER_SEC)
#define GAUGE_REST     4 /* so many times as long as a look has taken there is none */

typedef struct VolumeSize {
    uint64_t bytes;
    bool is_exact;
} VolumeSize;

typedef struct Look {
    PoolSizes pool;
    GHashTable *volumes;   /* name → VolumeSize * */
    GHashTable *snapshots; /* uid → uint64_t *    */
} Look;

/* One pool, and its thread's. */
typedef struct PoolGauge {
    Gauge *gauge;
    char *pool;
    GThread *thread;
    Look look; /* under the gauge's lock, as all below; times are monotonic */
    bool is_asked;
    int64_t began_us, ended_us; /* of the last look; 0 = there was none */
} PoolGauge;

struct Gauge {
    Engine *engine;
    GCancellable *cancel;
    GMutex lock;
    GCond changed;     /* somebody has asked, a look has ended, or all end */
    GHashTable *pools; /* name → PoolGauge * */
};

/* --- a look --- */

static void look_open(Look *look)
{
    *look = (Look){.volumes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
                   .snapshots = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free)};
}

static void look_close(Look *look)
{
    g_hash_table_unref(look->volumes);
    g_hash_table_unref(look->snapshots);
}

static void look_at_clones(Look *look, const GPtrArray *clones, Pool *pool)
{
    for (unsigned i = 0; i < clones->len; i++) {
        const Clone *clone = clones->pdata[i];
        VolumeSize size = {0};

        if (!g_str_equal(clone->pool, storage_pool_name(pool)) || clone->started_at_ms == 0)
            continue;
        error_free(storage_diff_bytes(pool, clone->volume, &size.bytes, &size.is_exact));
        g_hash_table_insert(look->volumes, g_strdup(clone->volume), g_memdup2(&size, sizeof size));
    }
}

static void look_at_snapshots(Look *look, const GPtrArray *snapshots, Pool *pool)
{
    for (unsigned i = 0; i < snapshots->len; i++) {
        const Snapshot *snapshot = snapshots->pdata[i];
        uint64_t bytes = 0;

        if (!g_str_equal(snapshot->pool, storage_pool_name(pool)) || !snapshot->is_ready)
            continue;
        error_free(storage_snapshot_bytes(pool, snapshot->uid, &bytes));
        g_hash_table_insert(look->snapshots, g_strdup(snapshot->uid),
                            g_memdup2(&bytes, sizeof bytes));
    }
}

/* What cannot be measured stays 0: a size is no reason to fail anything. */
static void look_fill(Look *look, Engine *engine, const char *name)
{
    g_autoptr(Pool) pool = NULL;
    g_autoptr(GPtrArray) clones = NULL;
    g_autoptr(GPtrArray) snapshots = NULL;
    g_autoptr(Error) e = engine_find_pool(engine, name, &pool);

    if (!e)
        e = storage_usage(pool, &look->pool.usage);
    if (e)
        return;
    look->pool.measured_at_ms = clock_now_ms();
    error_free(storage_snapshots_bytes(pool, &look->pool.snapshots_bytes));
    error_free(store_list_clones(engine->store, &clones));
    error_free(store_list_snapshots(engine->store, &snapshots));
    if (clones && storage_pool_traits(pool).exact_diff)
        look_at_clones(look, clones, pool);
    if (snapshots)
        look_at_snapshots(look, snapshots, pool);
}

/* --- the thread of a pool --- */

static bool gauge_is_ending(const Gauge *gauge)
{
    return g_cancellable_is_cancelled(gauge->cancel);
}

/* When the next look is due. */
static int64_t pool_due_us(const PoolGauge *pool)
{
    int64_t took_us = pool->ended_us - pool->began_us;
    int64_t rest_us = MAX(GAUGE_FRESH_US, GAUGE_REST * took_us);

    return pool->ended_us == 0
               ? 0
               : pool->ended_us + (pool->is_asked ? rest_us : MAX(rest_us, GAUGE_LOOK_US));
}

static void pool_wait_locked(PoolGauge *pool)
{
    Gauge *gauge = pool->gauge;

    while (!gauge_is_ending(gauge) && g_get_monotonic_time() < pool_due_us(pool))
        g_cond_wait_until(&gauge->changed, &gauge->lock, pool_due_us(pool));
    pool->is_asked = false;
    pool->began_us = g_get_monotonic_time();
}

static void pool_look(PoolGauge *pool)
{
    Gauge *gauge = pool->gauge;
    Look look;

    look_open(&look);
    look_fill(&look, gauge->engine, pool->pool);
    if (look.pool.measured_at_ms > 0)
        space_watch_note(gauge->engine->space, pool->pool, &look.pool.usage);
    g_mutex_lock(&gauge->lock);
    Look old = pool->look;
    pool->look = look;
    pool->ended_us = g_get_monotonic_time();
    g_cond_broadcast(&gauge->changed);
    g_mutex_unlock(&gauge->lock);
    look_close(&old);
}

static void *pool_run(void *data)
{
    PoolGauge *pool = data;
    Gauge *gauge = pool->gauge;

    g_cancellable_push_current(gauge->cancel);
    g_mutex_lock(&gauge->lock);
    for (;;) {
        pool_wait_locked(pool);
        if (gauge_is_ending(gauge))
            break;
        g_mutex_unlock(&gauge->lock);
        pool_look(pool);
        g_mutex_lock(&gauge->lock);
    }
    g_mutex_unlock(&gauge->lock);
    g_cancellable_pop_current(gauge->cancel);
    return NULL;
}

static void pool_gauge_free(void *data)
{
    PoolGauge *pool = data;

    if (pool->thread)
        g_thread_join(pool->thread);
    look_close(&pool->look);
    g_free(pool->pool);
    g_free(pool);
}

/* A pool that is new is looked at from its first question on; without a thread it stays unknown. */
static PoolGauge *gauge_find_locked(Gauge *gauge, const char *name)
{
    PoolGauge *pool = g_hash_table_lookup(gauge->pools, name);

    if (pool || gauge_is_ending(gauge))
        return pool;
    pool = g_new0(PoolGauge, 1);
    pool->gauge = gauge;
    pool->pool = g_strdup(name);
    look_open(&pool->look);

    g_autoptr(Error) e = thread_start("gauge", pool_run, pool, &pool->thread);

    if (e) {
        pool_gauge_free(pool);
        return NULL;
    }
    g_hash_table_insert(gauge->pools, pool->pool, pool);
    return pool;
}

/* --- life --- */

static bool gauge_knows_all_locked(Gauge *gauge)
{
    GHashTableIter iter;
    void *pool;
    bool knows_all = true;

    g_hash_table_iter_init(&iter, gauge->pools);
    while (g_hash_table_iter_next(&iter, NULL, &pool))
        knows_all &= ((const PoolGauge *)pool)->ended_us > 0;
    return knows_all;
}

/* So the first who asks gets numbers, unless a storage hangs. */
static void gauge_wait_for_first_locked(Gauge *gauge)
{
    int64_t until_us = g_get_monotonic_time() + GAUGE_FIRST_US;

    while (!gauge_knows_all_locked(gauge) &&
           g_cond_wait_until(&gauge->changed, &gauge->lock, until_us))
        ;
}

Error *gauge_start(Engine *engine, Gauge **ret_gauge)
{
    g_autoptr(GPtrArray) rows = NULL;
    Gauge *gauge;

    TRY(store_list_pools(engine->store, &rows));
    gauge = g_new0(Gauge, 1);
    gauge->engine = engine;
    gauge->cancel = g_cancellable_new();
    gauge->pools = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, pool_gauge_free);
    g_mutex_init(&gauge->lock);
    g_cond_init(&gauge->changed);
    g_mutex_lock(&gauge->lock);
    for (unsigned i = 0; i < rows->len; i++)
        gauge_find_locked(gauge, ((const PoolRow *)rows->pdata[i])->name);
    gauge_wait_for_first_locked(gauge);
    g_mutex_unlock(&gauge->lock);
    *ret_gauge = gauge;
    return NULL;
}

void gauge_stop(Gauge *gauge)
{
    if (!gauge)
        return;
    g_cancellable_cancel(gauge->cancel);
    g_mutex_lock(&gauge->lock);
    g_cond_broadcast(&gauge->changed);
    g_mutex_unlock(&gauge->lock);
    g_hash_table_unref(gauge->pools); /* their threads are waited for */
    g_mutex_clear(&gauge->lock);
    g_cond_clear(&gauge->changed);
    g_object_unref(gauge->cancel);
    g_free(gauge);
}

/* --- answers --- */

/* With the lock, which the caller releases. NULL = nothing is known. */
static const Look *gauge_ask_locked(Gauge *gauge, const char *name)
{
    PoolGauge *pool = gauge_find_locked(gauge, name);

    if (!pool)
        return NULL;
    if (!pool->is_asked && g_get_monotonic_time() >= pool->ended_us + GAUGE_FRESH_US) {
        pool->is_asked = true;
        g_cond_broadcast(&gauge->changed);
    }
    return &pool->look;
}

void gauge_pool(Gauge *gauge, const char *pool, PoolSizes *ret_sizes)
{
    *ret_sizes = (PoolSizes){.usage.compress_ratio = 1};
    if (!gauge)
        return;
    g_mutex_lock(&gauge->lock);
    const Look *look = gauge_ask_locked(gauge, pool);
    if (look && look->pool.measured_at_ms > 0)
        *ret_sizes = look->pool;
    g_mutex_unlock(&gauge->lock);
}

uint64_t gauge_clone_bytes(Gauge *gauge, const Clone *clone, bool *ret_is_exact)
{
    VolumeSize size = {0};

    if (gauge && clone->started_at_ms > 0) {
        g_mutex_lock(&gauge->lock);
        const Look *look = gauge_ask_locked(gauge, clone->pool);
        const VolumeSize *known = look ? g_hash_table_lookup(look->volumes, clone->volume) : NULL;
        if (known)
            size = *known;
        g_mutex_unlock(&gauge->lock);
    }
    if (ret_is_exact)
        *ret_is_exact = size.is_exact;
    return size.bytes;
}

uint64_t gauge_snapshot_bytes(Gauge *gauge, const Snapshot *snapshot)
{
    uint64_t bytes = 0;

    if (gauge && snapshot->is_ready) {
        g_mutex_lock(&gauge->lock);
        const Look *look = gauge_ask_locked(gauge, snapshot->pool);
        const uint64_t *known = look ? g_hash_table_lookup(look->snapshots, snapshot->uid) : NULL;
        if (known)
            bytes = *known;
        g_mutex_unlock(&gauge->lock);
    }
    return bytes;
}

/*
 * What the pools are to each other: their order, by the data in them, and what follows from it.
 */
#include "base/log.h"
#include "engine/pool/choice.h"
#include "engine/pool/pools.h"
#include "engine/pool/space.h"
#include "storage/measure.h"

/* A pool that went away a moment ago is not available any more. */
static void pool_status_check(void *data, void *unused)
{
    PoolStatus *status = data;
    g_autoptr(Error) gone = status->pool ? storage_check_pool(status->pool) : NULL;

    if (!gone)
        return;
    g_clear_pointer(&status->pool, storage_close_pool);
    g_free(status->error);
    g_free(status->hint);
    status->error = g_strdup(gone->message);
    status->hint = g_strdup(gone->hint ? gone->hint : "");
}

static void pool_status_count(PoolStatus *status, const GPtrArray *snapshots,
                              const GPtrArray *clones)
{
    for (unsigned i = 0; i < clones->len; i++)
        if (g_str_equal(((const Clone *)clones->pdata[i])->pool, status->name))
            status->n_clones++;
    for (unsigned i = 0; i < snapshots->len; i++) {
        const Snapshot *snapshot = snapshots->pdata[i];
        if (snapshot->is_ready && !*snapshot->clone_id &&
            g_str_equal(snapshot->pool, status->name) &&
            snapshot->data_state_at_ms > status->data_state_at_ms) {
            status->data_state_at_ms = snapshot->data_state_at_ms;
            status->logical_size = snapshot->logical_size;
        }
    }
}

/* statuses_taken: none of its pools is looked at here. */
static Error *pools_order(Engine *engine, GPtrArray *statuses_taken, GPtrArray **ret_pools)
{
    g_autoptr(GPtrArray) statuses = statuses_taken;
    g_autoptr(GPtrArray) snapshots = NULL;
    g_autoptr(GPtrArray) clones = NULL;

    TRY(store_list_snapshots(engine->store, &snapshots));
    TRY(store_list_clones(engine->store, &clones));
    for (unsigned i = 0; i < statuses->len; i++)
        pool_status_count(statuses->pdata[i], snapshots, clones);
    pool_choice_sort(statuses);
    *ret_pools = g_steal_pointer(&statuses);
    return NULL;
}

Error *engine_show_pools(Engine *engine, GPtrArray **ret_pools)
{
    return pools_order(engine, pools_statuses(engine->pools, false), ret_pools);
}

static Error *pools_list(Engine *engine, bool with_left_out, GPtrArray **ret_pools)
{
    GPtrArray *statuses = pools_statuses(engine->pools, with_left_out);

    g_ptr_array_foreach(statuses, pool_status_check, NULL);
    return pools_order(engine, statuses, ret_pools);
}

Error *engine_list_pools(Engine *engine, GPtrArray **ret_pools)
{
    return pools_list(engine, false, ret_pools);
}

Error *engine_list_all_pools(Engine *engine, GPtrArray **ret_pools)
{
    return pools_list(engine, true, ret_pools);
}

static Error *pools_check_any(const GPtrArray *statuses)
{
    const PoolStatus *first = statuses->len ? statuses->pdata[0] : NULL;

    if (first && first->pool)
        return NULL;
    if (first)
        return error_hint(error_new(ERR_NOT_FOUND, "no available pools: pool \"%s\": %s",
                                    first->name, first->error),
                          "%s", first->hint);
    return error_hint(error_new(ERR_NOT_FOUND, "no available pools"),
                      "Make one: rametd --config FILE pool create NAME --driver btrfs --image "
                      "IMAGE --size 10G");
}

Error *engine_active_pool(Engine *engine, Pool **ret_pool)
{
    g_autoptr(GPtrArray) statuses = NULL;

    TRY(engine_list_pools(engine, &statuses));
    TRY(pools_check_any(statuses));
    *ret_pool = storage_ref_pool(((PoolStatus *)statuses->pdata[0])->pool);
    return NULL;
}

/* Beside the reserve. */
static uint64_t pools_free_bytes(const Engine *engine, Pool *pool)
{
    g_autoptr(Config) config = engine_config(engine);
    SpaceUsage usage = {0};

    error_ignore(storage_usage(pool, &usage), "a pool that cannot be measured is not chosen");
    return usage.free_bytes - MIN(usage.free_bytes, space_reserve_bytes(config, &usage));
}

Error *engine_refresh_pool(Engine *engine, Pool **ret_pool)
{
    g_autoptr(GPtrArray) statuses = NULL;

    TRY(engine_list_pools(engine, &statuses));
    TRY(pools_check_any(statuses));

    g_autofree PoolCandidate *candidates = g_new(PoolCandidate, statuses->len);
    size_t n = 0;
    for (unsigned i = 0; i < statuses->len; i++) {
        const PoolStatus *status = statuses->pdata[i];
        if (status->pool)
            candidates[n++] = (PoolCandidate){status, pools_free_bytes(engine, status->pool)};
    }
    uint64_t needed = (uint64_t)candidates[0].status->logical_size;
    const PoolStatus *chosen = candidates[pool_choice_for_refresh(candidates, n, needed)].status;
    if (n > 1 && chosen->n_clones > 0)
        log_info("every pool has clones: the new data is built beside the old", "pool",
                 chosen->name);
    *ret_pool = storage_ref_pool(chosen->pool);
    return NULL;
}

/* The latest of its kind in the pools that is_there() says; NULL = there is none. */
static Error *pools_latest_where(Engine *engine, bool (*is_there)(Engine *engine, const char *pool),
                                 const char *branch, Snapshot **ret_snapshot)
{
    g_autoptr(GPtrArray) snapshots = NULL;
    int latest = -1;
    int64_t latest_ms = 0;

    TRY(store_list_snapshots(engine->store, &snapshots));
    for (unsigned i = 0; i < snapshots->len; i++) {
        const Snapshot *snapshot = snapshots->pdata[i];
        if (snapshot->is_ready && !*snapshot->clone_id &&
            (!branch || g_str_equal(snapshot->branch, branch)) &&
            snapshot->data_state_at_ms > latest_ms && is_there(engine, snapshot->pool)) {
            latest = (int)i;
            latest_ms = snapshot->data_state_at_ms;
        }
    }
    *ret_snapshot = latest < 0 ? NULL : g_ptr_array_steal_index(snapshots, (guint)latest);
    return NULL;
}

Error *engine_latest_snapshot(Engine *engine, const char *branch, Snapshot **ret_snapshot)
{
    g_autoptr(Snapshot) latest = NULL;
    g_autoptr(Snapshot) available = NULL;

    TRY(store_latest_snapshot(engine->store, branch, &latest));
    if (engine_has_pool(engine, latest->pool)) { /* nearly always */
        *ret_snapshot = g_steal_pointer(&latest);
        return NULL;
    }
    TRY(pools_latest_where(engine, engine_has_pool, branch, &available));
    if (!available)
        return engine_need_pool(engine, latest->pool);
    *ret_snapshot = g_steal_pointer(&available);
    return NULL;
}

Error *engine_show_latest_snapshot(Engine *engine, const char *branch, Snapshot **ret_snapshot)
{
    return pools_latest_where(engine, engine_had_pool, branch, ret_snapshot);
}

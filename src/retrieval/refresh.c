/*
 * The refresh: a new copy of the source beside the old one, ending in a snapshot. Until the last
 * transaction nothing that is in service is touched, so a failure at any step costs nothing but the
 * time.
 */
#include "base/clock.h"
#include "base/id.h"
#include "base/json.h"
#include "base/log.h"
#include "engine/pool/pools.h"
#include "engine/pool/volume.h"
#include "retrieval/outcome.h"
#include "retrieval/work.h"
#include "store/golden.h"

static const Step refresh_steps[] = {
    {"checking the source", step_check, NULL, RETRIEVAL_REFRESHING, 1},
    {"preparing the volume", step_create_volume, undo_create_volume, RETRIEVAL_REFRESHING, 1},
    {"dumping", step_dump, undo_dump, RETRIEVAL_REFRESHING, 40},
    {"creating the cluster", step_create_cluster, NULL /* goes with the volume */,
     RETRIEVAL_REFRESHING, 41},
    {"starting postgres for loading", step_start, undo_start, RETRIEVAL_REFRESHING, 42},
    {"restoring", step_restore, NULL, RETRIEVAL_REFRESHING, 88},
    {"analyzing", step_analyze, NULL, RETRIEVAL_REFRESHING, 96},
    {"shutting postgres down", step_stop, NULL, RETRIEVAL_RENEWED, 98},
    {"making the data ready for clones", step_make_ready, NULL, RETRIEVAL_SNAPSHOTTING, 99},
    {"taking the snapshot", step_take_snapshot, undo_take_snapshot, RETRIEVAL_SNAPSHOTTING, 100},
    {0},
};

/* --- the end --- */

/*
 * The new golden data takes the old one's place; the old goes afterwards. What is known of the data
 * is read from its snapshot: an end that is tried again has none of the work of the steps.
 */
static Error *refresh_replace_golden(Operation *operation)
{
    const Work *work = operation->work;
    Store *store = work->engine->store;
    const char *pool = storage_pool_name(work->pool);
    g_autoptr(Golden) old = NULL;
    g_autoptr(Snapshot) snapshot = NULL;

    TRY(store_get_snapshot_by_uid(store, work->snapshot_uid, &snapshot));
    g_autofree char *golden_pool = g_strdup(pool);
    g_autofree char *volume = g_strdup(work->volume);
    const Golden golden = {golden_pool, volume, snapshot->data_state_at_ms, snapshot->logical_size};
    Error *e = store_get_golden(store, pool, &old);
    if (e && e->code != ERR_NOT_FOUND)
        return e;
    error_free(e);
    if (old)
        volume_discard_after(operation, pool, old->volume);
    return store_set_golden(store, &golden);
}

static Error *refresh_finish(Operation *operation)
{
    TRY(refresh_replace_golden(operation));
    return outcome_finish_snapshot(operation);
}

const OperationKind refresh_kind = {
    .name = "refresh",
    .steps = refresh_steps,
    .is_long = true,
    .gives_way = true,
    .load = work_load,
    .unload = work_unload,
    .entered = work_entered,
    .finish = refresh_finish,
    .fail = outcome_fail,
    .ended = outcome_ended,
};

/* --- beginning --- */

static Error *refresh_skip(Engine *engine)
{
    Error *skipped =
        error_hint(error_new(ERR_CONFLICT, "The data refresh/snapshot is currently in progress. "
                                           "Skip a new data refresh iteration"),
                   "\"ramet refresh --watch\" shows how far it is.");

    error_ignore(outcome_raise_alert(engine->store, "refresh_skipped", skipped),
                 "the caller is told in any case");
    return skipped;
}

static Error *refresh_record(Engine *engine, const Pool *pool, OperationRow **ret_row)
{
    g_autoptr(StoreTransaction) tx = NULL;
    g_autofree char *volume = id_new();
    g_autofree char *snapshot = id_new();
    g_autoptr(json_t) args = json_pack("{ssssss}", "pool", storage_pool_name(pool), "volume",
                                       volume, "snapshot", snapshot);
    g_autoptr(OperationRow) row = operation_row(&refresh_kind, RETRIEVAL_TARGET, args);
    g_autofree char *now = g_strdup_printf("%" G_GINT64_FORMAT, row->created_at_ms);

    TRY(store_begin(engine->store, STORE_ACCEPTING, &tx));
    TRY(outcome_record(engine->store, row));
    TRY(store_set_fact(engine->store, FACT_LAST_REFRESH, now));
    TRY(store_commit(&tx));
    *ret_row = g_steal_pointer(&row);
    return NULL;
}

/* With `accepting`. It waits in the queue while one of the last server's is still being undone. */
static Error *refresh_submit(Retrieval *retrieval)
{
    Engine *engine = retrieval->engine;
    g_autoptr(OperationRow) row = NULL;
    g_autoptr(Pool) pool = NULL;
    g_autoptr(Config) config = engine_config(engine);

    TRY(jobs_check(config));
    TRY(engine_refresh_pool(engine, &pool));
    TRY(refresh_record(engine, pool, &row));
    progress_reset(retrieval->progress);
    retrieval_begin(retrieval, row, RETRIEVAL_REFRESHING, storage_pool_name(pool));
    log_info("refresh begins", "pool", storage_pool_name(pool));
    operations_submit_take(engine->operations, g_steal_pointer(&row), NULL, NULL);
    return NULL;
}

Error *refresh_at_start(Retrieval *retrieval)
{
    g_mutex_lock(&retrieval->accepting);
    Error *e = refresh_submit(retrieval);
    g_mutex_unlock(&retrieval->accepting);
    return e;
}

/* It is held from the check on: of many requests at once, one begins. */
Error *retrieval_refresh(Retrieval *retrieval)
{
    g_mutex_lock(&retrieval->accepting);
    bool is_busy = operations_is_busy(retrieval->engine->operations, NULL, RETRIEVAL_TARGET);
    Error *e = is_busy ? refresh_skip(retrieval->engine) : refresh_submit(retrieval);
    g_mutex_unlock(&retrieval->accepting);
    return e;
}

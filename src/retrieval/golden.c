/*
 * Snapshots of golden data: the last steps of a refresh, and an operation of its own that is asked
 * for by POST /snapshot.
 */
#include "store/golden.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/json.h"
#include "engine/instance/programs.h"
#include "engine/pool/making.h"
#include "engine/pool/pools.h"
#include "engine/snapshot/snapshot.h"
#include "postgres/conf.h"
#include "retrieval/outcome.h"
#include "retrieval/work.h"

/* --- steps --- */

static Error *snapshot_find_installation(Work *work)
{
    int64_t major = 0;

    if (work->installation)
        return NULL;
    TRY(installation_data_major(work->data_dir, &major));
    return programs_find(work->engine, major, &work->installation);
}

/* From here on the data is as every clone will find it: our configuration, durable. */
Error *step_make_ready(Operation *operation)
{
    Work *work = operation->work;
    const Config *config = work_config(work);

    TRY(snapshot_find_installation(work));
    const ConfSpec spec = {
        .purpose = CONF_CLONE,
        .major = work->installation->major,
        .layers = {config->database_configs, config->retrieval.snapshot.configs},
    };
    TRY(work_take_over(work, config->global.database_username));
    TRY(conf_write(work->data_dir, config->postgres.os_user, &spec));
    return storage_sync(work->pool, work->volume);
}

/* "" as uid: a new one. The strings that are not set here are empty. */
static Snapshot *snapshot_new_golden(const char *pool, const char *uid, int64_t data_state_at_ms)
{
    Snapshot *snapshot = snapshot_new();

    snapshot->uid = *uid ? g_strdup(uid) : id_new();
    snapshot->id = snapshot_public_id(pool, data_state_at_ms);
    snapshot->pool = g_strdup(pool);
    snapshot->branch = g_strdup("main");
    snapshot->parent_uid = g_strdup("");
    snapshot->clone_id = g_strdup("");
    snapshot->message = g_strdup("");
    snapshot->data_state_at_ms = data_state_at_ms;
    snapshot->created_at_ms = clock_now_ms();
    return snapshot;
}

static Error *snapshot_enter(Work *work)
{
    const char *pool = storage_pool_name(work->pool);
    g_autoptr(Snapshot) snapshot =
        snapshot_new_golden(pool, work->snapshot_uid, work->data_state_at_ms);

    snapshot->pg_major = work->installation->major;
    snapshot->logical_size = work->logical_size;
    TRY(snapshot_insert(work->engine->store, snapshot, pool));
    work->data_state_at_ms = snapshot->data_state_at_ms;
    return NULL;
}

/* A refresh makes the row now; POST /snapshot has made it already. */
static Error *snapshot_find_row(Work *work, Snapshot **ret_snapshot)
{
    Error *e = store_get_snapshot_by_uid(work->engine->store, work->snapshot_uid, ret_snapshot);

    if (!e || e->code != ERR_NOT_FOUND)
        return e;
    error_free(e);
    TRY(snapshot_enter(work));
    return store_get_snapshot_by_uid(work->engine->store, work->snapshot_uid, ret_snapshot);
}

Error *step_take_snapshot(Operation *operation)
{
    Work *work = operation->work;
    g_autoptr(Snapshot) snapshot = NULL;

    TRY(snapshot_find_row(work, &snapshot));
    g_autoptr(Manifest) manifest = snapshot_manifest(snapshot);
    TRY(storage_mark(work->pool, STORAGE_SNAPSHOT, work->snapshot_uid, operation->row->uid));
    return storage_snapshot(work->pool, work->volume, work->snapshot_uid, manifest);
}

Error *undo_take_snapshot(Operation *operation)
{
    const Work *work = operation->work;

    TRY(operation_unmake(operation, work->pool, STORAGE_SNAPSHOT, work->snapshot_uid));
    return store_delete_snapshot(work->engine->store, work->snapshot_uid);
}

/* --- the operation --- */

static const Step golden_steps[] = {
    {"making the data ready for clones", step_make_ready, NULL, RETRIEVAL_SNAPSHOTTING},
    {"taking the snapshot", step_take_snapshot, undo_take_snapshot, RETRIEVAL_SNAPSHOTTING},
    {0},
};

static Error *golden_finish(Operation *operation)
{
    return outcome_finish_snapshot(operation);
}

static Error *golden_fail(Operation *operation, const Error *cause)
{
    const Work *work = operation->work;

    TRY(store_delete_snapshot(operation->store, work->snapshot_uid));
    return outcome_fail(operation, cause);
}

const OperationKind golden_kind = {
    .name = "snapshot-golden",
    .steps = golden_steps,
    .is_long = true,
    .gives_way = true,
    .load = work_load,
    .unload = work_unload,
    .entered = work_entered,
    .finish = golden_finish,
    .fail = golden_fail,
    .ended = outcome_ended,
};

/* --- POST /snapshot --- */

static Error *snapshot_find_pool(Engine *engine, const char *name, Pool **ret_pool)
{
    if (!name || !*name)
        return engine_active_pool(engine, ret_pool);
    Error *e = engine_find_pool(engine, name, ret_pool);
    if (!e || e->code != ERR_NOT_FOUND)
        return e;
    g_autoptr(Error) cause = e;
    e = error_new(ERR_NOT_FOUND, "failed to get \"%s\" FSManager: pool manager not found: %s", name,
                  name);
    return error_hint(error_detail(e, "%s", cause->message), "%s", cause->hint);
}

/* With `accepting`. Contract: only these states allow it. */
static Error *snapshot_check_state(Retrieval *retrieval)
{
    RetrievalState state = retrieval_state(retrieval);
    bool is_busy = operations_is_busy(retrieval->engine->operations, NULL, RETRIEVAL_TARGET);

    if (!is_busy &&
        (state == RETRIEVAL_INACTIVE || state == RETRIEVAL_RENEWED || state == RETRIEVAL_FINISHED))
        return NULL;
    return error_hint(error_new(ERR_CONFLICT, "pool is not ready to take a snapshot: %s",
                                retrieval_state_name(state)),
                      "Wait for the refresh, or run one that succeeds.");
}

static Error *snapshot_already_exists(const char *id)
{
    return error_hint(
        error_new(ERR_CONFLICT, "snapshot %s already exists", id),
        "The data has not changed since. Run a refresh for newer data: ramet refresh --watch");
}

static Error *snapshot_describe(Engine *engine, Pool *pool, const Golden *golden,
                                Snapshot **ret_snapshot)
{
    g_autofree char *data_dir = storage_volume_data(pool, golden->volume);
    int64_t major = 0;

    TRY(installation_data_major(data_dir, &major));
    Snapshot *snapshot = snapshot_new_golden(storage_pool_name(pool), "", golden->data_state_at_ms);
    snapshot->pg_major = major;
    snapshot->logical_size = golden->logical_size;
    *ret_snapshot = snapshot;
    return NULL;
}

/* Of the same data there is one; another one of that second, of a clone, has the stamp alone. */
static Error *snapshot_check_new(Store *store, const Snapshot *snapshot)
{
    bool is_there = false;

    TRY(store_has_snapshot(store, snapshot->id, &is_there));
    return is_there ? snapshot_already_exists(snapshot->id) : NULL;
}

/* Which golden data it is was read before the lock: a refresh may have ended since. */
static Error *golden_check_still(Store *store, const Golden *golden)
{
    bool is_still = false;

    TRY(store_is_golden(store, golden->pool, golden->volume, &is_still));
    return is_still ? NULL
                    : error_hint(error_new(ERR_CONFLICT, "the data was renewed meanwhile"),
                                 "Send the request again.");
}

static Error *snapshot_record(Engine *engine, const Golden *golden, Snapshot *snapshot,
                              OperationRow **ret_row)
{
    g_autoptr(StoreTransaction) tx = NULL;
    g_autoptr(json_t) args = json_pack("{ssssss}", "pool", snapshot->pool, "volume", golden->volume,
                                       "snapshot", snapshot->uid);
    g_autoptr(OperationRow) row = operation_row(&golden_kind, RETRIEVAL_TARGET, args);

    TRY(store_begin(engine->store, STORE_ACCEPTING, &tx));
    TRY(golden_check_still(engine->store, golden));
    TRY(snapshot_check_new(engine->store, snapshot));
    TRY(snapshot_insert(engine->store, snapshot, snapshot->pool));
    TRY(outcome_record(engine->store, row));
    TRY(store_commit(&tx));
    *ret_row = g_steal_pointer(&row);
    return NULL;
}

static Error *snapshot_submit(Retrieval *retrieval, const Golden *golden, Snapshot *snapshot,
                              OperationEnded ended, void *data)
{
    g_autoptr(OperationRow) row = NULL;

    TRY(snapshot_check_state(retrieval));
    TRY(snapshot_record(retrieval->engine, golden, snapshot, &row));
    progress_reset(retrieval->progress);
    retrieval_begin(retrieval, row, RETRIEVAL_SNAPSHOTTING, NULL);
    operations_submit_take(retrieval->engine->operations, g_steal_pointer(&row), ended, data);
    return NULL;
}

Error *retrieval_snapshot(Retrieval *retrieval, const char *pool_name, OperationEnded ended,
                          void *data, Snapshot **ret_snapshot)
{
    Engine *engine = retrieval->engine;
    g_autoptr(Golden) golden = NULL;
    g_autoptr(Snapshot) snapshot = NULL;
    g_autoptr(Pool) pool = NULL;
    g_autoptr(Config) config = engine_config(engine);

    TRY(snapshot_find_pool(engine, pool_name, &pool));
    if (!jobs_has(config, "logicalSnapshot"))
        return error_hint(error_new(ERR_INVALID, "no jobs to snapshot pool data"),
                          "List logicalSnapshot in retrieval.jobs.");
    TRY(store_get_golden(engine->store, storage_pool_name(pool), &golden));
    TRY(snapshot_describe(engine, pool, golden, &snapshot));
    g_mutex_lock(&retrieval->accepting);
    Error *e = snapshot_submit(retrieval, golden, snapshot, ended, data);
    g_mutex_unlock(&retrieval->accepting);
    if (!e)
        *ret_snapshot = g_steal_pointer(&snapshot);
    return e;
}

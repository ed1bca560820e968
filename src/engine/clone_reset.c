/*
 * Resetting a clone: a new volume is made beside the old one while the clone still serves; only
 * then is it stopped and started over the new one. Whatever fails, the undo leads back to the old
 * volume, running. The client does not wait for the destruction of the old volume: it is an
 * operation that follows.
 */
#include "engine/clone.h"

#include "base/clock.h"
#include "base/id.h"
#include "engine/clone_work.h"
#include "engine/gate.h"
#include "engine/pools.h"
#include "engine/programs.h"
#include "engine/volume.h"

/* Who comes from now on waits for the new data, or after an undo for the old. */
static Error *reset_stop_old(Operation *operation)
{
    const CloneWork *work = operation->work;

    TRY(gate_hold(operation->engine, work->clone));
    return clone_step_stop(operation);
}

/* Back to the old volume: start it as it was, and let it be ready before anyone is told. */
static Error *reset_start_old(Operation *operation)
{
    CloneWork *work = operation->work;
    g_autofree char *old_dir = storage_volume_data(work->old_pool, work->old_volume);
    char *new_dir = work->data_dir;

    if (runtime_is_running(operation->engine->runtime, work->clone->uid))
        return clone_step_let_in(operation);
    work->data_dir = old_dir; /* all that the steps of the instance look at */
    Error *e = clone_step_configure(operation);
    if (!e)
        e = clone_step_start(operation);
    if (!e)
        e = clone_step_ready(operation);
    work->data_dir = new_dir;
    g_clear_pointer(&work->conn, conn_close);
    return e ? e : clone_step_let_in(operation);
}

/* Nothing is destroyed before the store says which volume is the clone's. */
static Error *reset_swap_to(Operation *operation, const Pool *pool, const char *volume,
                            const char *snapshot_uid)
{
    Store *store = operation->engine->store;
    g_autoptr(StoreTransaction) tx = NULL;
    g_autoptr(Clone) clone = NULL;

    TRY(store_begin(store, STORE_DURABLE, &tx));
    TRY(store_get_clone_by_uid(store, operation->row->target, &clone));
    g_free(clone->pool);
    clone->pool = g_strdup(storage_pool_name(pool));
    g_free(clone->volume);
    clone->volume = g_strdup(volume);
    g_free(clone->snapshot_uid);
    clone->snapshot_uid = g_strdup(snapshot_uid);
    TRY(store_update_clone(store, clone));
    return store_commit(&tx);
}

static Error *reset_swap(Operation *operation)
{
    const CloneWork *work = operation->work;

    return reset_swap_to(operation, work->pool, work->volume, work->snapshot->uid);
}

static Error *reset_swap_back(Operation *operation)
{
    const CloneWork *work = operation->work;

    return reset_swap_to(operation, work->old_pool, work->old_volume,
                         json_string_value(json_object_get(work->args, "oldSnapshot")));
}

#define RESET_STEP_STOP 1

static const Step reset_steps[] = {
    {"cloning the new volume", clone_step_volume, clone_undo_volume},
    {"stopping postgres", reset_stop_old, reset_start_old},
    {"writing its configuration", clone_step_configure, NULL},
    {"starting postgres", clone_step_start, clone_step_stop},
    {"waiting until postgres is ready", clone_step_ready, NULL},
    {"preparing users", clone_step_users, NULL},
    {"opening its port", clone_step_let_in, NULL},
    {"swapping the volumes", reset_swap, reset_swap_back},
    {0},
};

static Error *reset_finish(Operation *operation)
{
    const CloneWork *work = operation->work;
    Store *store = operation->engine->store;
    g_autoptr(Clone) clone = NULL;

    TRY(clone_work_settle(operation, CLONE_OK, ""));
    TRY(store_get_clone_by_uid(store, operation->row->target, &clone));
    clone->started_at_ms = clone->active_at_ms = clock_now_ms();
    TRY(store_update_clone(store, clone));
    volume_discard_after(operation, storage_pool_name(work->old_pool), work->old_volume);
    return NULL;
}

/* What an undo had started again may have gone since with the machine. */
static void reset_rewind(Operation *operation, const OperationKind *kind)
{
    const CloneWork *work = operation->work;
    OperationRow *row = operation->row;

    if (row->state != OPERATION_UNDOING)
        clone_work_rewind(operation, kind);
    else if (!runtime_is_running(operation->engine->runtime, work->clone->uid))
        row->step = MAX(row->step, RESET_STEP_STOP);
}

/* OK is said of a clone that serves: not before its previous data is back. */
static Error *reset_fail(Operation *operation, const Error *cause)
{
    g_autofree char *message = NULL;

    if (operation->owed)
        message = g_strdup_printf("Reset failed (%s), and the way back to the previous data has "
                                  "not succeeded yet, it is tried again: %s",
                                  cause->message, operation->owed->message);
    else
        message =
            g_strdup_printf("Reset failed, the clone keeps its previous data: %s", cause->message);
    return clone_work_settle(operation, operation->owed ? CLONE_FATAL : CLONE_OK, message);
}

/* The clone is gone, and its destruction knew one of the two volumes. */
static Error *reset_drop(Operation *operation)
{
    json_t *args = json_loads(operation->row->args, 0, NULL);
    Error *e = volume_destroy_of(operation->engine, args, "pool", "volume");

    if (!e)
        e = volume_destroy_of(operation->engine, args, "oldPool", "oldVolume");
    json_decref(args);
    return e;
}

const OperationKind clone_reset_kind = {
    .name = "reset",
    .steps = reset_steps,
    .resumes = true,
    .load = clone_work_load,
    .unload = clone_work_unload,
    .rewind = reset_rewind,
    .finish = reset_finish,
    .fail = reset_fail,
    .drop = reset_drop,
    .ended = clone_work_ended,
};

/* --- the request --- */

static Error *reset_find_target(Engine *engine, const Clone *clone, const char *snapshot_id,
                                bool latest, Snapshot **ret_snapshot)
{
    if (latest)
        return engine_latest_snapshot(engine, NULL, ret_snapshot);
    if (*snapshot_id)
        return store_get_snapshot(engine->store, snapshot_id, ret_snapshot);
    return store_get_snapshot_by_uid(engine->store, clone->snapshot_uid, ret_snapshot);
}

static Error *reset_check(Engine *engine, const Clone *clone, const Snapshot *target)
{
    g_autoptr(Installation) installation = NULL;

    if (clone->state != CLONE_OK) {
        Error *e = error_new(ERR_CONFLICT, "clone is not started yet");
        return error_hint(e, "The clone is %s; only an OK clone can be reset.",
                          clone_state_name(clone->state));
    }
    TRY(engine_need_pool(engine, clone->pool));
    TRY(engine_need_pool(engine, target->pool));
    if (!target->is_ready)
        return error_hint(error_new(ERR_NOT_FOUND, "no snapshot found"),
                          "This one is being deleted: choose another.");
    return programs_find(engine, target->pg_major, &installation);
}

/* Target snapshot, state and operation in one transaction: the snapshot cannot go in between. */
static Error *reset_record(Engine *engine, const char *id, const char *snapshot_id, bool latest,
                           OperationRow **ret_row)
{
    g_autoptr(StoreTransaction) tx = NULL;
    g_autoptr(Clone) clone = NULL;
    g_autoptr(Snapshot) target = NULL;
    g_autofree char *volume = id_new();

    TRY(store_begin(engine->store, STORE_ACCEPTING, &tx));
    TRY(store_get_clone(engine->store, id, &clone));
    TRY(operations_check_settled(engine->operations, clone->uid));
    TRY(reset_find_target(engine, clone, snapshot_id, latest, &target));
    TRY(reset_check(engine, clone, target));

    json_t *args = json_pack("{ssssssssssss}", "volume", volume, "pool", target->pool, "oldVolume",
                             clone->volume, "oldPool", clone->pool, "snapshot", target->uid,
                             "oldSnapshot", clone->snapshot_uid);
    g_autoptr(OperationRow) row = operation_row(&clone_reset_kind, clone->uid, args);
    json_decref(args);
    TRY(store_move_clone(engine->store, clone->uid, CLONE_RESETTING, ""));
    TRY(store_insert_operation(engine->store, row));
    TRY(store_commit(&tx));
    *ret_row = g_steal_pointer(&row);
    return NULL;
}

Error *engine_reset_clone(Engine *engine, const char *id, const char *snapshot_id, bool latest)
{
    g_autoptr(OperationRow) row = NULL;

    TRY(reset_record(engine, id, snapshot_id, latest, &row));
    operations_submit_take(engine->operations, g_steal_pointer(&row), NULL, NULL);
    return NULL;
}

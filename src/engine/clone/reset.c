/*
 * Resetting a clone: a new volume is made beside the old one while the clone still serves; only
 * then is it stopped and started over the new one. Whatever fails, the undo leads back to the old
 * volume, running if it can run: what its user has done to it is no concern of a reset. A failed
 * reset is FATAL for whoever asked, though the old data serves on. The client does not wait for the
 * destruction of the old volume: it is an operation that follows.
 */
#include "engine/clone/clone.h"

#include "base/clock.h"
#include "base/id.h"
#include "base/json.h"
#include "engine/clone/start.h"
#include "engine/clone/work.h"
#include "engine/gate/gate.h"
#include "engine/instance/programs.h"
#include "engine/kinds.h"
#include "engine/pool/pools.h"
#include "engine/pool/volume.h"

/* Who comes from now on waits for the new data, or after an undo for the old. */
static Error *reset_stop_old(Operation *operation)
{
    const CloneWork *work = operation->work;

    TRY(gate_hold(operation_engine(operation), work->clone));
    return clone_step_stop(operation);
}

/*
 * Back to the old volume: start it as it was, and let it be ready before anyone is told. One that
 * has never served has nothing to go back to, and who destroys it does not wait for that.
 */
static Error *reset_start_old(Operation *operation)
{
    CloneWork *work = operation->work;
    g_autofree char *old_dir = storage_volume_data(work->old_pool, work->old_volume);
    char *new_dir = work->data_dir;

    if (work->clone->started_at_ms == 0)
        return NULL;
    work->data_dir = old_dir; /* all that the steps of the instance look at */
    Error *e = clone_undo_stop(operation, CLONE_IN(DELETING));
    work->data_dir = new_dir;
    return e;
}

/* Nothing is destroyed before the store says which volume is the clone's. */
static Error *reset_swap_to(Operation *operation, const Pool *pool, const char *volume,
                            const char *snapshot_uid)
{
    Store *store = operation->store;
    g_autoptr(StoreTransaction) tx = NULL;

    TRY(store_begin(store, STORE_DURABLE, &tx));
    TRY(store_set_clone_volume(store, operation->row->target, storage_pool_name(pool), volume,
                               snapshot_uid));
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
    Store *store = operation->store;
    const char *uid = operation->row->target;

    TRY(clone_work_settle(operation, CLONE_IN(RESETTING), CLONE_OK, work->remark));
    TRY(store_set_clone_reset_error(store, uid, ""));
    TRY(store_start_clone(store, uid, clock_now_ms(), -1));
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
    else if (!runtime_is_running(operation_engine(operation)->runtime, work->clone->uid))
        row->step = MAX(row->step, RESET_STEP_STOP);
}

/* What was ready once is looked after again: its data is as its user left it. */
static char *reset_failure_text(const Operation *operation, const Error *cause)
{
    const CloneWork *work = operation->work;

    if (operation->owed)
        return g_strdup_printf("Reset failed (%s), and the way back to the previous data has not "
                               "succeeded yet, it is tried again: %s",
                               cause->message, operation->owed->message);
    if (work->clone->started_at_ms == 0)
        return g_strdup_printf("Reset failed: %s", cause->message);
    if (work->left_why)
        return g_strdup_printf(
            "Reset failed: %s. The clone keeps its previous data, which does not start: %s",
            cause->message, work->left_why);
    return g_strdup_printf("Reset failed, the clone keeps its previous data: %s", cause->message);
}

/*
 * The cause stays on record, whatever becomes of the old data: OK would say that the reset is done.
 * After the first failed try of an undo it is FATAL already.
 */
static Error *reset_fail(Operation *operation, const Error *cause)
{
    const CloneWork *work = operation->work;
    g_autofree char *message = reset_failure_text(operation, cause);

    if (work->clone->started_at_ms > 0)
        TRY(store_set_clone_reset_error(operation->store, operation->row->target, message));
    return clone_work_settle(operation, CLONE_IN(RESETTING) | CLONE_IN(FATAL), CLONE_FATAL,
                             message);
}

/* The clone is gone, and its destruction knew one of the two volumes. */
static Error *reset_drop(Operation *operation)
{
    g_autoptr(json_t) args = json_loads(operation->row->args, 0, NULL);
    Error *e = volume_destroy_of(operation_engine(operation), args, "pool", "volume");

    if (!e)
        e = volume_destroy_of(operation_engine(operation), args, "oldPool", "oldVolume");
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

static Error *reset_check_state(Engine *engine, const Clone *clone)
{
    TRY(operations_check_settled(engine->operations, clone->uid));
    if ((clone->state == CLONE_OK || clone->state == CLONE_FATAL) &&
        !operations_is_busy(engine->operations, clone_destroy_kind.name, clone->uid))
        return NULL;
    return error_hint(error_new(ERR_CONFLICT, "clone is not started yet"),
                      "The clone is %s; wait until it is OK or FATAL.",
                      clone_state_name(clone->state));
}

/* Looked at outside of the transaction: pools and programs are no matter of the store. */
static Error *reset_look(Engine *engine, const char *id, const char *snapshot_id, bool latest,
                         char **ret_target_uid)
{
    g_autoptr(Installation) installation = NULL;
    g_autoptr(Clone) clone = NULL;
    g_autoptr(Snapshot) target = NULL;

    TRY(store_get_clone(engine->store, id, &clone));
    TRY(reset_check_state(engine, clone));
    TRY(reset_find_target(engine, clone, snapshot_id, latest, &target));
    TRY(engine_need_pool(engine, clone->pool));
    TRY(engine_need_pool(engine, target->pool));
    TRY(programs_find(engine, target->pg_major, &installation));
    *ret_target_uid = g_strdup(target->uid);
    return NULL;
}

static json_t *reset_args(const Clone *clone, const Snapshot *target)
{
    g_autofree char *volume = id_new();

    return json_pack("{ssssssssssss}", "volume", volume, "pool", target->pool, "oldVolume",
                     clone->volume, "oldPool", clone->pool, "snapshot", target->uid, "oldSnapshot",
                     clone->snapshot_uid);
}

/*
 * Target snapshot, state and operation in one transaction: from here on the journal holds the
 * snapshot (snapshot_users()), so that it cannot go.
 */
static Error *reset_record(Engine *engine, const char *id, const char *target_uid,
                           OperationRow **ret_row)
{
    g_autoptr(StoreTransaction) tx = NULL;
    g_autoptr(Clone) clone = NULL;
    g_autoptr(Snapshot) target = NULL;

    TRY(store_begin(engine->store, STORE_ACCEPTING, &tx));
    TRY(store_get_clone(engine->store, id, &clone));
    TRY(reset_check_state(engine, clone));
    TRY(store_get_snapshot_by_uid(engine->store, target_uid, &target));
    if (!target->is_ready)
        return error_hint(error_new(ERR_NOT_FOUND, "no snapshot found"),
                          "This one is being deleted: choose another.");

    g_autoptr(json_t) args = reset_args(clone, target);
    g_autoptr(OperationRow) row = operation_row(&clone_reset_kind, clone->uid, args);
    TRY(store_move_clone(engine->store, clone->uid, CLONE_IN(OK) | CLONE_IN(FATAL), CLONE_RESETTING,
                         ""));
    TRY(store_insert_operation(engine->store, row));
    TRY(store_commit(&tx));
    *ret_row = g_steal_pointer(&row);
    return NULL;
}

/* A start under way is of data that goes, and may wait long for what does not come up. */
static void reset_end_start(Operations *operations, const char *uid)
{
    if (operations_is_busy(operations, clone_start_kind.name, uid))
        operations_cancel(operations, uid);
}

Error *engine_reset_clone(Engine *engine, const char *id, const char *snapshot_id, bool latest)
{
    g_autofree char *target_uid = NULL;
    g_autoptr(OperationRow) row = NULL;

    TRY(reset_look(engine, id, snapshot_id, latest, &target_uid));
    Error *e = reset_record(engine, id, target_uid, &row);
    if (e && e->code == ERR_NOT_FOUND && latest) { /* a newer one has come, and this one gone */
        error_free(e);
        g_clear_pointer(&target_uid, g_free);
        TRY(reset_look(engine, id, snapshot_id, latest, &target_uid));
        e = reset_record(engine, id, target_uid, &row);
    }
    TRY(e);
    reset_end_start(engine->operations, row->target);
    operations_submit_take(engine->operations, g_steal_pointer(&row), NULL, NULL);
    return NULL;
}

/*
 * A snapshot of a clone's present data. Where the storage takes it atomically the clone serves on
 * and a checkpoint before it keeps the recovery of later clones short; elsewhere postgres is
 * stopped for it.
 */
#include "engine/snapshot/snapshot.h"

#include "base/clock.h"
#include "base/id.h"
#include "base/json.h"
#include "engine/clone/work.h"
#include "engine/gate/gate.h"
#include "engine/kinds.h"
#include "engine/pool/making.h"
#include "engine/pool/pools.h"

#define SNAPSHOT_STOP_TIMEOUT_MS 60000
#define SNAPSHOT_CHECKPOINT_MS   30000 /* whoever resets the clone waits for it, too */

static bool snapshot_needs_stop(const CloneWork *work)
{
    return !storage_pool_traits(work->pool).atomic_snapshot;
}

/*
 * What its user has done to it is no fault of the request's words: "not found" would mean the
 * clone.
 */
static Error *snapshot_explain(const CloneWork *work, Error *e)
{
    if (!e || e->code == ERR_NO_SPACE || e->code == ERR_TIMEOUT || e->code == ERR_BUSY)
        return e;
    e->code = ERR_CONFLICT;
    e = error_wrap(e, "clone \"%s\" cannot be brought to rest", work->clone->id);
    return e->hint ? e : error_hint(e, "Its user may have broken it. A reset makes it anew.");
}

/*
 * It keeps the recovery of later clones short, and that is all: a clone whose connections are all
 * taken, or whose superuser has stopped its checkpointer, is as good without.
 */
static Error *snapshot_checkpoint(const Operation *operation)
{
    EngineInstance instance = clone_instance_of(operation);
    g_autoptr(Conn) conn = NULL;
    ErrorCode expected = ERR_BUSY;

    instance.answer_ms = SNAPSHOT_CHECKPOINT_MS;
    Error *e = instance_connect(operation_engine(operation), &instance, NULL, &conn);
    if (!e) {
        expected = ERR_TIMEOUT;
        e = conn_script(conn, "CHECKPOINT");
    }
    if (!e || e->code != expected || g_cancellable_is_cancelled(operation->cancel))
        return e;
    error_ignore(e, "the snapshot is taken without a checkpoint");
    return NULL;
}

static Error *snapshot_settle_data(Operation *operation)
{
    const CloneWork *work = operation->work;

    if (snapshot_needs_stop(work)) {
        TRY(gate_hold(operation_engine(operation), work->clone));
        g_cancellable_push_current(operation->cancel);
        Error *e = runtime_stop(operation_engine(operation)->runtime, work->clone->uid,
                                RUNTIME_STOP_CLEAN, SNAPSHOT_STOP_TIMEOUT_MS);
        g_cancellable_pop_current(operation->cancel);
        return e;
    }
    return snapshot_explain(work, snapshot_checkpoint(operation));
}

static Error *snapshot_start_again(Operation *operation)
{
    TRY(clone_step_configure(operation));
    TRY(clone_step_start(operation));
    return clone_step_ready(operation);
}

/* Whatever happened to the snapshot, the clone runs again. */
static Error *snapshot_resume(Operation *operation)
{
    const CloneWork *work = operation->work;

    if (!snapshot_needs_stop(work))
        return NULL;
    if (!runtime_is_running(operation_engine(operation)->runtime, work->clone->uid))
        TRY(snapshot_explain(work, snapshot_start_again(operation)));
    return clone_step_let_in(operation);
}

/* The undo of a stop: a clone that does not start again is told, and left; FATAL says that it was. */
static Error *snapshot_let_go(Operation *operation)
{
    const CloneWork *work = operation->work;

    if (operation->row->state != OPERATION_UNDOING) /* a step that was cut off is done again */
        return snapshot_resume(operation);
    if (!snapshot_needs_stop(work))
        return NULL;
    return clone_undo_stop(operation, CLONE_IN(DELETING) | CLONE_IN(FATAL));
}

static Error *snapshot_load_row(Operation *operation, Snapshot **ret_snapshot)
{
    const CloneWork *work = operation->work;
    const char *uid = json_string_value(json_object_get(work->args, "taken"));

    return store_get_snapshot_by_uid(operation->store, uid, ret_snapshot);
}

/* A try that was cut off has let the clone serve again, and write. */
static Error *snapshot_settle_again(Operation *operation)
{
    const CloneWork *work = operation->work;
    bool is_at_rest = !snapshot_needs_stop(work) ||
                      !runtime_is_running(operation_engine(operation)->runtime, work->clone->uid);

    return is_at_rest ? NULL : snapshot_settle_data(operation);
}

static Error *snapshot_take(Operation *operation)
{
    const CloneWork *work = operation->work;
    g_autoptr(Snapshot) snapshot = NULL;

    TRY(snapshot_load_row(operation, &snapshot));
    g_autoptr(Manifest) manifest = snapshot_manifest(snapshot);
    if (storage_is_finished(work->pool, STORAGE_SNAPSHOT, snapshot->uid))
        return NULL; /* the journal is older than it */
    TRY(snapshot_settle_again(operation));
    TRY(storage_sync(work->pool, work->volume));
    TRY(storage_mark(work->pool, STORAGE_SNAPSHOT, snapshot->uid, operation->row->uid));
    return storage_snapshot(work->pool, work->volume, snapshot->uid, manifest);
}

/* The clone serves again first: that does not depend on what the storage says. */
static Error *snapshot_untake(Operation *operation)
{
    const CloneWork *work = operation->work;

    TRY(snapshot_let_go(operation));
    return operation_unmake(operation, work->pool, STORAGE_SNAPSHOT,
                            json_string_value(json_object_get(work->args, "taken")));
}

static const Step snapshot_steps[] = {
    {"bringing the data to rest", snapshot_settle_data, snapshot_let_go},
    {"taking the snapshot", snapshot_take, snapshot_untake},
    {"going on with postgres", snapshot_resume, NULL},
    {0},
};

static Error *snapshot_finish(Operation *operation)
{
    const CloneWork *work = operation->work;

    return store_set_snapshot_ready(operation->store,
                                    json_string_value(json_object_get(work->args, "taken")), true);
}

/* A reset or a destruction that was asked for meanwhile has a state of its own. */
static Error *snapshot_tell_of_clone(Operation *operation)
{
    const CloneWork *work = operation->work;

    if (!work->left_why)
        return NULL;
    g_autofree char *message = g_strdup_printf(
        "Its postgres was stopped for a snapshot and does not start again: %s", work->left_why);
    return clone_work_settle(operation, CLONE_IN(OK), CLONE_FATAL, message);
}

/* The row says what there is until it is undone: without its clone nothing else would know. */
static Error *snapshot_fail(Operation *operation, const Error *cause)
{
    const CloneWork *work = operation->work;

    TRY(snapshot_tell_of_clone(operation));
    if (operation->owed)
        return NULL;
    return store_delete_snapshot(operation->store,
                                 json_string_value(json_object_get(work->args, "taken")));
}

/* The clone is gone: the snapshot that nobody will finish must not stay. */
static Error *snapshot_drop(Operation *operation)
{
    Engine *engine = operation_engine(operation);
    g_autoptr(json_t) args = json_loads(operation->row->args, 0, NULL);
    g_autofree char *uid = g_strdup(json_string_value(json_object_get(args, "taken")));
    g_autoptr(Snapshot) snapshot = NULL;
    g_autoptr(Pool) pool = NULL;

    Error *e = store_get_snapshot_by_uid(engine->store, uid, &snapshot);
    if (!e)
        e = engine_await_pool(engine, snapshot->pool, &pool);
    if (!e)
        e = operation_unmake(operation, pool, STORAGE_SNAPSHOT, uid);
    if (e && e->code != ERR_NOT_FOUND)
        return e;
    error_free(e);
    return store_delete_snapshot(engine->store, uid);
}

static void snapshot_ended(Operation *operation, const Error *cause)
{
    const CloneWork *work = operation->work;

    if (!cause && work)
        operation_made(work->pool, STORAGE_SNAPSHOT,
                       json_string_value(json_object_get(work->args, "taken")));
    engine_notify(operation_engine(operation));
}

const OperationKind snapshot_clone_kind = {
    .name = "snapshot",
    .steps = snapshot_steps,
    .resumes = true,
    .load = clone_work_load,
    .unload = clone_work_unload,
    .finish = snapshot_finish,
    .fail = snapshot_fail,
    .drop = snapshot_drop,
    .ended = snapshot_ended,
};

/* "<pool>/branch/<branch>/<clone>/r<revision>", as clients know it in ids. */
static char *snapshot_place(const Clone *clone)
{
    return g_strdup_printf("%s/branch/%s/%s/r%" G_GINT64_FORMAT, clone->pool, clone->branch,
                           clone->id, clone->revision);
}

/* Settings that the clone's data may need: those that came with its snapshot, and its own. */
static char *snapshot_settings(const Clone *clone, const Snapshot *origin)
{
    json_t *settings = json_loads(origin->extra_conf, 0, NULL);
    g_autoptr(json_t) own = json_loads(clone->extra_conf, 0, NULL);
    g_autoptr(json_t) all = settings ? settings : json_object();

    if (own)
        json_object_update(all, own);
    return json_dumps(all, JSON_COMPACT);
}

static Snapshot *snapshot_of_clone(const Clone *clone, const Snapshot *origin, const char *message)
{
    Snapshot *snapshot = snapshot_new();

    snapshot->uid = id_new();
    snapshot->created_at_ms = snapshot->data_state_at_ms = clock_now_ms();
    snapshot->pool = g_strdup(clone->pool);
    snapshot->branch = g_strdup(clone->branch);
    snapshot->parent_uid = g_strdup(clone->snapshot_uid);
    snapshot->clone_id = g_strdup(clone->id);
    snapshot->clone_uid = g_strdup(clone->uid);
    snapshot->extra_conf = snapshot_settings(clone, origin);
    snapshot->message = g_strdup(message);
    snapshot->pg_major = origin->pg_major;
    snapshot->logical_size = origin->logical_size;
    return snapshot;
}

/* A clone that has failed has no data that anybody vouches for. */
static Error *snapshot_check_state(const Clone *clone)
{
    if (clone->state == CLONE_OK)
        return NULL;
    Error *e = error_new(ERR_CONFLICT, "clone \"%s\" is %s: only an OK clone has data to take",
                         clone->id, clone_state_name(clone->state));

    if (clone->state == CLONE_FATAL)
        return error_hint(e, "Reset it first. It says: %s", clone->message);
    return error_hint(e, "Wait until it is OK.");
}

/* Asked before the transaction, as pools are outside. */
static Error *snapshot_look(Engine *engine, const char *clone_id)
{
    g_autoptr(Clone) clone = NULL;

    TRY(store_get_clone(engine->store, clone_id, &clone));
    TRY(snapshot_check_state(clone));
    return engine_need_pool(engine, clone->pool);
}

static Error *snapshot_record(Engine *engine, const char *clone_id, const char *message,
                              Snapshot **ret_snapshot, OperationRow **ret_row)
{
    g_autoptr(StoreTransaction) tx = NULL;
    g_autoptr(Clone) clone = NULL;
    g_autoptr(Snapshot) origin = NULL;

    TRY(store_begin(engine->store, STORE_ACCEPTING, &tx));
    TRY(store_get_clone(engine->store, clone_id, &clone));
    TRY(snapshot_check_state(clone));
    TRY(operations_check_settled(engine->operations, clone->uid));
    TRY(store_get_snapshot_by_uid(engine->store, clone->snapshot_uid, &origin));

    g_autoptr(Snapshot) snapshot = snapshot_of_clone(clone, origin, message);
    g_autoptr(json_t) args = json_pack("{ss}", "taken", snapshot->uid);
    g_autoptr(OperationRow) row = operation_row(&snapshot_clone_kind, clone->uid, args);
    g_autofree char *place = snapshot_place(clone);
    TRY(snapshot_insert(engine->store, snapshot, place));
    TRY(store_insert_operation(engine->store, row));
    TRY(store_commit(&tx));
    *ret_snapshot = g_steal_pointer(&snapshot);
    *ret_row = g_steal_pointer(&row);
    return NULL;
}

Error *engine_snapshot_clone(Engine *engine, const char *clone_id, const char *message,
                             OperationEnded ended, void *data, Snapshot **ret_snapshot)
{
    g_autoptr(OperationRow) row = NULL;

    TRY(snapshot_look(engine, clone_id));
    TRY(snapshot_record(engine, clone_id, message, ret_snapshot, &row));
    operations_submit_take(engine->operations, g_steal_pointer(&row), ended, data);
    return NULL;
}

/*
 * The deletion of a snapshot, asked for or when its time has come.
 */
#include "engine/snapshot/snapshot.h"

#include "base/clock.h"
#include "base/log.h"
#include "engine/clone/clone.h"
#include "engine/departure.h"
#include "engine/kinds.h"
#include "engine/lease.h"
#include "engine/pool/pools.h"

#define DELETE_CLONES_TIMEOUT_MS 120000

typedef struct DeleteWork {
    Snapshot *snapshot;
    Pool *pool;
} DeleteWork;

static Error *delete_load(Operation *operation)
{
    g_autoptr(Snapshot) snapshot = NULL;
    g_autoptr(Pool) pool = NULL;

    TRY(store_get_snapshot_by_uid(operation->store, operation->row->target, &snapshot));
    TRY(engine_await_pool(operation_engine(operation), snapshot->pool, &pool));
    DeleteWork *work = g_new(DeleteWork, 1);
    *work = (DeleteWork){g_steal_pointer(&snapshot), g_steal_pointer(&pool)};
    operation->work = work;
    return NULL;
}

static void delete_unload(Operation *operation)
{
    DeleteWork *work = operation->work;

    snapshot_free(work->snapshot);
    storage_close_pool(work->pool);
    g_free(work);
}

static Error *delete_destroy(Operation *operation)
{
    const DeleteWork *work = operation->work;

    return storage_destroy_snapshot(work->pool, work->snapshot->uid);
}

/* None is left; new ones cannot come, as the snapshot is not ready any more. */
static Error *delete_has_no_clones(void *data, bool *ret_done)
{
    const Operation *operation = data;
    g_autoptr(GPtrArray) clones = NULL;

    if (g_cancellable_is_cancelled(operation->cancel)) /* the server stops */
        return error_new(ERR_CONFLICT, "cancelled");
    TRY(snapshot_list_users(operation->store, operation->row->target, &clones));
    *ret_done = clones->len == 0;
    return NULL;
}

/* A reset may have led it elsewhere since. */
static Error *delete_is_used_still(Engine *engine, const Clone *clone, const void *snapshot_uid,
                                   bool *ret_is_so)
{
    g_autoptr(GPtrArray) users = NULL;

    TRY(snapshot_list_users(engine->store, snapshot_uid, &users));
    *ret_is_so = g_ptr_array_find_with_equal_func(users, clone->id, g_str_equal, NULL);
    return NULL;
}

static Error *delete_destroy_clone(Operation *operation, const char *id)
{
    Engine *engine = operation_engine(operation);
    g_autoptr(Clone) clone = NULL;
    bool is_begun;
    Error *e = store_get_clone(engine->store, id, &clone);

    if (e && e->code == ERR_NOT_FOUND) { /* its user was quicker */
        error_free(e);
        return NULL;
    }
    TRY(e);
    return engine_destroy_clone_if(engine, clone->uid, delete_is_used_still, operation->row->target,
                                   &is_begun);
}

/* Only of a forced deletion; each clone goes by an operation of its own. */
static Error *delete_destroy_clones(Operation *operation)
{
    Engine *engine = operation_engine(operation);
    g_autoptr(GPtrArray) clones = NULL;

    TRY(snapshot_list_users(engine->store, operation->row->target, &clones));
    for (unsigned i = 0; i < clones->len; i++)
        TRY(delete_destroy_clone(operation, clones->pdata[i]));
    return wait_until(clock_monotonic_ms() + DELETE_CLONES_TIMEOUT_MS, delete_has_no_clones,
                      operation);
}

static const Step delete_steps[] = {
    {"destroying its clones", delete_destroy_clones, NULL},
    {"destroying the snapshot", delete_destroy, NULL},
    {0},
};

static Error *delete_finish(Operation *operation)
{
    return store_delete_snapshot(operation->store, operation->row->target);
}

static Error *delete_fail(Operation *operation, const Error *cause)
{
    return NULL; /* it stays on record, not offered to anyone, and is tried again */
}

const OperationKind snapshot_delete_kind = {
    .name = "delete-snapshot",
    .steps = delete_steps,
    .resumes = true,
    .is_long = true, /* it waits for other operations: never on one of their threads */
    .retries = true,
    .load = delete_load,
    .unload = delete_unload,
    .finish = delete_finish,
    .fail = delete_fail,
};

Error *snapshot_begin_delete(Engine *engine, const Snapshot *snapshot, OperationRow **ret_row)
{
    g_autoptr(OperationRow) row = operation_row(&snapshot_delete_kind, snapshot->uid, NULL);

    TRY(store_set_snapshot_ready(engine->store, snapshot->uid, false));
    TRY(store_insert_operation(engine->store, row));
    *ret_row = g_steal_pointer(&row);
    return NULL;
}

/* Inside a transaction, which it commits. */
static Error *delete_record(Engine *engine, StoreTransaction **tx, const Snapshot *snapshot,
                            bool is_forced, OperationRow **ret_row)
{
    g_autoptr(OperationRow) row = NULL;

    TRY(snapshot_may_go(engine->store, snapshot, is_forced));
    TRY(snapshot_begin_delete(engine, snapshot, &row));
    TRY(store_commit(tx));
    *ret_row = g_steal_pointer(&row);
    return NULL;
}

static Error *delete_record_id(Engine *engine, const char *id, bool is_forced,
                               OperationRow **ret_row)
{
    g_autoptr(StoreTransaction) tx = NULL;
    g_autoptr(Snapshot) snapshot = NULL;

    TRY(store_begin(engine->store, STORE_DURABLE, &tx));
    TRY(store_get_snapshot(engine->store, id, &snapshot));
    return delete_record(engine, &tx, snapshot, is_forced, ret_row);
}

Error *engine_delete_snapshot(Engine *engine, const char *id, bool is_forced, OperationEnded ended,
                              void *data)
{
    g_autoptr(OperationRow) row = NULL;

    TRY(snapshot_check_request(engine, id));
    TRY(delete_record_id(engine, id, is_forced, &row));
    operations_submit_take(engine->operations, g_steal_pointer(&row), ended, data);
    return NULL;
}

bool snapshot_is_due(const Snapshot *snapshot)
{
    return snapshot->is_ready && lease_is_due(snapshot->delete_at_ms, clock_now_ms());
}

static Error *delete_record_due(Engine *engine, const char *uid, OperationRow **ret_row)
{
    g_autoptr(StoreTransaction) tx = NULL;
    g_autoptr(Snapshot) snapshot = NULL;

    TRY(store_begin(engine->store, STORE_DURABLE, &tx));
    Error *e = store_get_snapshot_by_uid(engine->store, uid, &snapshot);
    if (e && e->code == ERR_NOT_FOUND) { /* somebody else was quicker */
        error_free(e);
        return NULL;
    }
    TRY(e);
    return snapshot_is_due(snapshot) ? delete_record(engine, &tx, snapshot, false, ret_row) : NULL;
}

Error *engine_delete_due_snapshot(Engine *engine, const Snapshot *seen, bool *ret_is_begun)
{
    g_autoptr(OperationRow) row = NULL;

    *ret_is_begun = false;
    TRY(engine_need_pool(engine, seen->pool));
    TRY(delete_record_due(engine, seen->uid, &row));
    if (!row)
        return NULL;
    operations_submit_take(engine->operations, g_steal_pointer(&row), NULL, NULL);
    *ret_is_begun = true;
    return NULL;
}

/*
 * Destroying a clone. There is no way back, so nothing is undone: a step that fails leaves the
 * clone FATAL and on record, and is tried again. It goes before an undo that waits for its next try;
 * what such an operation has made beside the clone's own volume goes after it, by its own row.
 */
#include "engine/clone/clone.h"

#include "base/clock.h"
#include "engine/clone/work.h"
#include "engine/departure.h"
#include "engine/gate/port.h"
#include "engine/kinds.h"
#include "engine/pool/pools.h"

/* Whoever made it: its user wants it gone. */
static Error *destroy_volume(Operation *operation)
{
    const CloneWork *work = operation->work;

    return storage_destroy_volume(work->pool, work->volume);
}

static Error *destroy_directories(Operation *operation)
{
    const CloneWork *work = operation->work;

    return runtime_forget(operation_engine(operation)->runtime, work->clone->uid, true);
}

static const Step destroy_steps[] = {
    {"closing its port", clone_step_shut, NULL},
    {"stopping postgres", clone_step_stop, NULL},
    {"destroying the volume", destroy_volume, NULL},
    {"removing its directories", destroy_directories, NULL},
    {0},
};

static Error *destroy_finish(Operation *operation)
{
    return store_delete_clone(operation->store, operation->row->target);
}

static Error *destroy_fail(Operation *operation, const Error *cause)
{
    return clone_work_settle(operation, CLONE_IN(DELETING) | CLONE_IN(FATAL), CLONE_FATAL,
                             cause->message);
}

static void destroy_ended(Operation *operation, const Error *cause)
{
    const CloneWork *work = operation->work;

    if (!work)
        return;
    if (!cause)
        port_release(operation_engine(operation)->ports, work->clone->port);
    engine_notify(operation_engine(operation));
}

const OperationKind clone_destroy_kind = {
    .name = "destroy",
    .steps = destroy_steps,
    .resumes = true,
    .retries = true,
    .takes_over = true,
    .load = clone_work_load,
    .unload = clone_work_unload,
    .finish = destroy_finish,
    .fail = destroy_fail,
    .ended = destroy_ended,
};

/* Whose pool is away waits for it: asked before the transaction, as pools are outside. */
static Error *destroy_check_pool(Engine *engine, const Clone *clone)
{
    TRY(clone_may_go(clone));
    return clone->state == CLONE_DELETING ? NULL : engine_need_pool(engine, clone->pool);
}

/* Inside a transaction, which it commits. */
static Error *destroy_record(Engine *engine, StoreTransaction **tx, const Clone *clone,
                             OperationRow **ret_row)
{
    TRY(clone_may_go(clone));
    if (clone->state == CLONE_DELETING) /* asked for already */
        return NULL;
    g_autoptr(OperationRow) row = operation_row(&clone_destroy_kind, clone->uid, NULL);
    TRY(store_move_clone(engine->store, clone->uid, 1u << clone->state, CLONE_DELETING, ""));
    TRY(store_insert_operation(engine->store, row));
    TRY(store_commit(tx));
    *ret_row = g_steal_pointer(&row);
    return NULL;
}

static Error *destroy_record_id(Engine *engine, const char *id, OperationRow **ret_row)
{
    g_autoptr(StoreTransaction) tx = NULL;
    g_autoptr(Clone) clone = NULL;

    TRY(store_begin(engine->store, STORE_DURABLE, &tx));
    TRY(store_get_clone(engine->store, id, &clone));
    return destroy_record(engine, &tx, clone, ret_row);
}

static void destroy_begin_take(Engine *engine, OperationRow *row)
{
    /* a create or reset under way is not finished first */
    operations_cancel(engine->operations, row->target);
    operations_submit_take(engine->operations, row, NULL, NULL);
    engine_notify(engine);
}

Error *engine_destroy_clone(Engine *engine, const char *id)
{
    g_autoptr(Clone) clone = NULL;
    g_autoptr(OperationRow) row = NULL;

    TRY(store_get_clone(engine->store, id, &clone));
    TRY(destroy_check_pool(engine, clone));
    TRY(destroy_record_id(engine, id, &row));
    if (row)
        destroy_begin_take(engine, g_steal_pointer(&row));
    return NULL;
}

/* *ret_clone stays NULL when it has gone. */
static Error *destroy_find(Engine *engine, const char *uid, Clone **ret_clone)
{
    Error *e = store_get_clone_by_uid(engine->store, uid, ret_clone);

    if (!e || e->code != ERR_NOT_FOUND)
        return e;
    error_free(e);
    return NULL;
}

static Error *destroy_record_if(Engine *engine, const char *uid, CloneStill is_so, const void *seen,
                                OperationRow **ret_row)
{
    g_autoptr(StoreTransaction) tx = NULL;
    g_autoptr(Clone) clone = NULL;
    bool is_wanted = false;

    TRY(store_begin(engine->store, STORE_DURABLE, &tx));
    TRY(destroy_find(engine, uid, &clone));
    if (clone)
        TRY(is_so(engine, clone, seen, &is_wanted));
    return is_wanted ? destroy_record(engine, &tx, clone, ret_row) : NULL;
}

Error *engine_destroy_clone_if(Engine *engine, const char *uid, CloneStill is_so, const void *seen,
                               bool *ret_is_begun)
{
    g_autoptr(Clone) clone = NULL;
    g_autoptr(OperationRow) row = NULL;

    *ret_is_begun = false;
    TRY(destroy_find(engine, uid, &clone));
    if (!clone)
        return NULL;
    TRY(destroy_check_pool(engine, clone));
    TRY(destroy_record_if(engine, uid, is_so, seen, &row));
    if (!row)
        return NULL;
    destroy_begin_take(engine, g_steal_pointer(&row));
    *ret_is_begun = true;
    return NULL;
}

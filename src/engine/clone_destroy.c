/*
 * Destroying a clone. There is no way back, so nothing is undone: a step that fails leaves the
 * clone FATAL and on record, and is tried again. It goes before an undo that waits for its next try;
 * what such an operation has made beside the clone's own volume goes after it, by its own row.
 */
#include "engine/clone.h"

#include "base/clock.h"
#include "engine/clone_work.h"
#include "engine/pools.h"
#include "engine/port.h"

/* Whoever made it: its user wants it gone. */
static Error *destroy_volume(Operation *operation)
{
    const CloneWork *work = operation->work;

    return storage_destroy_volume(work->pool, work->volume);
}

static Error *destroy_directories(Operation *operation)
{
    const CloneWork *work = operation->work;

    return runtime_forget(operation->engine->runtime, work->clone->uid, true);
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
    return store_delete_clone(operation->engine->store, operation->row->target);
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
        port_release(operation->engine->ports, work->clone->port);
    engine_notify(operation->engine);
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

bool clone_is_protected_now(const Clone *clone)
{
    return clone->is_protected &&
           (clone->protected_till_ms == 0 || clone->protected_till_ms > clock_now_ms());
}

static Error *destroy_check(const Clone *clone)
{
    if (clone->state == CLONE_FATAL || !clone_is_protected_now(clone))
        return NULL;
    Error *e = error_new(ERR_CONFLICT, "clone is protected");
    return error_hint(e, "Take the protection off first: ramet clone update --protected false %s",
                      clone->id);
}

/* Whose pool is away waits for it: asked before the transaction, as pools are outside. */
static Error *destroy_check_pool(Engine *engine, const char *id)
{
    g_autoptr(Clone) clone = NULL;

    TRY(store_get_clone(engine->store, id, &clone));
    TRY(destroy_check(clone));
    return clone->state == CLONE_DELETING ? NULL : engine_need_pool(engine, clone->pool);
}

static Error *destroy_record(Engine *engine, const char *id, Clone **ret_clone,
                             OperationRow **ret_row)
{
    g_autoptr(StoreTransaction) tx = NULL;
    g_autoptr(Clone) clone = NULL;

    TRY(store_begin(engine->store, STORE_DURABLE, &tx));
    TRY(store_get_clone(engine->store, id, &clone));
    TRY(destroy_check(clone));
    if (clone->state == CLONE_DELETING) /* asked for already */
        return NULL;
    g_autoptr(OperationRow) row = operation_row(&clone_destroy_kind, clone->uid, NULL);
    TRY(store_move_clone(engine->store, clone->uid, 1u << clone->state, CLONE_DELETING, ""));
    TRY(store_insert_operation(engine->store, row));
    TRY(store_commit(&tx));
    *ret_clone = g_steal_pointer(&clone);
    *ret_row = g_steal_pointer(&row);
    return NULL;
}

Error *engine_destroy_clone(Engine *engine, const char *id)
{
    g_autoptr(Clone) clone = NULL;
    g_autoptr(OperationRow) row = NULL;

    TRY(destroy_check_pool(engine, id));
    TRY(destroy_record(engine, id, &clone, &row));
    if (!row)
        return NULL;
    /* a create or reset under way is not finished first */
    operations_cancel(engine->operations, clone->uid);
    operations_submit_take(engine->operations, g_steal_pointer(&row), NULL, NULL);
    engine_notify(engine);
    return NULL;
}

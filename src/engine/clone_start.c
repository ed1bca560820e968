/*
 * Starting clones that should run and do not: after a reboot, or when their postgres was killed
 * meanwhile. The data is as its users left it; nothing is undone.
 */
#include "engine/clone_start.h"

#include "base/log.h"
#include "engine/clone_limits.h"
#include "engine/clone_work.h"
#include "engine/pools.h"
#include "storage/pool_care.h"

/*
 * Postgres that refuses us is up: its superuser may have shut out the manager or renamed a
 * database, and is served all the same.
 */
static bool start_is_refused(const Operation *operation, const Error *e)
{
    return e->code == ERR_DENIED || e->code == ERR_NOT_FOUND ||
           (e->code == ERR_CONFLICT && !g_cancellable_is_cancelled(operation->cancel));
}

/* A full pool may have made its volume read-only: with that the instance has ended. */
static Error *start_mend(Operation *operation)
{
    const CloneWork *work = operation->work;

    if (runtime_is_running(operation->engine->runtime, work->clone->uid))
        return NULL;
    return storage_mend_volume(work->pool, work->volume);
}

/* The configuration may have changed. A clone that holds more than it may by now keeps what it had. */
static Error *start_limit(Operation *operation)
{
    const CloneWork *work = operation->work;
    Error *e = clone_limits_set_disk(operation->engine, work->clone->limits, work->pool,
                                     work->volume, false);

    error_ignore(e, "the clone keeps the limit of its disk");
    return NULL;
}

/* An operation that was recovered before this one may have started it already. */
static Error *start_postgres(Operation *operation)
{
    const CloneWork *work = operation->work;

    if (runtime_is_running(operation->engine->runtime, work->clone->uid))
        return NULL;
    return clone_step_start(operation);
}

static Error *start_ready(Operation *operation)
{
    Error *e = clone_step_ready(operation);

    if (!e || !start_is_refused(operation, e))
        return e;
    error_ignore(e, "the clone serves its users without its manager");
    return NULL;
}

/*
 * Users are prepared without waiting for the disk: a power cut within a second after that takes the
 * clone's user back.
 */
static Error *start_users(Operation *operation)
{
    const CloneWork *work = operation->work;
    g_autoptr(Rows) rows = NULL;

    if (!work->conn) /* we were refused */
        return NULL;
    TRY(conn_query(work->conn, &rows, "SELECT FROM pg_catalog.pg_roles WHERE rolname = $1::name",
                   work->clone->db_user, NULL));
    return rows_count(rows) > 0 ? NULL : clone_step_users(operation);
}

static const Step start_steps[] = {
    {"looking after its volume", start_mend, NULL},
    {"limiting its disk", start_limit, NULL},
    {"writing its configuration", clone_step_configure, NULL},
    {"starting postgres", start_postgres, clone_step_stop},
    {"waiting until postgres is ready", start_ready, NULL},
    {"looking for its user", start_users, NULL},
    {"opening its port", clone_step_let_in, clone_step_shut},
    {0},
};

static Error *start_finish(Operation *operation)
{
    return clone_work_settle(operation, CLONE_OK, "");
}

static Error *start_fail(Operation *operation, const Error *cause)
{
    return clone_work_settle(operation, CLONE_FATAL, cause->message);
}

const OperationKind clone_start_kind = {
    .name = "start",
    .steps = start_steps,
    .resumes = true,
    .load = clone_work_load,
    .unload = clone_work_unload,
    .rewind = clone_work_rewind,
    .finish = start_finish,
    .fail = start_fail,
    .ended = clone_work_ended,
};

/*
 * What was ready once holds its user's data. A cause of FATAL may be gone by now, as a full pool or
 * a port in use: each start of the server tries again, but for what is being destroyed. An OK clone
 * may be busy with a snapshot that the crash has cut off: it is started after that.
 */
static bool clone_should_start(Engine *engine, const Clone *clone)
{
    if (runtime_is_running(engine->runtime, clone->uid) || !engine_has_pool(engine, clone->pool))
        return false;
    return clone->state == CLONE_OK || (clone->state == CLONE_FATAL && clone->started_at_ms > 0 &&
                                        !operations_is_busy(engine->operations, NULL, clone->uid));
}

Error *engine_start_clone(Engine *engine, const Clone *clone)
{
    g_autoptr(OperationRow) row = operation_row(&clone_start_kind, clone->uid, NULL);

    TRY(store_insert_operation(engine->store, row));
    log_info("starting a clone that should run", "clone", clone->id);
    operations_submit_take(engine->operations, g_steal_pointer(&row), NULL, NULL);
    return NULL;
}

Error *engine_start_stopped_clones(Engine *engine, const char *pool)
{
    g_autoptr(GPtrArray) clones = NULL;

    TRY(store_list_clones(engine->store, &clones));
    for (unsigned i = 0; i < clones->len; i++) {
        const Clone *clone = clones->pdata[i];
        if ((!pool || g_str_equal(clone->pool, pool)) && clone_should_start(engine, clone))
            TRY(engine_start_clone(engine, clone));
    }
    return NULL;
}

/*
 * Starting clones that should run and do not: after a reboot, or when their postgres was killed
 * meanwhile. The data is as its users left it; nothing is undone, but for a postgresql.auto.conf
 * that was set aside in vain. A start that fails is tried again by the supervisor.
 */
#include "engine/clone/start.h"

#include "base/json.h"
#include "base/log.h"
#include "engine/clone/limits.h"
#include "engine/clone/work.h"
#include "engine/gate/gate.h"
#include "engine/instance/supervisor.h"
#include "engine/kinds.h"
#include "engine/pool/pools.h"
#include "engine/snapshot/snapshot.h"
#include "postgres/conf.h"
#include "postgres/conf_auto.h"
#include "storage/storage_care.h"

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

    if (runtime_is_running(operation_engine(operation)->runtime, work->clone->uid))
        return NULL;
    return storage_mend_volume(work->pool, work->volume);
}

/* The configuration may have changed. A clone that holds more than it may by now keeps what it had. */
static Error *start_limit(Operation *operation)
{
    const CloneWork *work = operation->work;
    Error *e = clone_limits_set_disk(operation_engine(operation), work->clone->limits, work->pool,
                                     work->volume, false);

    error_ignore(e, "the clone keeps the limit of its disk");
    return NULL;
}

/* What a superuser has set by ALTER SYSTEM may be what prevents the start: once without it. */
static Error *start_set_aside(Operation *operation)
{
    CloneWork *work = operation->work;

    if (!json_is_true(json_object_get(work->args, "setAside")))
        return NULL;
    return conf_set_auto_aside(work->data_dir, &work->is_set_aside);
}

/* It was not to blame. */
static Error *start_put_back(Operation *operation)
{
    const CloneWork *work = operation->work;

    return work->is_set_aside ? conf_put_auto_back(work->data_dir) : NULL;
}

/* An operation that was recovered before this one may have started it already. */
static Error *start_postgres(Operation *operation)
{
    const CloneWork *work = operation->work;

    if (runtime_is_running(operation_engine(operation)->runtime, work->clone->uid))
        return NULL;
    return clone_step_start(operation);
}

/* A conflict or "not found" would say that it serves. */
static Error *start_explain_ruin(Error *e)
{
    e->code = ERR_EXTERNAL;
    return error_hint(e, "No other database can be connected to: its data is damaged.");
}

/*
 * Its database may be gone because its user wanted that. Where that of the system is gone as well,
 * nobody can connect.
 */
static bool start_serves_others(const Operation *operation)
{
    static const char *const others[] = {CONF_MANAGER_DB, "postgres"};
    const EngineInstance instance = clone_instance_of(operation);

    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        g_autoptr(Conn) conn = NULL;
        g_autoptr(Error) e =
            instance_connect(operation_engine(operation), &instance, others[i], &conn);
        if (!e || (e->code != ERR_NOT_FOUND && start_is_refused(operation, e)))
            return true;
    }
    return false;
}

static Error *start_ready(Operation *operation)
{
    CloneWork *work = operation->work;
    Error *e = clone_step_ready(operation);

    work->is_bare = e && e->code == ERR_NOT_FOUND;
    if (!e || !start_is_refused(operation, e))
        return e;
    if (work->is_bare && !start_serves_others(operation))
        return start_explain_ruin(e);
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
    {"setting postgresql.auto.conf aside", start_set_aside, start_put_back},
    {"writing its configuration", clone_step_configure, NULL},
    {"starting postgres", start_postgres, clone_step_stop},
    {"waiting until postgres is ready", start_ready, NULL},
    {"looking for its user", start_users, NULL},
    {"opening its port", clone_step_let_in, clone_step_shut},
    {0},
};

/* After a crash: its step is behind us, and has left the file. */
static Error *start_load(Operation *operation)
{
    TRY(clone_work_load(operation));

    CloneWork *work = operation->work;
    work->is_set_aside = operation->row->step > 0 &&
                         json_is_true(json_object_get(work->args, "setAside")) &&
                         conf_auto_is_aside(work->data_dir);
    return NULL;
}

static const char *start_message(const CloneWork *work)
{
    if (work->is_set_aside)
        return "Its postgresql.auto.conf kept it from starting, and is " CONF_AUTO_ASIDE " now";
    return work->is_bare ? "It serves, but its database is gone" : work->remark;
}

/* An OK clone keeps what the supervisor has said of it, but for what is news. */
static unsigned start_moves(const CloneWork *work)
{
    return work->is_bare ? CLONE_IN(OK) | CLONE_IN(FATAL) : CLONE_IN(FATAL);
}

/*
 * A start found it OK or FATAL, and ends in one of these; a reset or a destruction that was asked
 * for meanwhile is still to come. Whose reset has failed stays FATAL: OK would say it was done.
 */
static Error *start_finish(Operation *operation)
{
    Store *store = operation->store;
    g_autoptr(Clone) clone = NULL;

    TRY(store_get_clone_by_uid(store, operation->row->target, &clone));
    if (*clone->reset_error)
        return clone_work_settle(operation, CLONE_IN(FATAL), CLONE_FATAL, clone->reset_error);
    return clone_work_settle(operation, start_moves(operation->work), CLONE_OK,
                             start_message(operation->work));
}

static Error *start_fail(Operation *operation, const Error *cause)
{
    return clone_work_settle(operation, CLONE_IN(OK) | CLONE_IN(FATAL), CLONE_FATAL,
                             cause->message);
}

static void start_ended(Operation *operation, const Error *cause)
{
    if (cause)
        supervisor_start_failed(operation_engine(operation)->supervisor, operation->row->target);
    clone_work_ended(operation, cause);
}

const OperationKind clone_start_kind = {
    .name = "start",
    .steps = start_steps,
    .resumes = true,
    .load = start_load,
    .unload = clone_work_unload,
    .rewind = clone_work_rewind,
    .finish = start_finish,
    .fail = start_fail,
    .ended = start_ended,
};

/* --- the request --- */

/* A snapshot leaves a clone as it is, and its start comes after that; others start or end it. */
static Error *start_is_coming(Store *store, const char *uid, bool *ret_is_coming)
{
    g_autoptr(GPtrArray) rows = NULL;

    TRY(store_list_operations(store, &rows));
    for (unsigned i = 0; i < rows->len && !*ret_is_coming; i++) {
        const OperationRow *row = rows->pdata[i];
        *ret_is_coming =
            g_str_equal(row->target, uid) && !g_str_equal(row->kind, snapshot_clone_kind.name);
    }
    return NULL;
}

static Error *start_is_wanted(Engine *engine, const char *uid, unsigned from, Clone **ret_clone,
                              bool *ret_is_wanted)
{
    bool is_coming = false;
    Error *e = store_get_clone_by_uid(engine->store, uid, ret_clone);

    if (e && e->code == ERR_NOT_FOUND) {
        error_free(e);
        return NULL;
    }
    TRY(e);
    TRY(start_is_coming(engine->store, uid, &is_coming));
    *ret_is_wanted = (from & (1u << (*ret_clone)->state)) && (*ret_clone)->started_at_ms > 0 &&
                     !is_coming && !runtime_is_running(engine->runtime, uid);
    return NULL;
}

/* After two failures ALTER SYSTEM may be to blame: each second start is without, for comparison. */
static OperationRow *start_row(const char *uid, int64_t n_failed)
{
    g_autoptr(json_t) args = json_pack("{sb}", "setAside", n_failed > 0 && n_failed % 2 == 0);
    OperationRow *row = operation_row(&clone_start_kind, uid, args);

    return row;
}

Error *engine_start_clone(Engine *engine, const char *uid, unsigned from, const char *message,
                          int64_t n_failed)
{
    g_autoptr(StoreTransaction) tx = NULL;
    g_autoptr(Clone) clone = NULL;
    g_autoptr(OperationRow) row = start_row(uid, n_failed);
    bool is_wanted = false;

    TRY(store_begin(engine->store, STORE_QUICK, &tx));
    TRY(start_is_wanted(engine, uid, from, &clone, &is_wanted));
    if (!is_wanted)
        return NULL;
    if (message && clone->state == CLONE_OK)
        TRY(store_set_clone_message(engine->store, uid, message));
    TRY(store_insert_operation(engine->store, row));
    TRY(store_commit(&tx));
    log_info("starting a clone that should run", "clone", clone->id);
    operations_submit_take(engine->operations, g_steal_pointer(&row), NULL, NULL);
    return NULL;
}

/*
 * What was ready once holds its user's data. A cause of FATAL may be gone by now, as a full pool or
 * a port in use: each start of the server tries again, but for what is being destroyed. An OK clone
 * may be busy with a snapshot that the crash has cut off: it is started after that.
 */
Error *engine_start_stopped_clones(Engine *engine, const char *pool)
{
    g_autoptr(GPtrArray) clones = NULL;

    TRY(store_list_clones(engine->store, &clones));
    for (unsigned i = 0; i < clones->len; i++) {
        const Clone *clone = clones->pdata[i];
        if ((!pool || g_str_equal(clone->pool, pool)) &&
            !runtime_is_running(engine->runtime, clone->uid) &&
            engine_has_pool(engine, clone->pool))
            TRY(engine_start_clone(engine, clone->uid, CLONE_IN(OK) | CLONE_IN(FATAL), NULL, 0));
    }
    return NULL;
}

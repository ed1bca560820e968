/*
 * Creating a clone: the request is checked completely, its row and its operation are written in one
 * transaction, and the client is told; the steps follow.
 */
#include "engine/clone/clone.h"

#include "base/clock.h"
#include "base/id.h"
#include "engine/clone/request.h"
#include "engine/clone/work.h"
#include "engine/gate/gate.h"
#include "engine/gate/port.h"
#include "engine/kinds.h"

/* Nobody has it yet: one without its port is no clone. */
static Error *create_open_port(Operation *operation)
{
    const CloneWork *work = operation->work;

    return gate_let_in(operation_engine(operation), work->clone);
}

static const Step create_steps[] = {
    {"cloning the volume", clone_step_volume, clone_undo_volume},
    {"writing its configuration", clone_step_configure, NULL}, /* goes with the volume */
    {"starting postgres", clone_step_start, clone_step_stop},
    {"waiting until postgres is ready", clone_step_ready, NULL},
    {"preparing users", clone_step_users, NULL}, /* one transaction */
    {"opening its port", create_open_port, clone_step_shut},
    {0},
};

static Error *create_finish(Operation *operation)
{
    const CloneWork *work = operation->work;
    int64_t now_ms = clock_now_ms();

    TRY(clone_work_settle(operation, CLONE_IN(CREATING), CLONE_OK, work->remark));
    return store_start_clone(operation->store, operation->row->target, now_ms,
                             (double)MAX(now_ms - work->clone->created_at_ms, 0) / 1000);
}

static Error *create_fail(Operation *operation, const Error *cause)
{
    g_autofree char *message = cause->hint ? g_strdup_printf("%s (%s)", cause->message, cause->hint)
                                           : g_strdup(cause->message);

    return clone_work_settle(operation, CLONE_IN(CREATING), CLONE_FATAL, message);
}

const OperationKind clone_create_kind = {
    .name = "create",
    .steps = create_steps,
    .resumes = true,
    .load = clone_work_load,
    .unload = clone_work_unload,
    .rewind = clone_work_rewind,
    .finish = create_finish,
    .fail = create_fail,
    .ended = clone_work_ended,
};

/* The row of a checked request, without its port. */
static Clone *create_row(const CloneRequest *request, const Snapshot *snapshot, char *secret,
                         int64_t protected_till_ms)
{
    Clone *clone = clone_new();

    clone->uid = id_new();
    clone->id = *request->id ? g_strdup(request->id) : id_new();
    clone->state = CLONE_CREATING;
    clone->snapshot_uid = g_strdup(snapshot->uid);
    clone->pool = g_strdup(snapshot->pool);
    clone->volume = g_strdup(clone->uid);
    clone->branch = g_strdup(snapshot->branch);
    clone->db_user = g_strdup(request->username);
    clone->db_secret = secret;
    clone->db_name = g_strdup(request->db_name);
    clone->is_restricted = request->is_restricted;
    clone->extra_conf =
        request->extra_conf ? json_dumps(request->extra_conf, JSON_COMPACT) : g_strdup("{}");
    clone->limits = request->limits ? json_dumps(request->limits, JSON_COMPACT) : g_strdup("{}");
    clone->is_protected = request->is_protected;
    clone->protected_till_ms = protected_till_ms;
    clone->created_at_ms = clock_now_ms();
    return clone;
}

/* Row and operation in one transaction that also sees the snapshot still ready. */
static Error *create_record(Engine *engine, const Clone *clone, const OperationRow *row)
{
    g_autoptr(StoreTransaction) tx = NULL;
    g_autoptr(Snapshot) snapshot = NULL;

    TRY(store_begin(engine->store, STORE_ACCEPTING, &tx));
    TRY(store_get_snapshot_by_uid(engine->store, clone->snapshot_uid, &snapshot));
    if (!snapshot->is_ready)
        return error_hint(error_new(ERR_NOT_FOUND, "no snapshot found"),
                          "This one is being deleted: choose another.");
    Error *e = store_insert_clone(engine->store, clone);
    if (e && e->code == ERR_CONFLICT)
        return error_hint(e, "Choose another id, or destroy that clone first.");
    TRY(e);
    TRY(store_insert_operation(engine->store, row));
    return store_commit(&tx);
}

Error *engine_create_clone(Engine *engine, const CloneRequest *request, Clone **ret_clone)
{
    g_autoptr(Snapshot) snapshot = NULL;
    g_autoptr(Clone) clone = NULL;
    char *secret = NULL;

    TRY(clone_request_check(engine, request, &snapshot));
    TRY(conn_password_secret(snapshot->pg_major, request->username, request->password, &secret));
    clone = create_row(request, snapshot, secret,
                       clone_protection_end(engine, request->is_protected, request->has_duration,
                                            request->duration_minutes));
    TRY(port_reserve(engine->ports, &clone->port));

    g_autoptr(OperationRow) row = operation_row(&clone_create_kind, clone->uid, NULL);
    Error *e = create_record(engine, clone, row);
    if (e) {
        port_release(engine->ports, clone->port);
        return e;
    }
    operations_submit_take(engine->operations, g_steal_pointer(&row), NULL, NULL);
    *ret_clone = g_steal_pointer(&clone);
    return NULL;
}

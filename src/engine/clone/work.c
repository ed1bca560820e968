/*
 * The steps that make a volume into a running PostgreSQL with its user.
 */
#include "engine/clone/work.h"

#include "base/json.h"
#include "base/log.h"
#include "engine/clone/explain.h"
#include "engine/clone/limits.h"
#include "engine/gate/gate.h"
#include "engine/instance/programs.h"
#include "engine/instance/supervisor.h"
#include "engine/kinds.h"
#include "engine/pool/making.h"
#include "engine/pool/pools.h"
#include "postgres/conf.h"
#include "postgres/roles.h"
#include "postgres/version.h"
#include "storage/storage_foreign.h"

#define CLONE_READY_TIMEOUT_MS 120000 /* a snapshot that needs crash recovery takes a while */
#define CLONE_STOP_TIMEOUT_MS  10000

/* --- loading --- */

static void clone_work_free(CloneWork *work)
{
    conn_close(work->conn);
    config_unref(work->config);
    clone_free(work->clone);
    snapshot_free(work->snapshot);
    installation_free(work->installation);
    storage_close_pool(work->pool);
    storage_close_pool(work->old_pool);
    json_decref(work->args);
    g_free(work->volume);
    g_free(work->old_volume);
    g_free(work->left_why);
    g_free(work->remark);
    g_free(work->data_dir);
    g_free(work);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CloneWork, clone_work_free)

static char *clone_work_arg(const CloneWork *work, const char *name, const char *otherwise)
{
    const char *value = json_string_value(json_object_get(work->args, name));

    return g_strdup(value ? value : otherwise);
}

/* A reset to another pool's snapshot has to do with two pools. */
static Error *clone_work_find_pools(Engine *engine, CloneWork *work)
{
    g_autofree char *name = clone_work_arg(work, "pool", work->clone->pool);
    g_autofree char *old_name = clone_work_arg(work, "oldPool", work->clone->pool);

    TRY(engine_await_pool(engine, name, &work->pool));
    return work->old_volume ? engine_await_pool(engine, old_name, &work->old_pool) : NULL;
}

static Error *clone_work_find(Engine *engine, CloneWork *work)
{
    g_autofree char *snapshot_uid = clone_work_arg(work, "snapshot", work->clone->snapshot_uid);

    work->volume = clone_work_arg(work, "volume", work->clone->volume);
    work->old_volume = clone_work_arg(work, "oldVolume", NULL);
    TRY(clone_work_find_pools(engine, work));
    work->data_dir = storage_volume_data(work->pool, work->volume);

    Error *e = store_get_snapshot_by_uid(engine->store, snapshot_uid, &work->snapshot);
    if (e && e->code == ERR_NOT_FOUND) { /* a clone can be destroyed without it */
        error_free(e);
        return NULL;
    }
    return e;
}

Error *clone_work_load(Operation *operation)
{
    Engine *engine = operation_engine(operation);
    g_autoptr(CloneWork) work = g_new0(CloneWork, 1);

    work->config = engine_config(engine);
    work->args = json_loads(operation->row->args, 0, NULL);
    TRY(store_get_clone_by_uid(engine->store, operation->row->target, &work->clone));
    TRY(clone_work_find(engine, work));
    operation->work = g_steal_pointer(&work);
    return NULL;
}

void clone_work_unload(Operation *operation)
{
    clone_work_free(operation->work);
}

/* After a reboot the instance that later steps rely on is gone: back to the step that starts it. */
void clone_work_rewind(Operation *operation, const OperationKind *kind)
{
    const CloneWork *work = operation->work;

    if (operation->row->state == OPERATION_UNDOING ||
        runtime_is_running(operation_engine(operation)->runtime, work->clone->uid))
        return;
    for (int64_t i = 0; i < operation->row->step; i++)
        if (kind->steps[i].undo == clone_step_stop)
            operation->row->step = i;
}

EngineInstance clone_instance(const CloneWork *work)
{
    return (EngineInstance){
        .config = work->config,
        .id = work->clone->uid,
        .data_dir = work->data_dir,
        .installation = work->installation,
        .port = work->clone->port,
        .listen = "",
        .user = work->clone->db_user,
        .limits = work->clone->limits,
    };
}

/* --- the volume --- */

static Manifest *clone_manifest(const Clone *clone, const Snapshot *snapshot)
{
    Manifest *manifest = g_new0(Manifest, 1);

    manifest->uid = g_strdup(clone->uid);
    manifest->kind = g_strdup("clone");
    manifest->id = g_strdup(clone->id);
    manifest->pool = g_strdup(snapshot->pool);
    manifest->branch = g_strdup(clone->branch);
    manifest->parent = g_strdup(snapshot->uid);
    manifest->message = g_strdup("");
    manifest->owner = g_strdup(clone->db_user);
    manifest->pg_major = snapshot->pg_major;
    manifest->data_state_at_ms = snapshot->data_state_at_ms;
    manifest->created_at_ms = clone->created_at_ms;
    return manifest;
}

static Error *clone_make_volume(Operation *operation)
{
    const CloneWork *work = operation->work;

    if (!work->snapshot)
        return error_new(ERR_NOT_FOUND, "no snapshot found");
    g_autoptr(Manifest) manifest = clone_manifest(work->clone, work->snapshot);
    TRY(storage_mark(work->pool, STORAGE_VOLUME, work->volume, operation->row->uid));
    TRY(storage_clone(work->pool, work->snapshot->uid, work->volume, manifest));
    return clone_limits_set_disk(operation_engine(operation), work->clone->limits, work->pool,
                                 work->volume, true);
}

/*
 * A journal may be older than the clone, which was handed to its user since: the volume is taken as
 * it is, and its instance starts anew over it.
 */
Error *clone_step_volume(Operation *operation)
{
    const CloneWork *work = operation->work;

    if (storage_is_finished(work->pool, STORAGE_VOLUME, work->volume))
        return clone_step_stop(operation);
    return clone_make_volume(operation);
}

Error *clone_undo_volume(Operation *operation)
{
    const CloneWork *work = operation->work;

    return operation_unmake(operation, work->pool, STORAGE_VOLUME, work->volume);
}

/* --- the instance --- */

static ConfAccess clone_access(const CloneWork *work, const Config *config)
{
    return (ConfAccess){
        .manager = config->global.database_username,
        .user = work->clone->db_user,
        .accepts_md5 = config->provision.keep_user_passwords ||
                       !version_has(work->snapshot->pg_major, VERSION_HAS_SCRAM),
    };
}

/*
 * What another program prepared becomes ours in the clone: its snapshot stays as it is. Of what is
 * ours the access rules are written anew, as they may come from the clone of somebody else.
 */
static Error *clone_write_access(const CloneWork *work, const Config *config)
{
    const ConfAccess access = clone_access(work, config);
    const char *os_user = config->postgres.os_user;

    if (storage_is_foreign(work->snapshot->uid) && !conf_is_taken_over(work->data_dir))
        return conf_take_over(work->data_dir, os_user, &access);
    return conf_write_access(work->data_dir, os_user, &access);
}

Error *clone_step_configure(Operation *operation)
{
    const CloneWork *work = operation->work;
    const Config *config = work->config;
    g_autoptr(json_t) inherited = json_loads(work->snapshot->extra_conf, 0, NULL);
    g_autoptr(json_t) extra = json_loads(work->clone->extra_conf, 0, NULL);
    const ConfSpec spec = {
        .purpose = CONF_CLONE,
        .major = work->snapshot->pg_major,
        .layers = {config->database_configs, config->retrieval.snapshot.configs, inherited, extra},
    };

    Error *e = clone_write_access(work, config);
    if (!e)
        e = conf_end_recovery(work->data_dir);
    if (!e)
        e = conf_write(work->data_dir, config->postgres.os_user, &spec);
    return e;
}

/* provision.cloneAccessAddresses as listen_addresses takes it: no brackets; none = all. */
static char *clone_listen_addresses(const Config *config)
{
    const char *addresses = config->provision.clone_access_addresses;
    g_autoptr(GString) text = g_string_new(NULL);

    for (const char *c = addresses ? addresses : ""; *c; c++)
        if (*c != '[' && *c != ']')
            g_string_append_c(text, *c);
    return g_strdup(text->len ? text->str : "*");
}

/* Looked for only here: a clone can be stopped and destroyed without its programs. */
static Error *clone_find_installation(Operation *operation)
{
    CloneWork *work = operation->work;

    if (work->installation)
        return NULL;
    if (!work->snapshot)
        return error_new(ERR_NOT_FOUND, "no snapshot found");
    return programs_find(operation_engine(operation), work->snapshot->pg_major,
                         &work->installation);
}

Error *clone_step_start(Operation *operation)
{
    TRY(clone_find_installation(operation));

    EngineInstance instance = clone_instance(operation->work);
    g_autofree char *listen = clone_listen_addresses(instance.config);

    if (!gate_is_used(operation_engine(operation)))
        instance.listen = listen;
    return instance_start(operation_engine(operation), &instance);
}

Error *clone_step_stop(Operation *operation)
{
    const CloneWork *work = operation->work;
    Runtime *runtime = operation_engine(operation)->runtime;

    TRY(runtime_stop(runtime, work->clone->uid, RUNTIME_STOP_NOW, CLONE_STOP_TIMEOUT_MS));
    return runtime_forget(runtime, work->clone->uid, false);
}

static const char *clone_dbname(const Operation *operation)
{
    const CloneWork *work = operation->work;

    return *work->clone->db_name ? work->clone->db_name : work->config->global.database_dbname;
}

EngineInstance clone_instance_of(const Operation *operation)
{
    EngineInstance instance = clone_instance(operation->work);
    bool is_undone = operation->row->state == OPERATION_UNDOING; /* it goes on to its end */

    instance.cancel = is_undone ? operation->stop : operation->cancel;
    return instance;
}

Error *clone_step_ready(Operation *operation)
{
    CloneWork *work = operation->work;
    const EngineInstance instance = clone_instance_of(operation);

    g_clear_pointer(&work->conn, conn_close);
    return clone_explain(operation_engine(operation), &instance,
                         instance_wait_ready(operation_engine(operation), &instance,
                                             clone_dbname(operation), CLONE_READY_TIMEOUT_MS,
                                             &work->conn));
}

/* Where we did not connect to it, a database that is missing shows here. */
static Error *clone_check_database(Conn *conn, const char *dbname)
{
    g_autoptr(Rows) rows = NULL;

    TRY(conn_query(conn, &rows, "SELECT FROM pg_catalog.pg_database WHERE datname = $1::name",
                   dbname, NULL));
    if (rows_count(rows) > 0)
        return NULL;
    return clone_explain_database(
        conn, error_new(ERR_NOT_FOUND, "database \"%s\" does not exist", dbname));
}

Error *clone_step_users(Operation *operation)
{
    CloneWork *work = operation->work;
    const Config *config = work->config;
    const EngineInstance instance = clone_instance_of(operation);
    const InstanceLine line = {operation_engine(operation), &instance};
    g_autoptr(Conn) conn = g_steal_pointer(&work->conn);
    g_autofree char *reset = NULL;
    const ConnSpec server = instance_server(&line, clone_dbname(operation));
    const RolesSpec spec = {
        .user = work->clone->db_user,
        .secret = work->clone->db_secret,
        .is_restricted = work->clone->is_restricted,
        .keep_user_passwords = config->provision.keep_user_passwords,
        .manager = config->global.database_username,
        .dbname = instance_manager_db(&instance, clone_dbname(operation)),
    };

    if (conn && !g_str_equal(spec.dbname, clone_dbname(operation)))
        TRY(clone_check_database(conn, clone_dbname(operation)));
    TRY(conn ? roles_prepare_over(conn, &server, &spec, &reset)
             : roles_prepare(&server, &spec, &reset));
    if (!reset)
        return NULL;
    g_free(work->remark);
    work->remark = g_strdup_printf("Clone is ready to accept Postgres connections. Settings that "
                                   "its user had at the source are reset: %s.",
                                   reset);
    log_info("settings that the clone's user had at the source are reset", "clone", work->clone->id,
             "user", spec.user, "settings", reset);
    return NULL;
}

/* --- back to what was --- */

static Error *clone_run_again(Operation *operation)
{
    TRY(clone_step_configure(operation));
    TRY(clone_step_start(operation));
    return clone_step_ready(operation);
}

/* The supervisor tries it again when the operation is over. */
static Error *clone_leave(Operation *operation, Error *e)
{
    CloneWork *work = operation->work;

    g_free(work->left_why);
    work->left_why = g_strdup(e->message);
    error_ignore(e, "the clone is left as it is");
    TRY(clone_step_stop(operation));
    supervisor_start_failed(operation_engine(operation)->supervisor, operation->row->target);
    return NULL;
}

static bool clone_is_in(const Operation *operation, unsigned states)
{
    g_autoptr(Clone) clone = NULL;
    g_autoptr(Error) e = store_get_clone_by_uid(operation->store, operation->row->target, &clone);

    return !e && (states & (1u << clone->state));
}

Error *clone_undo_stop(Operation *operation, unsigned but_in)
{
    CloneWork *work = operation->work;

    if (runtime_is_running(operation_engine(operation)->runtime, work->clone->uid))
        return clone_step_let_in(operation);
    if (work->left_why || clone_is_in(operation, but_in))
        return NULL;
    Error *e = clone_run_again(operation);
    g_clear_pointer(&work->conn, conn_close);
    if (e && g_cancellable_is_cancelled(operation->stop))
        return e; /* it is owed, and the next server knows nothing against the clone */
    return e ? clone_leave(operation, e) : clone_step_let_in(operation);
}

/* --- its port --- */

/* A clone with data of its user serves, though another program has its port. */
Error *clone_step_let_in(Operation *operation)
{
    const CloneWork *work = operation->work;
    Error *e = gate_let_in(operation_engine(operation), work->clone);

    if (!e || e->code != ERR_CONFLICT)
        return e;
    error_ignore(e, "the clone is served over its port when that is free");
    return NULL;
}

Error *clone_step_shut(Operation *operation)
{
    const CloneWork *work = operation->work;

    return gate_shut(operation_engine(operation), work->clone);
}

/* --- the end --- */

Error *clone_work_settle(Operation *operation, unsigned from, CloneState to, const char *message)
{
    Error *e = store_move_clone(operation->store, operation->row->target, from, to, message);

    if (!e || e->code != ERR_CONFLICT)
        return e;
    error_free(e);
    return NULL;
}

void clone_work_ended(Operation *operation, const Error *cause)
{
    const CloneWork *work = operation->work;

    if (!cause && work)
        operation_made(work->pool, STORAGE_VOLUME, work->volume);
    engine_notify(operation_engine(operation));
}

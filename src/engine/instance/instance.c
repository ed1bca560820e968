/*
 * A PostgreSQL instance over a volume. What identifies it (port, sockets, access files) is given on
 * the command line: no file in the data, not even ALTER SYSTEM by its superuser, can move it.
 */
#include "engine/instance/instance.h"

#include <string.h>

#include "engine/clone/limits.h"
#include "postgres/conf.h"
#include "postgres/data_files.h"
#include "postgres/ready.h"

#define INSTANCE_LOG_TAIL 4096

static Error *instance_explain_end(Engine *engine, const EngineInstance *instance, Error *e);

static int64_t instance_port(const EngineInstance *instance)
{
    return instance->port ? instance->port : 5432;
}

Error *instance_start(Engine *engine, const EngineInstance *instance)
{
    g_autoptr(GPtrArray) settings = g_ptr_array_new_with_free_func(g_free);
    InstanceLimits limits;

    TRY(data_files_check(instance->data_dir));
    TRY(clone_limits_effective(engine, instance->limits, &limits));
    g_ptr_array_add(settings, g_strdup_printf("port=%" G_GINT64_FORMAT, instance_port(instance)));
    g_ptr_array_add(settings, g_strdup_printf("listen_addresses=%s", instance->listen));
    g_ptr_array_add(settings, g_strdup("hba_file=pg_hba.conf"));
    g_ptr_array_add(settings, g_strdup("ident_file=pg_ident.conf"));
    g_ptr_array_add(settings, g_strdup("external_pid_file=" DATA_EXTERNAL_PID));
    g_ptr_array_add(settings, NULL);

    const InstanceSpec spec = {
        .id = instance->id,
        .bin_dir = instance->installation->bin_dir,
        .data_dir = instance->data_dir,
        .settings = (const char *const *)settings->pdata,
        .has_network = *instance->listen != '\0',
        .limits = limits,
    };

    return instance_explain_end(engine, instance, runtime_start(engine->runtime, &spec));
}

char *instance_socket_dir(Engine *engine, const EngineInstance *instance)
{
    return runtime_socket_dir(engine->runtime, instance->id);
}

static bool instance_has_ended(void *data, int64_t wait_ms)
{
    const InstanceLine *line = data;

    return g_cancellable_is_cancelled(line->instance->cancel) ||
           runtime_wait_ended(line->engine->runtime, line->instance->id, wait_ms);
}

/*
 * We come in as the manager without a password. Where that is the clone's own user, who has one, we
 * come over a database that he does not use: see conf_hba().
 */
const char *instance_manager_db(const EngineInstance *instance, const char *dbname)
{
    const GlobalConfig *global = &instance->config->global;

    if (g_strcmp0(instance->user, global->database_username) == 0)
        return CONF_MANAGER_DB;
    return dbname ? dbname : global->database_dbname;
}

static Error *instance_dial(void *data, int *ret_fd)
{
    const InstanceLine *line = data;

    return runtime_dial(line->engine->runtime, line->instance->id, instance_port(line->instance),
                        ret_fd);
}

ConnSpec instance_server(const InstanceLine *line, const char *dbname)
{
    return (ConnSpec){
        .dial = instance_dial,
        .dial_data = (void *)(uintptr_t)line,
        .user = line->instance->manager ? line->instance->manager
                                        : line->instance->config->global.database_username,
        .dbname = instance_manager_db(line->instance, dbname),
        .query_timeout_ms = line->instance->answer_ms,
        .cancel = line->instance->cancel,
    };
}

/*
 * Why postgres ended, in its own words: what its log calls FATAL, or what it says on stderr before
 * it has a log, "postgres: …". "" when it says nothing.
 */
static char *instance_find_last_words(const char *log)
{
    g_autofree char *text = g_strchomp(g_strdup(log));
    const char *fatal = g_strrstr(text, "FATAL:  ");
    const char *end = strrchr(text, '\n');
    const char *line = end ? end + 1 : text;

    if (!fatal)
        return g_strdup(g_str_has_prefix(line, "postgres: ") ? line : "");
    fatal += strlen("FATAL:  ");
    return g_strndup(fatal, strcspn(fatal, "\n"));
}

char *instance_last_words(Engine *engine, const char *id)
{
    g_autofree char *tail = runtime_log_tail(engine->runtime, id, INSTANCE_LOG_TAIL);

    return instance_find_last_words(tail);
}

/* The reason goes into the message: a client sees nothing else of a clone that could not start. */
static Error *instance_explain(Engine *engine, const EngineInstance *instance, Error *e)
{
    g_autofree char *tail = runtime_log_tail(engine->runtime, instance->id, INSTANCE_LOG_TAIL);
    g_autofree char *words = instance_find_last_words(tail);

    if (e->code == ERR_EXTERNAL && *words) {
        g_autofree char *message = e->message;
        e->message = g_strdup_printf("%s: %s", message, words);
    }
    return *tail ? error_detail(e, "%s", tail) : e;
}

/* One that refuses its settings may have ended before the runtime has seen it run. */
static Error *instance_explain_end(Engine *engine, const EngineInstance *instance, Error *e)
{
    if (!e || !g_str_has_suffix(e->message, RUNTIME_ENDED))
        return e;
    error_free(e);
    return instance_explain(engine, instance, error_new(ERR_EXTERNAL, READY_ENDED));
}

Error *instance_wait_ready(Engine *engine, const EngineInstance *instance, const char *dbname,
                           int64_t timeout_ms, Conn **ret_conn)
{
    g_autoptr(Conn) conn = NULL;
    InstanceLine line = {engine, instance};
    const ConnSpec server = instance_server(&line, dbname);

    Error *e =
        ready_wait(&server, instance->data_dir, timeout_ms, instance_has_ended, &line, &conn);
    if (e && g_cancellable_is_cancelled(instance->cancel)) {
        error_free(e);
        return error_new(ERR_CONFLICT, "cancelled");
    }
    if (e)
        return instance_explain(engine, instance, e);
    if (ret_conn)
        *ret_conn = g_steal_pointer(&conn);
    return NULL;
}

Error *instance_connect(Engine *engine, const EngineInstance *instance, const char *dbname,
                        Conn **ret_conn)
{
    const InstanceLine line = {engine, instance};
    ConnSpec server = instance_server(&line, dbname);

    server.options = CONN_MANAGER;
    return conn_open(&server, ret_conn);
}

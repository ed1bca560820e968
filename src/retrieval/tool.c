/*
 * One run of a PostgreSQL tool.
 */
#include "retrieval/tool.h"

#include "base/environment.h"
#include "engine/instance/programs.h"
#include "postgres/owners.h"
#include "retrieval/orphan.h"
#include "retrieval/tool_error.h"

struct Tool {
    const Work *work;
    const char *program; /* constant */
    bool is_inside;      /* tool_new_inside() */
    GPtrArray *argv;     /* of char * */
    GPtrArray *env;      /* of char * */
    ToolErrors *errors;
};

/* Against what ALTER DATABASE … SET brings along: limits and roles for users are wrong for loading. */
#define TARGET_OPTIONS                                                                             \
    "-c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0 "           \
    "-c default_transaction_read_only=off -c role=none"

static void tool_env(Tool *tool, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

static void tool_env(Tool *tool, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    g_ptr_array_add(tool->env, g_strdup_vprintf(fmt, args));
    va_end(args);
}

/* Takes the path. */
static Tool *tool_make(const Work *work, const char *program, char *path)
{
    Tool *tool = g_new(Tool, 1);
    *tool = (Tool){
        .work = work,
        .program = program,
        .argv = g_ptr_array_new_with_free_func(g_free),
        .env = g_ptr_array_new_with_free_func(g_free),
        .errors = tool_errors_new(program),
    };
    g_ptr_array_add(tool->argv, path);
    g_autofree char *mark = orphan_mark(work->volume);
    tool_env(tool, "%s", mark);
    tool_env(tool, "LC_ALL=C"); /* its messages are read: tool_error.c, progress.c */
    return tool;
}

Error *tool_new(const Work *work, const char *program, Tool **ret_tool)
{
    char *path = NULL;

    TRY(programs_find_client(work->engine, work->installation, program, &path));
    *ret_tool = tool_make(work, program, path);
    return NULL;
}

Error *tool_new_inside(const Work *work, const char *program, Tool **ret_tool)
{
    if (work->installation->image)
        *ret_tool = tool_make(work, program, installation_own_program(work->installation, program));
    else
        TRY(tool_new(work, program, ret_tool));
    (*ret_tool)->is_inside = true;
    return NULL;
}

void tool_free(Tool *tool)
{
    if (!tool)
        return;
    g_ptr_array_unref(tool->argv);
    g_ptr_array_unref(tool->env);
    tool_errors_free(tool->errors);
    g_free(tool);
}

void tool_arg(Tool *tool, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    g_ptr_array_add(tool->argv, g_strdup_vprintf(fmt, args));
    va_end(args);
}

void tool_arg_list(Tool *tool, const char *option, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *word = json_string_value(json_array_get(list, i));
        if (word)
            tool_arg(tool, "%s%s%s", option, *option ? "=" : "", word);
    }
}

/*
 * What the operator set for libpq (certificates, service files) stays; the session is ours. A role
 * that ALTER DATABASE or ALTER ROLE sets would take the user's own rights away.
 */
void tool_use_source(Tool *tool)
{
    const char *password = tool->work->source->password;

    for (const char *const *entry = environment_taken(); *entry; entry++)
        tool_env(tool, "%s", *entry);
    tool_env(tool, "PGAPPNAME=%s", SOURCE_APPLICATION);
    tool_env(tool, "PGOPTIONS=-c statement_timeout=0 -c role=none");
    if (password)
        tool_env(tool, "PGPASSWORD=%s", password);
}

void tool_use_target(Tool *tool)
{
    const EngineInstance instance = work_instance(tool->work);
    g_autofree char *socket_dir = instance_socket_dir(tool->work->engine, &instance);

    tool_env(tool, "PGAPPNAME=%s", SOURCE_APPLICATION);
    tool_env(tool, "PGOPTIONS=%s", TARGET_OPTIONS);
    tool_env(tool, "PGHOST=%s", socket_dir);
    tool_env(tool, "PGPORT=5432");
    tool_env(tool, "PGUSER=%s", OWNERS_SYSTEM);
}

static void tool_take_line(const char *line, void *data)
{
    Tool *tool = data;

    tool_errors_line(tool->errors, line);
    progress_line(tool->work->retrieval->progress, line);
}

Error *tool_run(Tool *tool, const char *input, ProcResult *ret_result)
{
    const Work *work = tool->work;
    Runtime *runtime = work->engine->runtime;
    Error *e;

    g_ptr_array_add(tool->argv, NULL);
    g_ptr_array_add(tool->env, NULL);
    const ProcSpec spec = {
        .argv = (const char *const *)tool->argv->pdata,
        .env = (const char *const *)tool->env->pdata,
        .cwd = tool->is_inside ? work->data_dir : NULL,
        .input = input,
        .cancel = work->cancel,
        .on_error_line = tool_take_line,
        .on_error_line_data = tool,
        .dies_with_us = true,
    };
    e = tool->is_inside ? runtime_run_inside(runtime, &spec, ret_result)
                        : runtime_run(runtime, &spec, ret_result);
    return tool_errors_take(tool->errors, e);
}

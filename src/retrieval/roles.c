/*
 * Copying roles: pg_dumpall writes them as a script, psql runs it.
 */
#include "retrieval/roles.h"

#include <string.h>

#include "base/log.h"
#include "retrieval/tool.h"

/* --- the script --- */

static char *roles_quote(const char *name)
{
    g_auto(GStrv) parts = g_strsplit(name, "\"", -1);
    g_autofree char *doubled = g_strjoinv("\"\"", parts);

    return g_strdup_printf("\"%s\"", doubled);
}

/* "CREATE ROLE postgres;", "ALTER ROLE "postgres" WITH …": the source's idea of our superuser. */
static bool roles_line_is_about(const char *line, const char *name)
{
    static const char *const verbs[] = {"CREATE ROLE ", "ALTER ROLE "};

    for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++) {
        if (!g_str_has_prefix(line, verbs[i]))
            continue;
        const char *rest = line + strlen(verbs[i]);
        if (g_str_has_prefix(rest, name))
            return rest[strlen(name)] == ';' || rest[strlen(name)] == ' ';
    }
    return false;
}

char *roles_without_manager(const char *script, const char *manager)
{
    g_autofree char *quoted = roles_quote(manager);
    g_auto(GStrv) lines = g_strsplit(script, "\n", -1);
    GString *kept = g_string_new(NULL);

    for (char **line = lines; *line; line++)
        if (!roles_line_is_about(*line, manager) && !roles_line_is_about(*line, quoted))
            g_string_append_printf(kept, "%s%s", *line, line[1] ? "\n" : "");
    return g_string_free(kept, FALSE);
}

char *roles_first_error(const char *psql_errors)
{
    g_auto(GStrv) lines = g_strsplit(psql_errors, "\n", -1);

    for (char **line = lines; *line; line++) {
        const char *found = strstr(*line, "ERROR:  ");
        if (found && !strstr(found, "already exists"))
            return g_strdup(found + strlen("ERROR:  "));
    }
    return NULL;
}

/* --- the tools --- */

static Error *roles_dump(const Work *work, bool with_passwords, char **ret_script)
{
    g_auto(ProcResult) result = {0};
    g_autoptr(Tool) tool = NULL;

    TRY(tool_new(work, "pg_dumpall", &tool));
    tool_use_source(tool);
    tool_arg(tool, "--roles-only");
    tool_arg(tool, "--no-password");
    tool_arg(tool, "--dbname=%s", work->source->conninfo);
    if (!with_passwords)
        tool_arg(tool, "--no-role-passwords");
    TRY(tool_run(tool, NULL, &result));
    *ret_script = g_steal_pointer(&result.output);
    return NULL;
}

static Error *roles_read(const Work *work, char **ret_script)
{
    if (work_config(work)->provision.keep_user_passwords) {
        Error *e = roles_dump(work, true, ret_script);
        if (!e || e->code != ERR_DENIED)
            return e;
        error_ignore(e, "the source does not show passwords: roles come without them");
    }
    return roles_dump(work, false, ret_script);
}

static Error *roles_apply(const Work *work, const char *script)
{
    g_auto(ProcResult) result = {0};
    g_autoptr(Tool) tool = NULL;

    TRY(tool_new(work, "psql", &tool));
    tool_use_target(tool);
    tool_arg(tool, "--no-psqlrc");
    tool_arg(tool, "--no-password");
    tool_arg(tool, "--quiet");
    tool_arg(tool, "--dbname=postgres");
    TRY(tool_run(tool, script, &result));
    g_autofree char *first = roles_first_error(result.errors);
    if (first)
        log_warn("a role could not be copied as it is", "error", first);
    return NULL;
}

Error *roles_copy(const Work *work)
{
    g_autofree char *script = NULL;

    TRY(roles_read(work, &script));
    g_autofree char *ours =
        roles_without_manager(script, work_config(work)->global.database_username);
    return roles_apply(work, ours);
}

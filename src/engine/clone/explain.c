/*
 * Reasons of failed connections. What a clone answers here is quoted to whoever made it, so it is cut
 * and made printable.
 */
#include "engine/clone/explain.h"

#include <string.h>

#include "base/text.h"
#include "postgres/conf.h"

#define EXPLAIN_NAME_MAX 63

#define DATABASES_SQL                                                                              \
    "SELECT datname FROM pg_catalog.pg_database"                                                   \
    " WHERE datallowconn AND NOT datistemplate ORDER BY 1 LIMIT 20"

static Error *explain_list(Conn *conn, char **ret_names)
{
    g_autoptr(GString) names = g_string_new(NULL);
    g_autoptr(Rows) rows = NULL;

    TRY(conn_query(conn, &rows, DATABASES_SQL, NULL));
    for (int i = 0; i < rows_count(rows); i++) {
        g_autofree char *name = text_printable(rows_text(rows, i, 0), EXPLAIN_NAME_MAX);

        g_string_append_printf(names, "%s\"%s\"", i ? ", " : "", name);
    }
    *ret_names = g_string_free(g_steal_pointer(&names), FALSE);
    return NULL;
}

Error *clone_explain_database(Conn *conn, Error *e)
{
    g_autofree char *names = NULL;

    if (!e || e->code != ERR_NOT_FOUND)
        return e;
    error_ignore(explain_list(conn, &names), "a missing database is told without those there are");
    return names ? error_hint(e, "Databases there: %s.", names) : e;
}

static Error *explain_missing_database(Engine *engine, const EngineInstance *instance, Error *e)
{
    g_autoptr(Conn) conn = NULL;
    Error *refused = instance_connect(engine, instance, CONF_MANAGER_DB, &conn);

    error_ignore(refused, "a missing database is told without those there are");
    return conn ? clone_explain_database(conn, e) : e;
}

Error *clone_explain(Engine *engine, const EngineInstance *instance, Error *e)
{
    g_autofree char *role =
        g_strdup_printf("role \"%s\" does not exist", instance->config->global.database_username);

    if (!e)
        return NULL;
    if (e->code == ERR_NOT_FOUND)
        return explain_missing_database(engine, instance, e);
    if (strstr(e->message, role))
        return error_hint(e, "The data was copied with another global.database.username: set that "
                             "one again, or copy anew by a refresh.");
    return e;
}

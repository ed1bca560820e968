/*
 * PostgreSQL's files and connections.
 */
#include "world_private.h"

#include <string.h>

#include "base/outside.h"
#include "postgres/activity.h"
#include "postgres/conf.h"
#include "postgres/roles.h"

Error *conf_take_over(const char *data_dir, const char *os_user, const ConfAccess *access)
{
    return world_touch();
}

bool conf_is_taken_over(const char *data_dir)
{
    outside_call(__func__);
    return true;
}

Error *conf_write_access(const char *data_dir, const char *os_user, const ConfAccess *access)
{
    return world_touch();
}

Error *conf_end_recovery(const char *data_dir)
{
    outside_call(__func__);
    return NULL;
}

Error *conf_check_values(const Installation *installation, const char *os_user,
                         const ProgramRunner *runner, const json_t *settings)
{
    return NULL;
}

Error *conf_write(const char *data_dir, const char *os_user, const ConfSpec *spec)
{
    return world_touch();
}

/* --- connections: there is nothing to them but that they may fail --- */

Error *conn_open(const ConnSpec *spec, Conn **ret_conn)
{
    *ret_conn = NULL;
    return world_touch();
}

void conn_close(Conn *conn)
{
}

int64_t conn_major(const Conn *conn)
{
    return WORLD_MAJOR;
}

void conn_append_option(GString *conninfo, const char *keyword, const char *value)
{
}

Error *conn_with_dbname(const char *conninfo, const char *dbname, char **ret_conninfo)
{
    *ret_conninfo = g_strdup(conninfo);
    return NULL;
}

Error *conn_password_secret(int64_t major, const char *user, const char *password,
                            char **ret_secret)
{
    *ret_secret = g_strdup("secret");
    return NULL;
}

struct Rows {
    const char *words; /* of the question */
    int count;
    const char *columns[8];
};

/* What is not asked here has one row. */
static Rows answers[] = {
    {"FROM pg_database", 1, {"app", "t", "t", "f", "1000", "UTF8", "C", "C"}},
    {"FROM pg_class", 1, {"0", "public.t", "t", "1000"}},
    {"FROM pg_extension", 0, {NULL}},
    {"pg_available_extensions", 0, {NULL}},
    {"", 1, {"", "", "", "", "", "", "", ""}},
};

Error *conn_query(Conn *conn, Rows **ret_rows, const char *sql, ...)
{
    Rows *answer = answers;

    while (!strstr(sql, answer->words))
        answer++;
    if (ret_rows)
        *ret_rows = answer;
    return world_touch();
}

Error *conn_script(Conn *conn, const char *sql)
{
    if (world_checkpointer_is_stopped && g_str_equal(sql, "CHECKPOINT"))
        return error_new(ERR_TIMEOUT, "PostgreSQL did not answer in time");
    return world_touch();
}

int rows_count(const Rows *rows)
{
    return rows->count;
}

const char *rows_text(const Rows *rows, int row, int column)
{
    return rows->columns[column];
}

int64_t rows_int(const Rows *rows, int row, int column)
{
    return g_ascii_strtoll(rows_text(rows, row, column), NULL, 10);
}

void rows_free(Rows *rows)
{
}

Error *roles_prepare(const ConnSpec *server, const RolesSpec *spec, char **ret_note)
{
    return world_touch();
}

Error *roles_prepare_over(Conn *conn, const ConnSpec *server, const RolesSpec *spec,
                          char **ret_note)
{
    return world_touch();
}

/* --- activity --- */

Error *activity_read(Conn *conn, Activity *ret_activity)
{
    return error_new(ERR_EXTERNAL, "nobody answers");
}

int64_t activity_own_share(const Conn *conn)
{
    return 0;
}

Error *activity_sessions(Conn *conn, const char *application, json_t **ret_events)
{
    *ret_events = json_array();
    return NULL;
}

Error *activity_database_bytes(Conn *conn, const char *dbname, int64_t *ret_bytes)
{
    *ret_bytes = 1000;
    return world_touch();
}

/* --- installations: there is one, and it has everything --- */

Installation *installation_new(int64_t major, const char *bin_dir)
{
    Installation *installation = g_new0(Installation, 1);

    installation->major = major;
    return installation;
}

void installation_free(Installation *installation)
{
    g_free(installation);
}

Error *installation_list(const char *const *extra_dirs, GPtrArray **ret_list)
{
    return error_new(ERR_NOT_FOUND, "nothing is listed");
}

Error *installation_data_major(const char *data_dir, int64_t *ret_major)
{
    outside_call(__func__);
    *ret_major = WORLD_MAJOR;
    return NULL;
}

char *installation_own_program(const Installation *installation, const char *program)
{
    return g_strdup(program);
}

bool installation_has_extension(const Installation *installation, const char *extension)
{
    return true;
}

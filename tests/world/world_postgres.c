/*
 * PostgreSQL's files and connections.
 */
#include "world_private.h"

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

Error *conf_write(const char *data_dir, const char *os_user, const ConfSpec *spec)
{
    return world_touch();
}

void conn_close(Conn *conn)
{
}

Error *conn_password_secret(int64_t major, const char *user, const char *password,
                            char **ret_secret)
{
    *ret_secret = g_strdup("secret");
    return NULL;
}

Error *conn_query(Conn *conn, Rows **ret_rows, const char *sql, ...)
{
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
    return 1;
}

const char *rows_text(const Rows *rows, int row, int column)
{
    return "";
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

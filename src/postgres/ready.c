/*
 * Readiness. postmaster.pid costs a read, a connection costs the server a process: so the file is
 * watched until it says "ready" (which it never does in recovery), and one connection proves it.
 * The file may be left over from a server whose data was copied while it ran; then nobody listens
 * yet, and it goes on.
 */
#include "postgres/ready.h"

#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "postgres/installation.h"
#include "postgres/version.h"

#define PID_FILE_MAX    4096
#define PID_FILE_STATUS 7 /* line, from 0; source: LOCK_FILE_LINE_PM_STATUS in miscadmin.h */
#define TRY_EVERY_MS    1
#define CONNECT_MAX_MS  10000 /* then has_ended() is asked again */

/* 9.6 keeps no status: there only a connection tells. */
static bool ready_is_told(const char *data_dir)
{
    int64_t major = 0;
    g_autoptr(Error) e = installation_data_major(data_dir, &major);

    return e || version_has(major, VERSION_HAS_PID_STATUS);
}

/* "ready", "starting", "stopping", "standby"; "" while there is none. */
static char *ready_status(const char *data_dir)
{
    g_autofree char *path = g_build_filename(data_dir, "postmaster.pid", NULL);
    g_autofree char *text = NULL;

    g_autoptr(Error) e = fs_read_plain_file(path, PID_FILE_MAX, &text);
    if (e)
        return g_strdup("");
    g_auto(GStrv) lines = g_strsplit(text, "\n", PID_FILE_STATUS + 2);
    if (g_strv_length(lines) <= PID_FILE_STATUS)
        return g_strdup("");
    return g_strdup(g_strstrip(lines[PID_FILE_STATUS]));
}

/* From 14 on the server tells it with the connection: a fresh server's first statement is dear. */
static Error *ready_check_recovery(Conn *conn, bool *ret_in_recovery)
{
    const char *reported = conn_parameter(conn, "in_hot_standby");
    g_autoptr(Rows) rows = NULL;

    if (*reported) {
        *ret_in_recovery = strcmp(reported, "on") == 0;
        return NULL;
    }
    TRY(conn_query(conn, &rows, "SELECT pg_catalog.pg_is_in_recovery()", NULL));
    *ret_in_recovery = strcmp(rows_text(rows, 0, 0), "t") == 0;
    return NULL;
}

/* One try. *ret_conn stays NULL when it is too early; an error is one that no wait mends. */
static Error *ready_try(const ConnSpec *server, Conn **ret_conn)
{
    g_autoptr(Conn) conn = NULL;
    bool in_recovery = false;

    g_autoptr(Error) e = conn_open(server, &conn);
    if (e && (e->code == ERR_EXTERNAL || e->code == ERR_BUSY || e->code == ERR_TIMEOUT))
        return NULL;
    if (e)
        return g_steal_pointer(&e);

    TRY(ready_check_recovery(conn, &in_recovery));
    if (!in_recovery)
        *ret_conn = g_steal_pointer(&conn);
    return NULL;
}

Error *ready_wait(const ConnSpec *server, const char *data_dir, int64_t timeout_ms,
                  ReadyEnded has_ended, void *data, Conn **ret_conn)
{
    int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;
    g_autofree char *status = NULL;
    const bool is_told = ready_is_told(data_dir);

    while (clock_monotonic_ms() < deadline_ms) {
        if (has_ended(data, TRY_EVERY_MS))
            return error_new(ERR_EXTERNAL, READY_ENDED);
        g_free(status);
        status = ready_status(data_dir);
        if (is_told && strcmp(status, "ready") != 0)
            continue;

        ConnSpec once = *server;
        g_autoptr(Conn) conn = NULL;
        once.options = CONN_MANAGER;
        once.timeout_ms = CLAMP(deadline_ms - clock_monotonic_ms(), 1, CONNECT_MAX_MS);
        TRY(ready_try(&once, &conn));
        if (conn) {
            *ret_conn = g_steal_pointer(&conn);
            return NULL;
        }
    }
    return error_detail(
        error_new(ERR_TIMEOUT, "postgres was not ready within %" G_GINT64_FORMAT " ms", timeout_ms),
        "Last status in postmaster.pid: \"%s\".", status ? status : "");
}

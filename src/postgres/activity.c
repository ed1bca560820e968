/*
 * Activity from pg_stat_activity and pg_stat_database. What clients did between two probes is told
 * by a counter that only grows, so that a session too short to be met is seen as well.
 */
#include "postgres/activity.h"

#include "postgres/version.h"

/* Clients are all but this session, and ours: the same user under the same application name. */
#define ACTIVITY_OF_CLIENTS(counter)                                                               \
    "SELECT count(*), count(*) FILTER (WHERE state <> 'idle'), "                                   \
    "coalesce((extract(epoch FROM max(state_change)) * 1000)::bigint, 0), "                        \
    "(SELECT coalesce(sum(" counter "), 0)::bigint FROM pg_catalog.pg_stat_database) "             \
    "FROM pg_catalog.pg_stat_activity WHERE backend_type = 'client backend' "                      \
    "AND pid <> pg_catalog.pg_backend_pid() AND NOT (usename = current_user "                      \
    "AND application_name = pg_catalog.current_setting('application_name'))"

/* How clients are counted: by sessions where the server has that, else by transactions. */
typedef struct ActivityCounter {
    const char *statement;
    int64_t own_share;
} ActivityCounter;

static const ActivityCounter session_counter = {ACTIVITY_OF_CLIENTS("sessions"), 1};

/* One of the login, one of the statement; autovacuum's transactions are counted, too. */
static const ActivityCounter transaction_counter = {
    ACTIVITY_OF_CLIENTS("xact_commit + xact_rollback"),
    2,
};

static const ActivityCounter *activity_counter(const Conn *conn)
{
    bool has_sessions = version_has(conn_major(conn), VERSION_HAS_SESSION_COUNTER);

    return has_sessions ? &session_counter : &transaction_counter;
}

Error *activity_read(Conn *conn, Activity *ret_activity)
{
    g_autoptr(Rows) rows = NULL;

    TRY(conn_query(conn, &rows, activity_counter(conn)->statement, NULL));
    *ret_activity = (Activity){
        .sessions = rows_int(rows, 0, 0),
        .busy = rows_int(rows, 0, 1),
        .last_used_ms = rows_int(rows, 0, 2),
        .counter = rows_int(rows, 0, 3),
    };
    return NULL;
}

int64_t activity_own_share(const Conn *conn)
{
    return activity_counter(conn)->own_share;
}

static json_t *activity_event(const Rows *rows, int row)
{
    return json_pack("{s:s, s:s, s:f, s:s, s:s}", "user", rows_text(rows, row, 0), "query",
                     rows_text(rows, row, 1), "duration",
                     g_ascii_strtod(rows_text(rows, row, 2), NULL), "waitEventType",
                     rows_text(rows, row, 3), "waitEvent", rows_text(rows, row, 4));
}

Error *activity_sessions(Conn *conn, const char *application, json_t **ret_events)
{
    g_autoptr(Rows) rows = NULL;

    TRY(conn_query(conn, &rows,
                   "SELECT usename, pg_catalog.left(query, 100), "
                   "extract(epoch FROM pg_catalog.clock_timestamp() - query_start), "
                   "wait_event_type, wait_event FROM pg_catalog.pg_stat_activity "
                   "WHERE application_name = $1 AND pid <> pg_catalog.pg_backend_pid() "
                   "ORDER BY backend_start, pid",
                   application, NULL));
    json_t *events = json_array();
    for (int row = 0; row < rows_count(rows); row++)
        json_array_append_new(events, activity_event(rows, row));
    *ret_events = events;
    return NULL;
}

Error *activity_database_bytes(Conn *conn, const char *dbname, int64_t *ret_bytes)
{
    g_autoptr(Rows) rows = NULL;

    if (dbname)
        TRY(conn_query(conn, &rows, "SELECT pg_catalog.pg_database_size($1::name)", dbname, NULL));
    else
        TRY(conn_query(conn, &rows,
                       "SELECT sum(pg_catalog.pg_database_size(oid))::bigint "
                       "FROM pg_catalog.pg_database",
                       NULL));
    *ret_bytes = rows_int(rows, 0, 0);
    return NULL;
}

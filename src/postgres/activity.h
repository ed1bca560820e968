/*
 * What goes on in a server.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "base/error.h"
#include "postgres/conn.h"

typedef struct Activity {
    int64_t sessions;     /* client sessions open now, without ours                             */
    int64_t busy;         /* of these, not idle (idle in transaction is busy)                   */
    int64_t last_used_ms; /* latest state change among them; 0 = none                           */
    int64_t counter;      /* grows with every session and transaction of clients, ours included */
} Activity;

/* One probe over an open connection. Instants in UTC whatever the server's TimeZone. */
MUST_CHECK Error *activity_read(Conn *conn, Activity *ret_activity);

/* What an activity_read() over a connection of its own adds to `counter`: ours, not theirs. */
int64_t activity_own_share(const Conn *conn);

/*
 * Sessions with application_name of ours, as the API's PGEvent objects:
 * [{user, query (≤ 100 characters), duration (seconds), waitEventType, waitEvent}]. Caller decrefs.
 */
MUST_CHECK Error *activity_sessions(Conn *conn, const char *application, json_t **ret_events);

/* Bytes of one database, or of all when dbname is NULL. Cost: one stat of each of its files. */
MUST_CHECK Error *activity_database_bytes(Conn *conn, const char *dbname, int64_t *ret_bytes);

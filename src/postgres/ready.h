/*
 * Waiting for an instance to accept connections.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "postgres/conn.h"

#define READY_ENDED "postgres ended before it was ready"

/*
 * ready_wait - until the server answers on its Unix socket, out of recovery. First try after 1 ms;
 * while postmaster.pid does not say "ready" no connection is spent on it.
 *
 *   server      as for roles_prepare(), with the database to connect to: the clone's own saves
 *               roles_prepare_over() a connection
 *   data_dir    to read postmaster.pid
 *   has_ended   asked between tries, waiting at most so many ms itself: true ends the wait with an
 *               error; data is for it
 *   ret_conn    the connection that proved it (CONN_MANAGER, dbname of server); caller closes
 *
 * Errors: ERR_EXTERNAL `postgres ended before it was ready`;
 *         ERR_TIMEOUT (detail: its last status); a standby never gets ready;
 *         ERR_DENIED, ERR_NOT_FOUND `database "x" does not exist`: at once, as no wait mends them.
 */
typedef bool (*ReadyEnded)(void *data, int64_t wait_ms);
MUST_CHECK Error *ready_wait(const ConnSpec *server, const char *data_dir, int64_t timeout_ms,
                             ReadyEnded has_ended, void *data, Conn **ret_conn);

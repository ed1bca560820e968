/*
 * The line between libpq and a server that may mean harm: what the server sends reaches libpq in
 * portions that are counted, and what libpq sends is handed on when the server takes it. libpq
 * keeps all that it is sent, so the count bounds our memory. Private to this folder.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct Wire Wire;

/* Takes server_fd, a connected socket. Its end for libpq is where wire_place() says. */
MUST_CHECK Error *wire_open_take(int server_fd, Wire **ret_wire);
void wire_close(Wire *wire);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Wire, wire_close)

/* What libpq takes as its host; the port is WIRE_PORT. Borrowed. */
const char *wire_place(const Wire *wire);
#define WIRE_PORT "1"

/* After libpq has begun to connect: the line is closed to everybody else. */
MUST_CHECK Error *wire_accept(Wire *wire);

/* From now on the server may send so many bytes, and tell of a thousand settings. */
void wire_allow(Wire *wire, size_t max_bytes);

/*
 * wire_wait - carries bytes until libpq's socket is ready.
 *
 *   fd, events    of libpq's socket, for poll(2)
 *   cancel_fd     readable = stop; -1 = none
 *   deadline_ms   of clock_monotonic_ms(); 0 = none
 *
 * Errors: ERR_TIMEOUT past the deadline, `cancelled`; ERR_EXTERNAL it has sent too much.
 */
MUST_CHECK Error *wire_wait(Wire *wire, int fd, short events, int cancel_fd, int64_t deadline_ms);

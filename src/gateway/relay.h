/*
 * One connection: a client's TCP socket, the clone's Unix socket, and the bytes between them. It is
 * a pair of flows; how each of the four ways to end is passed on is told in relay.c.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "gateway/loop.h"
#include "gateway/stock.h"

/* What was carried, for all connections of a clone. */
typedef struct Traffic {
    uint64_t from_client_bytes;
    uint64_t to_client_bytes;
    int64_t last_active_at_ms; /* 0 = never */
} Traffic;

typedef struct RelaySpec {
    Loop *loop;
    Stock *stock;
    Traffic *traffic;
    int client_fd;
    int server_fd;
    GQueue *relays; /* it is in here as long as it lives */
    void (*on_end)(void *data);
    void *data;
} RelaySpec;

/*
 * relay_start_take - carry bytes between two sockets until both directions have ended. It frees
 * itself then, and calls on_end().
 *
 *   spec   copied; the pointers in it are borrowed, the two sockets are taken, also on failure
 *
 * Errors: ERR_EXTERNAL the kernel cannot watch the sockets; on_end() is not called then.
 */
MUST_CHECK Error *relay_start_take(const RelaySpec *spec);

/* Cuts all connections of a queue; on_end() is called for each. */
void relay_cut_all(GQueue *relays);

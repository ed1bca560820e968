/*
 * The ports of clones: which of provision.portPool are taken. Kept in memory, counted from the
 * store at the start; the store's unique index is the last word.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef struct PortPool PortPool;

/* Both ends are in it. */
PortPool *port_pool_new(int64_t from, int64_t to);
void port_pool_free(PortPool *pool);

/*
 * port_reserve - the lowest port that no clone has and that nobody else listens on.
 *
 * Errors: ERR_BUSY `no free port in 6000-6099` (hint: how many are ours, how many in use by
 *         others).
 */
MUST_CHECK Error *port_reserve(PortPool *pool, int64_t *ret_port);

/* True when nobody listens on the port, on whatever address of IPv4. */
bool port_is_free(int64_t port);

/* Marks a clone's port as taken, or gives it back. Ports outside the pool (0 too) are ignored. */
void port_take(PortPool *pool, int64_t port);
void port_release(PortPool *pool, int64_t port);

/*
 * All clones of the gateway, by id.
 */
#pragma once

#include <jansson.h>

#include "base/error.h"
#include "gateway/clone.h"
#include "gateway/loop.h"

typedef struct Doors Doors;

/* The loop is borrowed for its life. */
Doors *doors_new(Loop *loop);
void doors_free(Doors *doors);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Doors, doors_free)

/* Listens for a clone; changes what differs when it is known already. Errors: of door.h. */
MUST_CHECK Error *doors_add(Doors *doors, const GatewayClone *clone);

/* Closes its listeners and connections. An unknown one is success. */
void doors_remove(Doors *doors, const char *id);

/* door_hold() and door_release() by id. ERR_NOT_FOUND no such clone. */
MUST_CHECK Error *doors_hold(Doors *doors, const char *id, int64_t timeout_ms);
MUST_CHECK Error *doors_release(Doors *doors, const char *id);

/*
 * doors_list - describe the clones behind an id, in the order of ids, as many as go into a message.
 *
 *   after        "" = from the first
 *   ret_is_all   false when there are more behind them
 *
 * Returns an array; caller owns the reference.
 */
json_t *doors_list(Doors *doors, const char *after, bool *ret_is_all);

/* How many clones, and how many connections of them. */
void doors_count(Doors *doors, int64_t *ret_clones, int64_t *ret_connections);

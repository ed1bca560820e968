/*
 * A clone's door: where it is listened for clients, who came in, and what becomes of those who come
 * while the clone cannot take them. Held, a door leaves them in the queues of its listeners, which
 * costs them nothing but time; a hold ends by itself, in case whoever asked for it is gone.
 */
#pragma once

#include <jansson.h>

#include "base/error.h"
#include "gateway/clone.h"
#include "gateway/loop.h"
#include "gateway/stock.h"

typedef struct Door Door;

/*
 * door_open - listen for a clone.
 *
 *   loop, stock   borrowed for its life
 *   clone         copied; checked by request.c
 *
 * Errors: those of listener_open(); nothing is open then.
 */
MUST_CHECK Error *door_open(Loop *loop, Stock *stock, const GatewayClone *clone, Door **ret_door);

/*
 * Takes over what is different, without cutting connections. Listeners that stay are not touched;
 * those that go take with them who waits in their queues. Errors: those of listener_open(); nothing
 * has changed then.
 */
MUST_CHECK Error *door_change(Door *door, const GatewayClone *clone);

/* Closes listeners and connections. NULL is fine. */
void door_close(Door *door);

/* New connections wait from now on, at most so long. Again: the new time counts. */
void door_hold(Door *door, int64_t timeout_ms);
void door_release(Door *door);

/* Connections now, those that wait included. */
int64_t door_connections(const Door *door);

/* As `list` tells it. Caller owns the reference. */
json_t *door_describe(const Door *door);

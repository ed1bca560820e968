/*
 * rametd's side of the gateway: telling it what to do, and asking what it knows. Calls block, but
 * never longer than the client's deadline; they may come from any thread, and take turns. A lost
 * connection is made anew by the next call.
 *
 * The gateway outlives rametd, and the other way round. What a clone's door is to be is rametd's to
 * know: after gateway_launch() (launch.h) it adds all clones again, which changes nothing where
 * nothing differs, and removes the clones of gateway_client_list() that it does not know.
 *
 * Of all calls: ERR_NOT_FOUND no gateway runs (launch it, and add the clones again); ERR_TIMEOUT it
 *         did not answer in time, and may have done it or not; all of them may be repeated.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "gateway/clone.h"

typedef struct GatewayClient GatewayClient;

/*
 * gateway_client_new - a client for the gateway behind a control socket. Connects when it is used.
 *
 *   socket_path   copied
 *   timeout_ms    of each call
 */
GatewayClient *gateway_client_new(const char *socket_path, int64_t timeout_ms);
void gateway_client_free(GatewayClient *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GatewayClient, gateway_client_free)

/* Who answers. */
typedef struct GatewayHello {
    char *version;
    int64_t pid;
    int64_t uptime_ms;
    int64_t clones;
    int64_t connections;
} GatewayHello;

void gateway_hello_clear(GatewayHello *hello);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(GatewayHello, gateway_hello_clear)

/* Clear ret_hello with gateway_hello_clear(); NULL = not wanted. */
MUST_CHECK Error *gateway_client_hello(GatewayClient *client, GatewayHello *ret_hello);

/*
 * gateway_client_add - listen for a clone, or change what differs when it is known already, without
 * cutting its connections.
 *
 *   clone   borrowed
 *
 * Errors: ERR_CONFLICT address and port are in use; ERR_DENIED the port is for root alone;
 *         ERR_INVALID no such address, or a field out of bounds. Nothing has changed then.
 * Undo:   gateway_client_remove(), safe to repeat.
 */
MUST_CHECK Error *gateway_client_add(GatewayClient *client, const GatewayClone *clone);

/* Stops listening and closes the clone's connections. An unknown clone is success. */
MUST_CHECK Error *gateway_client_remove(GatewayClient *client, const char *id);

/*
 * gateway_client_hold - let new connections wait instead of refusing them, for a restart or reset;
 * those that exist are left alone.
 *
 *   timeout_ms   the hold ends by itself after it: 1 to GATEWAY_HOLD_MAX_MS
 *
 * Errors: ERR_NOT_FOUND also when the clone was not added.
 * Undo:   gateway_client_release(), safe to repeat.
 */
MUST_CHECK Error *gateway_client_hold(GatewayClient *client, const char *id, int64_t timeout_ms);

/* Lets in who waits. ERR_NOT_FOUND also when the clone was not added. */
MUST_CHECK Error *gateway_client_release(GatewayClient *client, const char *id);

/*
 * gateway_client_list - all clones of the gateway, in the order of their ids.
 *
 *   ret_list   of GatewayStatus *; caller unrefs, which frees them
 */
MUST_CHECK Error *gateway_client_list(GatewayClient *client, GPtrArray **ret_list);

/* Ends the gateway, with all connections. For tests, and for removing Ramet. */
MUST_CHECK Error *gateway_client_quit(GatewayClient *client);

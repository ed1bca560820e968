/*
 * Finding the gateway that runs, or starting one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "gateway/client.h"

typedef struct GatewayLaunch {
    const char *state_dir; /* holds gateway.sock, and gateway.lock                            */
    const char *program;   /* NULL = "ramet-gateway", looked up in PATH                       */
    const char *user;      /* operating-system user to run as; NULL = as we are. It must get
                              to the clones' sockets, and be nobody whom their pg_ident.conf
                              lets in as the manager: clients have its identity for "peer"    */
    const char *log_path;  /* appended to                                                     */
    int64_t timeout_ms;    /* of the launch, and then of each call of the client              */
} GatewayLaunch;

/*
 * gateway_launch - find the running gateway of a state directory, or start one. A lock file keeps
 * two callers, also of different processes, from starting two.
 *
 *   ret_client   has talked to it; caller frees
 *   ret_is_new   true when it was started now: it knows no clones
 *
 * Cost: a message when it runs; some 10 ms to start it. It outlives the caller.
 * Errors: ERR_TIMEOUT it does not answer, or another launch takes too long; ERR_INVALID the path
 *         of the socket is too long (hint); ERR_NOT_FOUND no such user; ERR_EXTERNAL the program is
 *         missing (hint) or has ended at once (detail: end of its log).
 * Undo:   gateway_client_quit().
 */
MUST_CHECK Error *gateway_launch(const GatewayLaunch *launch, GatewayClient **ret_client,
                                 bool *ret_is_new);

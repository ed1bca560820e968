/*
 * The server's API, as seen by commands: a method, a path, JSON there and back, and errors in our
 * own type.
 */
#pragma once

#include <jansson.h>

#include "base/error.h"
#include "cli/settings.h"

typedef struct Client Client;

/* settings are borrowed and must outlive the client. */
Client *client_new(const Settings *settings);
void client_free(Client *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Client, client_free)

typedef struct ApiCall {
    const char *method;
    const char *path;   /* from the base URL on: "/clone/c1" */
    json_t *body;       /* borrowed; NULL = none */
    bool is_slow;       /* the server answers only when the work is done: no time limit */
    int64_t timeout_ms; /* 0 = that of the settings */
} ApiCall;

/*
 * client_call - one request.
 *
 *   ret_answer   what the server sent, an object or an array; caller decrefs. NULL = not wanted
 *
 * Errors: what the server said, with its detail and hint: ERR_NOT_FOUND, ERR_DENIED (401, 403),
 *         ERR_EXTERNAL (all else, and an answer that no Ramet server gives); ERR_BUSY the server
 *         could not be reached; ERR_TIMEOUT; ERR_INVALID the URL.
 */
MUST_CHECK Error *client_call(Client *client, const ApiCall *call, json_t **ret_answer);

/*
 * client_path - a path with an id in it. Ids go as they are ("pool@snapshot_…", "a/b"); what else
 * would change the meaning of a URL is escaped.
 *
 *   ret_path   before, id, after; caller frees
 *
 * Errors: ERR_INVALID for "." and ".." within the id.
 */
MUST_CHECK Error *client_path(const char *before, const char *id, const char *after,
                              char **ret_path);

/*
 * client_wait_clone - wait until a clone's state is another one, or the clone is gone. The server
 * is asked to answer then (?wait=…); one that cannot wait is asked once a second.
 *
 *   state       "CREATING", "RESETTING", "DELETING"
 *   ret_clone   the clone in its new state; caller decrefs
 *
 * Errors: ERR_NOT_FOUND it is gone; ERR_TIMEOUT after the timeout of the settings; those of
 *         client_call().
 */
MUST_CHECK Error *client_wait_clone(Client *client, const char *id, const char *state,
                                    json_t **ret_clone);

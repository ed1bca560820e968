/*
 * Docker Engine's API, which Podman speaks too, over its Unix socket. Docker's paths have no version:
 * an engine then takes its newest, and what is used here has been in all of them since 1.41. Private
 * to this folder.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/http_client.h"

/*
 * docker_find_socket - the engine's socket.
 *
 *   host         "unix:///path", "" = DOCKER_HOST of the environment, or else a usual place
 *   ret_socket   path; caller frees
 *
 * Errors: ERR_INVALID another kind of address (hint); ERR_NOT_FOUND there is none (hint).
 */
MUST_CHECK Error *docker_find_socket(const char *host, char **ret_socket);

/* What goes beyond method and path; all may be absent. */
typedef struct DockerCall {
    const json_t *body;
    const char *header; /* "Name: value" */
    int64_t timeout_ms; /* 0 = a minute */
    GCancellable *cancel;
    HttpLine on_line;
    void *on_line_data;
    HttpResponse *ret_raw; /* the answer as it is; clear with http_response_clear() */
} DockerCall;

/*
 * docker_call - one call.
 *
 *   path      "/containers/json?all=1", encoded
 *   call      NULL = nothing beyond
 *   ret_json  the answer; NULL = not wanted; caller owns the reference
 *
 * Errors: what the engine says, ERR_NOT_FOUND, ERR_CONFLICT, ERR_INVALID or ERR_EXTERNAL by its
 *         status; ERR_EXTERNAL it cannot be reached (hint).
 */
MUST_CHECK Error *docker_call(const char *socket, const char *method, const char *path,
                              const DockerCall *call, json_t **ret_json);

/*
 * HTTP as a client, for the CLI and for Docker's API. The only user of libcurl. Redirects are not followed.
 */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* A line of the answer's body, without its end. */
typedef void (*HttpLine)(const char *line, void *data);

typedef struct HttpRequest {
    const char *method;         /* "GET", "POST", "PATCH", "DELETE"            */
    const char *url;            /* whole URL with scheme                       */
    const char *const *headers; /* "Name: value", NULL-terminated; NULL = none */
    const char *body;           /* NULL = none                                 */
    int64_t timeout_ms;         /* 0 = none                                    */
    int64_t connect_timeout_ms; /* 0 = 10 s                                    */
    bool is_insecure;           /* do not check the server's certificate       */
    const char *unix_socket;    /* path to connect to instead of the URL's host; NULL = none */
    GCancellable *cancel;       /* borrowed, or NULL; noticed within a second  */
    HttpLine on_line;           /* each line of a body as it comes; or NULL    */
    void *on_line_data;
} HttpRequest;

typedef struct HttpResponse {
    long status;
    char *body;  /* NUL-terminated, never NULL */
    size_t size; /* of the body, which may have NULs of its own */
} HttpResponse;

void http_response_clear(HttpResponse *response);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HttpResponse, http_response_clear)

/*
 * http_request - one request and its answer, whatever its status.
 *
 *   ret_response   clear with http_response_clear()
 *
 * Errors: ERR_INVALID the URL, or a header of several lines; ERR_TIMEOUT no answer in time, also cancelled;
 *         ERR_EXTERNAL no connection (also not in time), no such host, TLS; ERR_NO_SPACE an answer of more
 *         than 64 MiB (hint: what to check).
 */
MUST_CHECK Error *http_request(const HttpRequest *request, HttpResponse *ret_response);

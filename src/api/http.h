/*
 * HTTP: the only user of libmicrohttpd. It turns connections into requests and replies into bytes;
 * which request means what is for routes.c. A handler never waits for a change: it says so, its
 * connection is parked, and it is called again when something has changed or its time is over. What
 * may take long, as it runs a program or asks a disk, runs aside, on threads of its own.
 */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/principal.h"
#include "base/error.h"
#include "config/config.h"

#define HTTP_BODY_MAX    (1u << 20)
#define HTTP_NO_DEADLINE (INT64_MAX / 1000) /* for parked_until_ms; its microseconds fit too */

typedef struct Http Http;
typedef struct HttpMessage HttpMessage; /* http.c's side of a Request */
typedef struct Request Request;

typedef enum HttpPlace {
    HTTP_HEADER,
    HTTP_QUERY,
} HttpPlace;

struct Request {
    const char *method;
    const char *path;    /* decoded, without duplicate or trailing slashes */
    char *id;            /* the {id} of the route's pattern; NULL without */
    Principal principal; /* from its admission on */
    Config *config;      /* a reference, from its admission on: as it was then */
    const char *body;    /* NUL-terminated, "" when there is none, NULL when over HTTP_BODY_MAX */
    size_t body_size;
    int64_t began_ms; /* clock_monotonic_ms() of its arrival                     */
    void *state;      /* the handler's own between two calls of the same request */
    void (*free_state)(void *state);
    const char *(*look_up)(const Request *request, HttpPlace place, const char *name);
    HttpMessage *message;
};

typedef struct ReplyHeader {
    const char *name; /* constant text */
    char *value;
} ReplyHeader;

#define REPLY_HEADERS_MAX 8

/* Made by reply.h. The body is bytes, or a file, or nothing. */
typedef struct Reply {
    unsigned status;
    GBytes *bytes;
    int file;                               /* a descriptor, when file_size is not 0 */
    uint64_t file_size;                     /* what is sent of it, from its beginning */
    ReplyHeader headers[REPLY_HEADERS_MAX]; /* up to the first without a name */
    bool is_parked;                         /* no reply yet: call me again … */
    int64_t parked_until_ms;                /* … at this clock_monotonic_ms() at the latest */
} Reply;

/*
 * Called when a request's headers are there and before anything of its body is read; sets the
 * principal and the configuration. False = refused: the reply is filled in, and the body not read.
 * Of ROLE_ANYONE a body is not kept; the connection of any other is a stranger's no longer
 * (peers.h).
 */
typedef bool (*HttpDoor)(Request *request, Reply *reply, void *data);

/*
 * Called on one of a few threads, when an admitted request is complete; fills the reply. One that
 * was called aside and parks is called again at once: it looks again at what it waits for, and from
 * then on must not take long.
 */
typedef void (*HttpHandler)(Request *request, Reply *reply, void *data);

/* May the handler take long with this request? It is asked before the first call alone. */
typedef bool (*HttpIsSlow)(const Request *request, void *data);

/* data is borrowed for as long as the server lives. */
typedef struct HttpSpec {
    const char *host; /* "" = all interfaces */
    int64_t port;     /* 0 = any: http_port() */
    HttpDoor admit;
    HttpHandler handle;
    HttpIsSlow is_slow; /* NULL = never */
    void *data;
} HttpSpec;

/* Errors: those of listener_open_host(), with a hint; ERR_EXTERNAL no thread could be started. */
MUST_CHECK Error *http_start(const HttpSpec *spec, Http **ret_http);

int64_t http_port(const Http *http);

/*
 * Answers what is parked, waits for what runs aside, and then a moment for the answers under way to
 * be sent, closes and frees. NULL is fine.
 */
void http_stop(Http *http);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Http, http_stop)

/* Calls the handlers of all parked requests again: something has changed. */
void http_wake(Http *http);

/* A header or query argument of the request; NULL when absent. Borrowed. */
const char *http_header(const Request *request, const char *name);
const char *http_query(const Request *request, const char *name);

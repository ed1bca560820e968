/*
 * HTTP by libmicrohttpd: epoll and a few threads. The parked are in one list; a wake, or the timer
 * at the first deadline, resumes them and libmicrohttpd calls their handlers again. A change that
 * comes between a handler's look and its parking is not lost: the generation it saw is compared
 * when it is parked. How long a connection may take to ask is for peers.c.
 *
 * libmicrohttpd's threads answer from memory. A handler that may take long runs on one of the
 * threads aside, while its connection is suspended; those end before libmicrohttpd does.
 */
#include "api/http.h"

#include <microhttpd.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>

#include "api/framing.h"
#include "api/peers.h"
#include "api/reply.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/listener.h"
#include "base/log.h"

#define HTTP_THREADS       4
#define HTTP_ASIDE         16 /* handlers that may take long at the same time */
#define HTTP_CONNECTIONS   2000
#define HTTP_MEMORY_LIMIT  (32 * 1024) /* request line and headers of one connection */
#define HTTP_IDLE_S        30          /* nothing sent, nothing taken                          */
#define HTTP_UPLOAD_MAX    (16 * HTTP_BODY_MAX)
#define HTTP_BODIES_MAX    (64u << 20) /* of all requests that are being received together     */
#define HTTP_ARGUMENTS_MAX 100
#define HTTP_QUERY_MAX     16000 /* bytes, with its path */
#define HTTP_LOOK_MS       1000
#define HTTP_END_MS        3000 /* for the answers under way when the server stops      */

struct HttpMessage {
    Request request; /* first */
    Http *http;
    struct MHD_Connection *connection;
    GString *body;
    char *path;
    Reply refusal; /* of a request that is not admitted, until it is sent */
    bool has_begun;
    bool is_query_too_long;
    bool is_refused;
    bool keeps_body;
    bool is_over_all; /* HTTP_BODIES_MAX */
    bool is_answering;
    bool was_aside;
    Reply reply; /* of a handler that was called aside, until it is sent */
    size_t n_received;
    int64_t parked_until_ms;
};

struct Http {
    HttpSpec spec;
    struct MHD_Daemon *daemon;
    int socket;
    Peers *peers;
    atomic_uint generation;     /* counts the wakes */
    atomic_size_t bodies_bytes; /* kept, of all messages */
    GMutex lock;                /* for all below; libmicrohttpd's own are taken within it */
    GCond parked_changed;
    GPtrArray *parked; /* of HttpMessage * */
    unsigned n_answering;
    GCond answered; /* n_answering became 0 */
    GThread *timer;
    bool is_stopping;
    GThreadPool *aside;
};

/* --- one message --- */

static const char *http_look_up(const Request *request, HttpPlace place, const char *name)
{
    return MHD_lookup_connection_value(
        request->message->connection,
        place == HTTP_HEADER ? MHD_HEADER_KIND : MHD_GET_ARGUMENT_KIND, name);
}

static HttpMessage *http_message_new(Http *http, struct MHD_Connection *connection)
{
    HttpMessage *message = g_new0(HttpMessage, 1);

    message->http = http;
    message->connection = connection;
    message->body = g_string_new(NULL);
    message->request.began_ms = clock_monotonic_ms();
    message->request.look_up = http_look_up;
    message->request.message = message;
    return message;
}

static Peer *http_peer(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

static void http_count_answering(HttpMessage *message, bool is_answering)
{
    Http *http = message->http;

    if (message->is_answering == is_answering)
        return;
    message->is_answering = is_answering;
    g_mutex_lock(&http->lock);
    http->n_answering += is_answering ? 1 : -1u;
    if (http->n_answering == 0)
        g_cond_broadcast(&http->answered);
    g_mutex_unlock(&http->lock);
}

static void http_message_free(void *data, struct MHD_Connection *connection, void **con_cls,
                              enum MHD_RequestTerminationCode code)
{
    Http *http = data;
    HttpMessage *message = *con_cls;

    if (!message)
        return;
    peers_ask(http->peers, http_peer(connection), clock_monotonic_ms());
    http_count_answering(message, false);
    if (message->request.free_state)
        message->request.free_state(message->request.state);
    atomic_fetch_sub(&http->bodies_bytes, message->body->len);
    reply_clear(&message->refusal);
    reply_clear(&message->reply);
    g_free(message->request.id);
    config_unref(message->request.config);
    g_string_free(message->body, TRUE);
    g_free(message->path);
    g_free(message);
    *con_cls = NULL;
}

/* Too much is read on for a while: the client gets an answer, not a reset. False = no longer. */
static bool http_message_append(HttpMessage *message, const char *data, size_t size)
{
    atomic_size_t *all = &message->http->bodies_bytes;

    message->n_received += size;
    if (!message->keeps_body || message->is_over_all || message->n_received > HTTP_BODY_MAX)
        return message->n_received <= HTTP_UPLOAD_MAX;
    if (atomic_fetch_add(all, size) + size > HTTP_BODIES_MAX) {
        atomic_fetch_sub(all, size);
        message->is_over_all = true;
        return true;
    }
    g_string_append_len(message->body, data, (gssize)size);
    return true;
}

static struct MHD_Response *http_response(Reply *reply)
{
    struct MHD_Response *response;
    size_t size = 0;

    if (reply->file_size > 0) {
        response = MHD_create_response_from_fd64(reply->file_size, reply->file);
        if (response)
            reply->file_size = 0; /* it is the response's now, and closed with it */
        return response;
    }
    const void *bytes = reply->bytes ? g_bytes_get_data(reply->bytes, &size) : NULL;
    return MHD_create_response_from_buffer(size, (void *)(uintptr_t)bytes, MHD_RESPMEM_MUST_COPY);
}

/* Nothing is left in the reply. */
static enum MHD_Result http_send(HttpMessage *message, Reply *reply, bool is_last)
{
    struct MHD_Response *response = http_response(reply);
    enum MHD_Result result = MHD_NO;

    if (response) {
        for (const ReplyHeader *header = reply->headers; header->name; header++)
            MHD_add_response_header(response, header->name, header->value);
        if (is_last)
            MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
        result = MHD_queue_response(message->connection, reply->status, response);
        MHD_destroy_response(response);
    }
    reply_clear(reply);
    return result;
}

/* --- the parked --- */

static void http_resume_locked(Http *http, unsigned index)
{
    HttpMessage *message = g_ptr_array_steal_index_fast(http->parked, index);

    MHD_resume_connection(message->connection);
}

static void http_park(HttpMessage *message, unsigned seen_generation, int64_t until_ms)
{
    Http *http = message->http;

    message->parked_until_ms = until_ms;
    MHD_suspend_connection(message->connection);
    g_mutex_lock(&http->lock);
    g_ptr_array_add(http->parked, message);
    if (atomic_load(&http->generation) != seen_generation || http->is_stopping)
        http_resume_locked(http, http->parked->len - 1);
    g_cond_signal(&http->parked_changed);
    g_mutex_unlock(&http->lock);
}

void http_wake(Http *http)
{
    atomic_fetch_add(&http->generation, 1);
    g_mutex_lock(&http->lock);
    while (http->parked->len > 0)
        http_resume_locked(http, http->parked->len - 1);
    g_mutex_unlock(&http->lock);
}

/* Resumes those whose time is over; returns when the next one's is, or -1. */
static int64_t http_resume_due_locked(Http *http)
{
    int64_t now_ms = clock_monotonic_ms(), next_ms = -1;

    for (unsigned i = http->parked->len; i > 0; i--) {
        int64_t until_ms = ((const HttpMessage *)http->parked->pdata[i - 1])->parked_until_ms;
        if (until_ms <= now_ms)
            http_resume_locked(http, i - 1);
        else
            next_ms = next_ms < 0 ? until_ms : MIN(next_ms, until_ms);
    }
    return next_ms;
}

static void *http_run_timer(void *data)
{
    Http *http = data;

    g_mutex_lock(&http->lock);
    while (!http->is_stopping) {
        int64_t now_ms = clock_monotonic_ms(), next_ms = http_resume_due_locked(http);
        int64_t look_ms = now_ms + HTTP_LOOK_MS;
        peers_look(http->peers, now_ms);
        g_cond_wait_until(&http->parked_changed, &http->lock,
                          (next_ms < 0 ? look_ms : MIN(next_ms, look_ms)) * 1000);
    }
    g_mutex_unlock(&http->lock);
    return NULL;
}

static bool http_is_stopping(Http *http)
{
    g_mutex_lock(&http->lock);
    bool is_stopping = http->is_stopping;
    g_mutex_unlock(&http->lock);
    return is_stopping;
}

/* --- libmicrohttpd's side --- */

static void http_call_handler(HttpMessage *message, Reply *reply)
{
    Http *http = message->http;

    message->request.body = message->body->str;
    message->request.body_size = message->body->len;
    if (message->keeps_body && message->n_received > HTTP_BODY_MAX)
        message->request.body = NULL;
    if (message->is_over_all)
        reply_refusal(reply, MHD_HTTP_SERVICE_UNAVAILABLE, "INTERNAL_ERROR",
                      "too many large requests at once", "Ask again in a moment.");
    else
        http->spec.handle(&message->request, reply, http->spec.data);
}

/* What waits for its turn when the server stops has not begun anything. */
static void http_run_aside(void *data, void *unused)
{
    HttpMessage *message = data;

    if (http_is_stopping(message->http))
        reply_stopping(&message->reply);
    else
        http_call_handler(message, &message->reply);
    MHD_resume_connection(message->connection);
}

/* False when there is no need, and when it has been there. The threads end when the server stops. */
static bool http_goes_aside(HttpMessage *message)
{
    Http *http = message->http;
    const HttpSpec *spec = &http->spec;

    if (message->was_aside || !spec->is_slow || !spec->is_slow(&message->request, spec->data))
        return false;
    message->was_aside = true;
    MHD_suspend_connection(message->connection);
    g_mutex_lock(&http->lock);
    bool is_stopping = http->is_stopping;
    if (!is_stopping)
        g_thread_pool_push(http->aside, message, NULL); /* its threads are there already */
    g_mutex_unlock(&http->lock);
    if (is_stopping)
        http_run_aside(message, NULL); /* which refuses it */
    return true;
}

/* Whatever was replied aside, if it is a reply. */
static Reply http_take_reply(HttpMessage *message)
{
    Reply reply = {0};

    if (message->reply.status > 0)
        reply = message->reply;
    else
        http_call_handler(message, &reply);
    message->reply = (Reply){0};
    if (reply.is_parked && http_is_stopping(message->http))
        reply_stopping(&reply);
    return reply;
}

static enum MHD_Result http_answer(HttpMessage *message)
{
    Http *http = message->http;
    unsigned generation = atomic_load(&http->generation);

    peers_answer(http->peers, http_peer(message->connection));
    http_count_answering(message, true);
    if (message->is_refused)
        return http_send(message, &message->refusal, false);
    if (http_goes_aside(message))
        return MHD_YES;

    Reply reply = http_take_reply(message);

    if (!reply.is_parked)
        return http_send(message, &reply, false);
    http_park(message, generation, reply.parked_until_ms);
    return MHD_YES;
}

/* --- a request's headers --- */

static enum MHD_Result http_read_framing(void *data, enum MHD_ValueKind kind, const char *name,
                                         const char *value)
{
    framing_note(data, name, value);
    return MHD_YES;
}

/* What the door says, unless it is refused for all alike. */
static bool http_admit(HttpMessage *message, const Framing *framing)
{
    Http *http = message->http;
    Reply *refusal = &message->refusal;

    if (framing_is_ambiguous(framing)) {
        reply_refusal(refusal, MHD_HTTP_BAD_REQUEST, "BAD_REQUEST",
                      "it is not clear how long the request's body is",
                      "Send one Content-Length, or one \"Transfer-Encoding: chunked\".");
        return false;
    }
    if (message->is_query_too_long) {
        reply_refusal(refusal, MHD_HTTP_URI_TOO_LONG, "BAD_REQUEST",
                      "the query is too long, or has more than 100 arguments",
                      "No route has more than three.");
        return false;
    }
    if (!http->spec.admit(&message->request, refusal, http->spec.data))
        return false;
    if (framing->n_encodings > 0 || framing->length <= HTTP_BODY_MAX)
        return true;
    reply_too_large(refusal);
    return false;
}

/*
 * What is refused and has a body gets its answer now, and its connection ends with it: the body is
 * not read. Anything else is answered when libmicrohttpd calls again.
 */
static enum MHD_Result http_begin(HttpMessage *message)
{
    Peer *peer = http_peer(message->connection);
    Peers *peers = message->http->peers;
    Framing framing = {0};

    MHD_get_connection_values(message->connection, MHD_HEADER_KIND, http_read_framing, &framing);
    message->is_refused = !http_admit(message, &framing);
    message->keeps_body = !message->is_refused && message->request.principal.role > ROLE_ANYONE;
    if (message->keeps_body)
        peers_know(peers, peer);
    if (!message->is_refused || (framing.length == 0 && !framing_is_ambiguous(&framing))) {
        peers_ask(peers, peer, clock_monotonic_ms());
        return MHD_YES;
    }
    peers_cut(peers, peer);
    peers_answer(peers, peer);
    http_count_answering(message, true);
    return http_send(message, &message->refusal, true);
}

/*
 * Called with the request line, before its query is taken apart. Each argument costs libmicrohttpd
 * some memory of the connection's, and when that is gone nothing is left to answer with: the
 * connection hangs (0.9.75). So a query of many, or a long one, is cut off here; the line is in a
 * buffer of the connection's, and const for politeness.
 */
static void *http_see_line(void *data, const char *uri, struct MHD_Connection *connection)
{
    HttpMessage *message = http_message_new(data, connection);
    char *query = strchr((char *)(uintptr_t)uri, '?');
    unsigned n_arguments = 1;

    for (const char *c = query; c && *c; c++)
        n_arguments += *c == '&';
    message->is_query_too_long =
        n_arguments > HTTP_ARGUMENTS_MAX || (query && strlen(uri) > HTTP_QUERY_MAX);
    if (message->is_query_too_long)
        query[1] = '\0';
    return message;
}

static enum MHD_Result http_access(void *data, struct MHD_Connection *connection, const char *url,
                                   const char *method, const char *version, const char *upload,
                                   size_t *upload_size, void **con_cls)
{
    HttpMessage *message = *con_cls;

    if (!message->has_begun) {
        message->has_begun = true;
        message->path = framing_clean_path(url);
        message->request.path = message->path;
        message->request.method = method;
        return http_begin(message);
    }
    if (*upload_size > 0) {
        bool goes_on = http_message_append(message, upload, *upload_size);
        *upload_size = 0;
        return goes_on ? MHD_YES : MHD_NO;
    }
    return http_answer(message);
}

static void http_connection_changed(void *data, struct MHD_Connection *connection,
                                    void **socket_context, enum MHD_ConnectionNotificationCode code)
{
    Http *http = data;
    int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    const struct sockaddr *address =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;

    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        *socket_context = peers_join(http->peers, fd, address, clock_monotonic_ms());
    else
        peers_leave(http->peers, *socket_context, clock_monotonic_ms());
}

/* --- listening --- */

static Error *http_listen(const HttpSpec *spec, int *ret_fd)
{
    Error *e = listener_open_host(spec->host, spec->port, ret_fd);

    return error_hint(
        e, "Is another rametd running there? server.host and server.port say where to listen.");
}

static void http_log(void *unused, const char *fmt, va_list args)
{
    g_autofree char *text = g_strdup_vprintf(fmt, args);

    log_debug("libmicrohttpd", "text", g_strstrip(text));
}

/* Descriptors are left for everything else: a flood of connections must not keep clones from starting. */
static unsigned http_connections_max(void)
{
    struct rlimit files = {0};

    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        return HTTP_CONNECTIONS / 4;
    return (unsigned)CLAMP(files.rlim_cur / 2, HTTP_THREADS, HTTP_CONNECTIONS);
}

static struct MHD_Daemon *http_start_daemon(Http *http)
{
    unsigned flags =
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG | MHD_USE_ITC;

    return MHD_start_daemon(
        flags, 0, NULL, NULL, http_access, http, MHD_OPTION_EXTERNAL_LOGGER, http_log, NULL,
        MHD_OPTION_LISTEN_SOCKET, http->socket, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)HTTP_THREADS,
        MHD_OPTION_CONNECTION_LIMIT, http_connections_max(), MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)HTTP_MEMORY_LIMIT, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_IDLE_S,
        MHD_OPTION_URI_LOG_CALLBACK, http_see_line, http, MHD_OPTION_NOTIFY_COMPLETED,
        http_message_free, http, MHD_OPTION_NOTIFY_CONNECTION, http_connection_changed, http,
        MHD_OPTION_END);
}

/* Without its threads, or libmicrohttpd's, there is no server. */
static Error *http_run(Http *http)
{
    g_autoptr(GError) problem = NULL;

    http->aside = g_thread_pool_new(http_run_aside, http, HTTP_ASIDE, TRUE, &problem);
    if (!problem)
        http->timer = g_thread_try_new("http-timer", http_run_timer, http, &problem);
    if (problem)
        return error_new(ERR_EXTERNAL, "cannot start the HTTP server: %s", problem->message);
    http->daemon = http_start_daemon(http);
    return http->daemon ? NULL : error_new(ERR_EXTERNAL, "cannot start the HTTP server");
}

Error *http_start(const HttpSpec *spec, Http **ret_http)
{
    int fd = -1;

    TRY(http_listen(spec, &fd));
    g_autoptr(Http) http = g_new0(Http, 1);
    http->spec = *spec;
    http->socket = fd;
    http->peers = peers_new(http_connections_max() / 2);
    http->parked = g_ptr_array_new();
    g_mutex_init(&http->lock);
    g_cond_init(&http->parked_changed);
    g_cond_init(&http->answered);
    TRY(http_run(http));
    *ret_http = g_steal_pointer(&http);
    return NULL;
}

/*
 * What is parked is answered now, and no new request is begun. The moment for answers begins when
 * nothing runs aside any more: what was done there is told.
 */
static void http_end_requests(Http *http)
{
    g_mutex_lock(&http->lock);
    http->is_stopping = true;
    g_cond_signal(&http->parked_changed);
    g_mutex_unlock(&http->lock);
    if (http->daemon)
        http->socket = MHD_quiesce_daemon(http->daemon);
    http_wake(http);
    if (http->aside)
        g_thread_pool_free(g_steal_pointer(&http->aside), FALSE, TRUE);

    int64_t end_us = g_get_monotonic_time() + HTTP_END_MS * 1000;

    g_mutex_lock(&http->lock);
    while (http->n_answering > 0 && g_cond_wait_until(&http->answered, &http->lock, end_us))
        ;
    g_mutex_unlock(&http->lock);
}

void http_stop(Http *http)
{
    if (!http)
        return;
    http_end_requests(http);
    if (http->timer)
        g_thread_join(http->timer);
    if (http->daemon)
        MHD_stop_daemon(http->daemon);
    fs_close_fd(&http->socket);
    peers_free(http->peers);
    g_ptr_array_unref(http->parked);
    g_mutex_clear(&http->lock);
    g_cond_clear(&http->parked_changed);
    g_cond_clear(&http->answered);
    g_free(http);
}

int64_t http_port(const Http *http)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;

    getsockname(http->socket, (struct sockaddr *)&address, &size);
    return ntohs(address.ss_family == AF_INET6
                     ? ((const struct sockaddr_in6 *)(const void *)&address)->sin6_port
                     : ((const struct sockaddr_in *)(const void *)&address)->sin_port);
}

const char *http_header(const Request *request, const char *name)
{
    return request->look_up(request, HTTP_HEADER, name);
}

const char *http_query(const Request *request, const char *name)
{
    return request->look_up(request, HTTP_QUERY, name);
}

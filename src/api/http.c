/*
 * HTTP by libmicrohttpd: epoll and a few threads. The parked are in one list; a wake, or the timer
 * at the first deadline, resumes them and libmicrohttpd calls their handlers again. A change that
 * comes between a handler's look and its parking is not lost: the generation it saw is compared
 * when it is parked.
 */
#include "api/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdatomic.h>
#include <string.h>

#include "api/reply.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"

#define HTTP_THREADS      4
#define HTTP_CONNECTIONS  2000
#define HTTP_MEMORY_LIMIT (32 * 1024) /* request line and headers of one connection */
#define HTTP_IDLE_S       30
#define HTTP_UPLOAD_MAX   (16 * HTTP_BODY_MAX)
#define HTTP_BACKLOG      511

struct HttpMessage {
    Request request; /* first */
    Http *http;
    struct MHD_Connection *connection;
    GString *body;
    char *path;
    size_t n_received;
    int64_t parked_until_ms;
};

struct Http {
    HttpSpec spec;
    struct MHD_Daemon *daemon;
    int socket;
    atomic_uint generation; /* counts the wakes */
    GMutex lock;
    GCond parked_changed;
    GPtrArray *parked; /* of HttpMessage * */
    GThread *timer;
    bool is_stopping;
};

/* --- one message --- */

/* One slash for several, none at the end: other servers redirect then, and the body is lost. */
static char *http_clean_path(const char *url)
{
    GString *path = g_string_new(NULL);

    for (const char *c = url; *c; c++)
        if (*c != '/' || path->len == 0 || path->str[path->len - 1] != '/')
            g_string_append_c(path, *c);
    if (path->len > 1 && path->str[path->len - 1] == '/')
        g_string_truncate(path, path->len - 1);
    return g_string_free(path, FALSE);
}

static HttpMessage *http_message_new(Http *http, struct MHD_Connection *connection, const char *url,
                                     const char *method)
{
    HttpMessage *message = g_new0(HttpMessage, 1);

    message->http = http;
    message->connection = connection;
    message->body = g_string_new(NULL);
    message->path = http_clean_path(url);
    message->request.method = method;
    message->request.path = message->path;
    message->request.began_ms = clock_monotonic_ms();
    message->request.message = message;
    return message;
}

static void http_message_free(void *unused, struct MHD_Connection *connection, void **con_cls,
                              enum MHD_RequestTerminationCode code)
{
    HttpMessage *message = *con_cls;

    if (!message)
        return;
    if (message->request.free_state)
        message->request.free_state(message->request.state);
    g_free(message->request.id);
    g_string_free(message->body, TRUE);
    g_free(message->path);
    g_free(message);
    *con_cls = NULL;
}

/* Too much is read on for a while: the client gets an answer, not a reset. False = no longer. */
static bool http_message_append(HttpMessage *message, const char *data, size_t size)
{
    message->n_received += size;
    if (message->n_received <= HTTP_BODY_MAX)
        g_string_append_len(message->body, data, (gssize)size);
    return message->n_received <= HTTP_UPLOAD_MAX;
}

static enum MHD_Result http_send(HttpMessage *message, Reply *reply)
{
    size_t size = reply->body ? strlen(reply->body) : 0;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(size, reply->body, MHD_RESPMEM_MUST_COPY);

    g_free(reply->body);
    if (!response)
        return MHD_NO;
    if (reply->content_type)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type);
    if (reply->allow)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, reply->allow);
    g_free(reply->allow);
    enum MHD_Result result = MHD_queue_response(message->connection, reply->status, response);
    MHD_destroy_response(response);
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
        int64_t next_ms = http_resume_due_locked(http);
        if (next_ms < 0 || next_ms == INT64_MAX) /* without a deadline; in µs it would overflow */
            g_cond_wait(&http->parked_changed, &http->lock);
        else
            g_cond_wait_until(&http->parked_changed, &http->lock, next_ms * 1000);
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

static enum MHD_Result http_answer(HttpMessage *message)
{
    Http *http = message->http;
    Reply reply = {0};
    unsigned generation = atomic_load(&http->generation);

    message->request.body = message->body->str;
    message->request.body_size = message->body->len;
    if (message->n_received > HTTP_BODY_MAX)
        message->request.body = NULL;
    http->spec.handle(&message->request, &reply, http->spec.data);
    if (reply.is_parked && http_is_stopping(http)) {
        reply.is_parked = false;
        reply_refusal(&reply, MHD_HTTP_SERVICE_UNAVAILABLE, "INTERNAL_ERROR",
                      "the server is stopping",
                      "Ask again when it is back: what was accepted goes on.");
    }
    if (!reply.is_parked)
        return http_send(message, &reply);
    http_park(message, generation, reply.parked_until_ms);
    return MHD_YES;
}

static enum MHD_Result http_access(void *data, struct MHD_Connection *connection, const char *url,
                                   const char *method, const char *version, const char *upload,
                                   size_t *upload_size, void **con_cls)
{
    HttpMessage *message = *con_cls;

    if (!message) {
        *con_cls = http_message_new(data, connection, url, method);
        return MHD_YES;
    }
    if (*upload_size > 0) {
        bool goes_on = http_message_append(message, upload, *upload_size);
        *upload_size = 0;
        return goes_on ? MHD_YES : MHD_NO;
    }
    return http_answer(message);
}

/* --- listening --- */

static Error *http_listen(const HttpSpec *spec, int *ret_fd)
{
    g_autofree char *port = g_strdup_printf("%" G_GINT64_FORMAT, spec->port);
    const char *host = *spec->host ? spec->host : NULL;
    struct addrinfo *address = NULL;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE,
                                   .ai_family = host ? AF_UNSPEC : AF_INET6};
    int on = 1, off = 0;

    int failure = getaddrinfo(host, port, &hints, &address);
    if (failure)
        return error_new(ERR_INVALID, "cannot listen on \"%s\": %s", spec->host,
                         gai_strerror(failure));
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool is_listening =
        fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        (host || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0) &&
        bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, HTTP_BACKLOG) == 0;
    int err = errno;
    freeaddrinfo(address);
    if (is_listening) {
        *ret_fd = fd;
        return NULL;
    }
    fs_close_fd(&fd);
    Error *e = error_errno(err, "cannot listen on %s:%s", *spec->host ? spec->host : "*", port);
    return error_hint(
        e, "Is another rametd running there? server.host and server.port say where to listen.");
}

static void http_log(void *unused, const char *fmt, va_list args)
{
    g_autofree char *text = g_strdup_vprintf(fmt, args);

    log_debug("libmicrohttpd", "text", g_strstrip(text));
}

static struct MHD_Daemon *http_start_daemon(Http *http)
{
    unsigned flags =
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG | MHD_USE_ITC;

    return MHD_start_daemon(
        flags, 0, NULL, NULL, http_access, http, MHD_OPTION_EXTERNAL_LOGGER, http_log, NULL,
        MHD_OPTION_LISTEN_SOCKET, http->socket, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)HTTP_THREADS,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)HTTP_MEMORY_LIMIT, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_IDLE_S,
        MHD_OPTION_NOTIFY_COMPLETED, http_message_free, NULL, MHD_OPTION_END);
}

Error *http_start(const HttpSpec *spec, Http **ret_http)
{
    int fd = -1;

    TRY(http_listen(spec, &fd));
    Http *http = g_new0(Http, 1);
    http->spec = *spec;
    http->socket = fd;
    http->parked = g_ptr_array_new();
    g_mutex_init(&http->lock);
    g_cond_init(&http->parked_changed);
    http->timer = g_thread_new("http-timer", http_run_timer, http);
    http->daemon = http_start_daemon(http);
    if (!http->daemon) {
        http_stop(http);
        return error_new(ERR_EXTERNAL, "cannot start the HTTP server");
    }
    *ret_http = http;
    return NULL;
}

void http_stop(Http *http)
{
    if (!http)
        return;
    g_mutex_lock(&http->lock);
    http->is_stopping = true;
    g_cond_signal(&http->parked_changed);
    g_mutex_unlock(&http->lock);
    http_wake(http);
    g_thread_join(http->timer);
    if (http->daemon)
        MHD_stop_daemon(http->daemon); /* closes the socket */
    else
        fs_close_fd(&http->socket);
    g_ptr_array_unref(http->parked);
    g_mutex_clear(&http->lock);
    g_cond_clear(&http->parked_changed);
    g_free(http);
}

const char *http_header(const Request *request, const char *name)
{
    return MHD_lookup_connection_value(request->message->connection, MHD_HEADER_KIND, name);
}

const char *http_query(const Request *request, const char *name)
{
    return MHD_lookup_connection_value(request->message->connection, MHD_GET_ARGUMENT_KIND, name);
}

/*
 * A message is a request, answered at once by one message. Nothing waits for a control client: one
 * that sends without reading, so that a reply has no room, is closed, and so is one that breaks the
 * rules of the socket. Root and our own user may come; others never get an answer.
 */
#include "gateway/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "gateway/request.h"

#define CONTROL_BACKLOG     16
#define CONTROL_CLIENTS_MAX 32
#define CONTROL_LONELY_MS   10000

struct Control {
    Loop *loop;
    Doors *doors;
    Watch listener;
    GQueue clients; /* ControlClient, owned */
    Timer lonely;   /* nobody has come yet */
    int64_t started_ms;
    char message[GATEWAY_REQUEST_MAX];
};

typedef struct ControlClient {
    Control *control;
    GList link; /* in clients */
    Watch watch;
} ControlClient;

/* --- verbs: each adds to the reply --- */

static Error *control_hello(Control *control, const Request *request, json_t *reply)
{
    int64_t n_clones = 0, n_connections = 0;

    doors_count(control->doors, &n_clones, &n_connections);
    json_object_set_new(reply, "version", json_string(RAMET_VERSION));
    json_object_set_new(reply, "pid", json_integer(getpid()));
    json_object_set_new(reply, "uptime_ms",
                        json_integer(clock_monotonic_ms() - control->started_ms));
    json_object_set_new(reply, "clones", json_integer(n_clones));
    json_object_set_new(reply, "connections", json_integer(n_connections));
    return NULL;
}

static Error *control_add(Control *control, const Request *request, json_t *reply)
{
    return doors_add(control->doors, &request->clone);
}

static Error *control_remove(Control *control, const Request *request, json_t *reply)
{
    doors_remove(control->doors, request->id);
    return NULL;
}

static Error *control_hold(Control *control, const Request *request, json_t *reply)
{
    return doors_hold(control->doors, request->id, request->timeout_ms);
}

static Error *control_release(Control *control, const Request *request, json_t *reply)
{
    return doors_release(control->doors, request->id);
}

static Error *control_list(Control *control, const Request *request, json_t *reply)
{
    bool is_all = false;

    json_object_set_new(reply, "clones", doors_list(control->doors, request->after, &is_all));
    json_object_set_new(reply, "more", json_boolean(!is_all));
    return NULL;
}

static Error *control_quit(Control *control, const Request *request, json_t *reply)
{
    log_info("told to quit");
    loop_quit(control->loop);
    return NULL;
}

static Error *(*const control_verbs[REQUEST_N_VERBS])(Control *control, const Request *request,
                                                      json_t *reply) = {
    [REQUEST_HELLO] = control_hello,     [REQUEST_ADD] = control_add,
    [REQUEST_REMOVE] = control_remove,   [REQUEST_HOLD] = control_hold,
    [REQUEST_RELEASE] = control_release, [REQUEST_LIST] = control_list,
    [REQUEST_QUIT] = control_quit,
};

/* --- messages --- */

static Error *control_perform(Control *control, size_t length, json_t *reply)
{
    g_auto(Request) request = {0};

    TRY(request_read(control->message, length, &request));
    return control_verbs[request.verb](control, &request, reply);
}

/* The text of the answer; caller frees. */
static char *control_answer(Control *control, size_t length)
{
    g_autoptr(json_t) reply = reply_new();
    g_autoptr(Error) e = length > sizeof(control->message)
                             ? error_new(ERR_INVALID, "the message is longer than %zu bytes",
                                         sizeof(control->message))
                             : control_perform(control, length, reply);

    if (!e)
        return json_dumps(reply, JSON_COMPACT);

    g_autoptr(json_t) failure = reply_failure(e);

    log_failure(LOG_LEVEL_DEBUG, e, "a request failed", NULL);
    return json_dumps(failure, JSON_COMPACT);
}

/* Without clones and without a rametd nobody would ever end it. */
static void control_quit_if_useless(Control *control)
{
    int64_t n_clones = 0, n_connections = 0;

    doors_count(control->doors, &n_clones, &n_connections);
    if (n_clones > 0 || control->clients.length > 0)
        return;
    log_info("neither clones nor rametd: the gateway ends");
    loop_quit(control->loop);
}

static void control_on_lonely(Timer *timer)
{
    control_quit_if_useless(timer->data);
}

static void control_end_client(ControlClient *client)
{
    Control *control = client->control;

    g_queue_unlink(&control->clients, &client->link);
    loop_unwatch(control->loop, &client->watch);
    close(client->watch.fd);
    g_free(client);
    control_quit_if_useless(control);
}

/* One message a round. An empty one cannot be told from the end. */
static void control_on_message(Watch *watch, uint32_t events)
{
    ControlClient *client = watch->data;
    Control *control = client->control;
    ssize_t length = recv(watch->fd, control->message, sizeof(control->message),
                          MSG_DONTWAIT | MSG_TRUNC); /* the true length */

    if (length < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (length <= 0) {
        control_end_client(client);
        return;
    }

    char *answer = control_answer(control, (size_t)length);

    if (send(watch->fd, answer, strlen(answer), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
        log_warn("a control client did not take its reply: closed", "why", g_strerror(errno));
        control_end_client(client);
    }
    free(answer); /* jansson's */
}

/* --- clients --- */

static bool control_may_enter(const Control *control, int fd)
{
    struct ucred peer;
    socklen_t length = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
        return false;
    if (peer.uid != 0 && peer.uid != geteuid()) {
        g_autofree char *uid = g_strdup_printf("%u", peer.uid);

        log_warn("a control client was refused", "uid", uid);
        return false;
    }
    return control->clients.length < CONTROL_CLIENTS_MAX;
}

static void control_on_client(Watch *watch, uint32_t events)
{
    Control *control = watch->data;
    AUTO_FD fd = accept4(watch->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0 || !control_may_enter(control, fd))
        return;

    ControlClient *client = g_new0(ControlClient, 1);

    client->control = control;
    client->link.data = client;
    client->watch = (Watch){.fd = g_steal_fd(&fd), .on_ready = control_on_message, .data = client};
    g_queue_push_tail_link(&control->clients, &client->link);

    Error *e = loop_watch(control->loop, &client->watch, EPOLLIN);
    if (e)
        control_end_client(client);
    error_ignore(e, "a control client was not let in");
}

/* --- open and close --- */

static int control_option(int fd, int name)
{
    int value = -1;
    socklen_t length = sizeof(value);

    return getsockopt(fd, SOL_SOCKET, name, &value, &length) < 0 ? -1 : value;
}

static Error *control_check_socket(int fd)
{
    if (control_option(fd, SO_DOMAIN) != AF_UNIX || control_option(fd, SO_TYPE) != SOCK_SEQPACKET ||
        control_option(fd, SO_ACCEPTCONN) != 1)
        return error_hint(error_new(ERR_INVALID, "descriptor %d is not a control socket", fd),
                          "rametd starts the gateway, and gives it a Unix socket of type "
                          "SOCK_SEQPACKET that listens.");
    return NULL;
}

/* Listening again makes us, and not rametd, whom clients see behind the socket (SO_PEERCRED). */
static Error *control_prepare_socket(int fd)
{
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ||
        listen(fd, CONTROL_BACKLOG) < 0)
        return error_errno(errno, "could not prepare the control socket");
    return NULL;
}

Error *control_open_take(Loop *loop, Doors *doors, int fd, Control **ret_control)
{
    AUTO_FD owned = fd;

    TRY(control_check_socket(fd));
    TRY(control_prepare_socket(fd));

    g_autofree Control *control = g_new0(Control, 1);

    control->loop = loop;
    control->doors = doors;
    control->started_ms = clock_monotonic_ms();
    control->listener = (Watch){.fd = fd, .on_ready = control_on_client, .data = control};
    TRY(loop_watch(loop, &control->listener, EPOLLIN));
    control->lonely = (Timer){.on_due = control_on_lonely, .data = control};
    loop_set_timer(loop, &control->lonely, CONTROL_LONELY_MS);
    g_steal_fd(&owned);
    *ret_control = g_steal_pointer(&control);
    return NULL;
}

void control_close(Control *control)
{
    if (!control)
        return;
    while (control->clients.head)
        control_end_client(control->clients.head->data);
    loop_stop_timer(control->loop, &control->lonely);
    loop_unwatch(control->loop, &control->listener);
    close(control->listener.fd);
    g_free(control);
}

/*
 * libpq connects to a socket of ours, in the abstract name space under a name that nobody knows, and
 * the bytes are carried between that and the server's socket while libpq waits: there is no thread.
 */
#include "postgres/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/secret.h"

#define WIRE_PORTION    16384
#define WIRE_NAME_BYTES 24
#define WIRE_HEAD       5    /* of a message: its type, and its length without that */
#define WIRE_SETTING    'S'  /* ParameterStatus */
#define WIRE_SETTINGS   1000 /* libpq goes through all it has been told of for each: a list */

/* Bytes on their way in one direction. */
typedef struct Portion {
    char bytes[WIRE_PORTION];
    size_t from, to;
    bool is_ended; /* there will be no more */
} Portion;

/*
 * Where the server's bytes are in its messages. Source: PostgreSQL's documentation, "Message
 * Formats". libpq ends a connection whose messages are not so.
 */
typedef struct Messages {
    unsigned char head[WIRE_HEAD];
    size_t n_head;
    size_t n_body; /* still to come */
    unsigned n_settings;
} Messages;

struct Wire {
    char *place;  /* "@ramet-…"                                         */
    int listener; /* until libpq has come                               */
    int near;     /* libpq's bytes come and go here                     */
    int server;   /* the server's                                       */
    size_t left;  /* what the server may still send                     */
    Messages messages;
    Portion to_us; /* from the server to libpq                           */
    Portion to_server;
};

/* --- opening --- */

/* The name that libpq makes of host "@x" and its port, from PostgreSQL 14's libpq on. */
static socklen_t wire_address(const Wire *wire, struct sockaddr_un *address)
{
    g_autofree char *path = g_strconcat(wire->place, "/.s.PGSQL." WIRE_PORT, NULL);
    size_t length = strlen(path);

    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    g_assert(length < sizeof(address->sun_path));
    memcpy(address->sun_path + 1, path + 1, length - 1);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

Error *wire_open_take(int server_fd, Wire **ret_wire)
{
    g_autoptr(Wire) wire = g_new0(Wire, 1);
    g_autofree char *name = secret_random(WIRE_NAME_BYTES);
    struct sockaddr_un address;

    wire->near = -1;
    wire->server = server_fd;
    wire->place = g_strconcat("@ramet-", name, NULL);
    wire->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    socklen_t length = wire_address(wire, &address);

    if (wire->listener < 0 || bind(wire->listener, (const struct sockaddr *)&address, length) < 0 ||
        listen(wire->listener, 1) < 0)
        return error_errno(errno, "could not make a line to PostgreSQL");
    *ret_wire = g_steal_pointer(&wire);
    return NULL;
}

const char *wire_place(const Wire *wire)
{
    return wire->place;
}

Error *wire_accept(Wire *wire)
{
    struct ucred peer = {0};
    socklen_t size = sizeof(peer);

    wire->near = accept4(wire->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (wire->near < 0 || getsockopt(wire->near, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
        return error_errno(errno, "could not make a line to PostgreSQL");
    if (peer.pid != getpid())
        return error_new(ERR_DENIED, "process %d has come to a line that is not its own", peer.pid);
    fs_close_fd(&wire->listener);
    wire->listener = -1;
    return NULL;
}

void wire_allow(Wire *wire, size_t max_bytes)
{
    wire->left = max_bytes;
    wire->messages.n_settings = 0;
}

/* --- carrying --- */

static bool portion_is_empty(const Portion *portion)
{
    return portion->from == portion->to;
}

/* Reads what is there, at most max bytes. The end and a broken connection are the same to libpq. */
static void portion_fill(Portion *portion, int fd, size_t max)
{
    ssize_t n = recv(fd, portion->bytes, MIN(max, sizeof(portion->bytes)), MSG_DONTWAIT);

    portion->from = 0;
    portion->to = n > 0 ? (size_t)n : 0;
    portion->is_ended = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

static void portion_empty(Portion *portion, int fd)
{
    ssize_t n = send(fd, portion->bytes + portion->from, portion->to - portion->from,
                     MSG_DONTWAIT | MSG_NOSIGNAL);

    if (n > 0)
        portion->from += (size_t)n;
    else if (n < 0 && errno != EAGAIN && errno != EINTR)
        portion->from = portion->to; /* nobody is there to take it: the other direction tells */
}

/* What to wait for at an end that one portion comes from and the other goes to. */
static short wire_events(const Portion *from, const Portion *to)
{
    short events = 0;

    if (portion_is_empty(from) && !from->is_ended)
        events |= POLLIN;
    if (!portion_is_empty(to))
        events |= POLLOUT;
    return events;
}

static void messages_begin(Messages *messages)
{
    uint32_t length;

    memcpy(&length, messages->head + 1, sizeof(length));
    length = ntohl(length);
    messages->n_head = 0;
    messages->n_body = length > sizeof(length) ? length - sizeof(length) : 0;
    messages->n_settings += messages->head[0] == WIRE_SETTING;
}

static void messages_follow(Messages *messages, const char *bytes, size_t n)
{
    while (n > 0) {
        bool is_head = messages->n_body == 0;
        size_t size = MIN(n, is_head ? WIRE_HEAD - messages->n_head : messages->n_body);

        if (is_head)
            memcpy(messages->head + messages->n_head, bytes, size);
        messages->n_head += is_head ? size : 0;
        messages->n_body -= is_head ? 0 : size;
        if (messages->n_head == WIRE_HEAD)
            messages_begin(messages);
        bytes += size;
        n -= size;
    }
}

static Error *wire_read_server(Wire *wire)
{
    portion_fill(&wire->to_us, wire->server, wire->left + 1);

    size_t n = wire->to_us.to - wire->to_us.from;
    messages_follow(&wire->messages, wire->to_us.bytes, n);
    if (n > wire->left || wire->messages.n_settings > WIRE_SETTINGS)
        return error_new(ERR_EXTERNAL, "PostgreSQL has sent more than can be an answer");
    wire->left -= n;
    if (wire->to_us.is_ended)
        shutdown(wire->near, SHUT_WR);
    return NULL;
}

static Error *wire_carry(Wire *wire, short near, short server)
{
    if (near & POLLOUT)
        portion_empty(&wire->to_us, wire->near);
    if (server & POLLOUT)
        portion_empty(&wire->to_server, wire->server);
    if (portion_is_empty(&wire->to_server) && !wire->to_server.is_ended && (near & ~POLLOUT))
        portion_fill(&wire->to_server, wire->near, WIRE_PORTION);
    if (portion_is_empty(&wire->to_us) && !wire->to_us.is_ended && (server & ~POLLOUT))
        TRY(wire_read_server(wire));
    return NULL;
}

Error *wire_wait(Wire *wire, int fd, short events, int cancel_fd, int64_t deadline_ms)
{
    for (;;) {
        short near = wire_events(&wire->to_server, &wire->to_us);
        short server = wire_events(&wire->to_us, &wire->to_server);
        struct pollfd fds[] = {
            {.fd = cancel_fd, .events = POLLIN},
            {.fd = fd, .events = events},
            {.fd = near ? wire->near : -1, .events = near},
            {.fd = server ? wire->server : -1, .events = server},
        };
        int64_t left_ms = deadline_ms ? deadline_ms - clock_monotonic_ms() : -1;

        if (deadline_ms && left_ms <= 0)
            return error_new(ERR_TIMEOUT, "PostgreSQL did not answer in time");
        if (poll(fds, G_N_ELEMENTS(fds), (int)MIN(left_ms, G_MAXINT)) < 0 && errno != EINTR)
            return error_errno(errno, "waiting for PostgreSQL");
        if (fds[0].revents)
            return error_new(ERR_TIMEOUT, "cancelled");
        TRY(wire_carry(wire, fds[2].revents, fds[3].revents));
        if (fds[1].revents)
            return NULL;
    }
}

/* libpq's last words, its good-bye, are handed on if the server takes them at once. */
void wire_close(Wire *wire)
{
    if (!wire)
        return;
    if (wire->near >= 0 && portion_is_empty(&wire->to_server)) {
        portion_fill(&wire->to_server, wire->near, WIRE_PORTION);
        portion_empty(&wire->to_server, wire->server);
    }
    fs_close_fd(&wire->listener);
    fs_close_fd(&wire->near);
    fs_close_fd(&wire->server);
    g_free(wire->place);
    g_free(wire);
}

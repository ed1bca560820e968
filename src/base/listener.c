/*
 * Listening. A kernel without IPv6 knows no address of all families: IPv4's alone is taken then.
 */
#include "base/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "base/fs.h"
#include "base/text.h"

typedef struct ListenerOption {
    int level;
    int name;
    int value;
} ListenerOption;

static const ListenerOption listener_options[] = {
    {SOL_SOCKET, SO_REUSEADDR, 1}, /* connections of the port's last owner that linger */
    {SOL_SOCKET, SO_KEEPALIVE, 1},    {IPPROTO_TCP, TCP_KEEPIDLE, 60},
    {IPPROTO_TCP, TCP_KEEPINTVL, 10}, {IPPROTO_TCP, TCP_KEEPCNT, 6},
    {IPPROTO_TCP, TCP_NODELAY, 1},
};

static const struct {
    int err;
    ErrorCode code;
    const char *why;
} listener_failures[] = {
    {EADDRINUSE, ERR_CONFLICT, "it is in use"},
    {EADDRNOTAVAIL, ERR_INVALID, "this machine has no such address"},
    {EACCES, ERR_DENIED, "the port is for root alone"},
};

static Error *listener_failed(int err, const char *address, int64_t port)
{
    for (size_t i = 0; i < G_N_ELEMENTS(listener_failures); i++)
        if (listener_failures[i].err == err)
            return error_new(listener_failures[i].code,
                             "cannot listen at address \"%s\" port %" G_GINT64_FORMAT ": %s",
                             address, port, listener_failures[i].why);
    return error_errno(err, "could not listen at address \"%s\" port %" G_GINT64_FORMAT, address,
                       port);
}

static int listener_set_options(int fd, int family, bool is_for_all)
{
    int only = !is_for_all;

    for (size_t i = 0; i < G_N_ELEMENTS(listener_options); i++) {
        const ListenerOption *option = &listener_options[i];

        if (setsockopt(fd, option->level, option->name, &option->value, sizeof(int)) < 0)
            return -1;
    }
    if (family != AF_INET6)
        return 0;
    return setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
}

/* flags: AI_NUMERICHOST, or 0 where names may be looked up. */
static Error *listener_find(const char *address, int64_t port, int flags,
                            struct addrinfo **ret_found)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_flags = flags | AI_NUMERICSERV | AI_PASSIVE};
    g_autofree char *service = g_strdup_printf("%" G_GINT64_FORMAT, port);
    int failure = getaddrinfo(address, service, &hints, ret_found);

    if (failure == 0)
        return NULL;

    g_autofree char *shown = text_printable(address, 64);

    if (flags & AI_NUMERICHOST)
        return error_new(ERR_INVALID, "\"%s\" is not an address", shown);
    return error_new(ERR_INVALID, "cannot listen at \"%s\": %s", shown, gai_strerror(failure));
}

/* Returns the socket, or -1 with errno. */
static int listener_bind(const struct addrinfo *where, bool is_for_all)
{
    AUTO_FD fd = socket(where->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 || listener_set_options(fd, where->ai_family, is_for_all) < 0 ||
        bind(fd, where->ai_addr, where->ai_addrlen) < 0 || listen(fd, SOMAXCONN) < 0)
        return -1;
    return g_steal_fd(&fd);
}

/* Of both families where the kernel has both. */
static int listener_bind_all(int64_t port)
{
    const struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    const struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_storage place = {0};
    struct addrinfo where = {
        .ai_family = AF_INET6, .ai_addr = (struct sockaddr *)&place, .ai_addrlen = sizeof(six)};

    memcpy(&place, &six, sizeof(six));
    int fd = listener_bind(&where, true);
    if (fd >= 0 || (errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL))
        return fd;

    where.ai_family = AF_INET;
    where.ai_addrlen = sizeof(four);
    memcpy(&place, &four, sizeof(four));
    return listener_bind(&where, false);
}

/* The first of the addresses that can be had. Returns the socket, or -1 with errno. */
static int listener_bind_first(const struct addrinfo *found)
{
    int fd = -1;

    for (const struct addrinfo *where = found; where && fd < 0; where = where->ai_next)
        fd = listener_bind(where, false);
    return fd;
}

static Error *listener_open_at(const char *address, int64_t port, int flags, int *ret_fd)
{
    struct addrinfo *found = NULL;
    int fd;

    if (g_str_equal(address, "*")) {
        fd = listener_bind_all(port);
    } else {
        TRY(listener_find(address, port, flags, &found));
        fd = listener_bind_first(found);
    }

    int err = errno;

    if (found)
        freeaddrinfo(found);
    if (fd < 0)
        return listener_failed(err, address, port);
    *ret_fd = fd;
    return NULL;
}

Error *listener_open(const char *address, int64_t port, int *ret_fd)
{
    return listener_open_at(address, port, AI_NUMERICHOST, ret_fd);
}

Error *listener_open_host(const char *host, int64_t port, int *ret_fd)
{
    return listener_open_at(*host ? host : "*", port, 0, ret_fd);
}

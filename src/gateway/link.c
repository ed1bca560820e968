/*
 * The socket is non-blocking; poll(2) waits until the deadline.
 */
#include "gateway/link.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"

Error *link_address(const char *path, struct sockaddr_un *ret_address)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof(address.sun_path))
        return error_hint(error_new(ERR_INVALID, "socket path \"%s\" is too long", path),
                          "It may have %zu bytes: choose a shorter state directory.",
                          sizeof(address.sun_path) - 1);
    memcpy(address.sun_path, path, strlen(path));
    *ret_address = address;
    return NULL;
}

/* A queue of clients that is full (EAGAIN) is waited for. */
typedef struct LinkAttempt {
    const struct sockaddr_un *address;
    int fd;
} LinkAttempt;

static Error *link_try(void *data, bool *ret_done)
{
    const LinkAttempt *attempt = data;
    const struct sockaddr *address = (const struct sockaddr *)attempt->address;

    *ret_done = connect(attempt->fd, address, sizeof(*attempt->address)) == 0;
    if (*ret_done || errno == EAGAIN || errno == EINTR)
        return NULL;
    if (errno == ENOENT || errno == ECONNREFUSED)
        return error_new(ERR_NOT_FOUND, "no gateway listens on \"%s\"", attempt->address->sun_path);
    return error_errno(errno, "could not connect to \"%s\"", attempt->address->sun_path);
}

Error *link_open(const char *path, int64_t deadline_ms, int *ret_fd)
{
    struct sockaddr_un address;

    TRY(link_address(path, &address));

    AUTO_FD fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    LinkAttempt attempt = {&address, fd};

    if (fd < 0)
        return error_errno(errno, "could not open a socket");
    TRY(wait_until(deadline_ms, link_try, &attempt));
    *ret_fd = g_steal_fd(&fd);
    return NULL;
}

void link_close(int fd)
{
    close(fd);
}

static Error *link_wait(int fd, short events, int64_t deadline_ms)
{
    struct pollfd ready = {.fd = fd, .events = events};
    int n;

    do {
        int64_t left_ms = deadline_ms - clock_monotonic_ms();

        n = poll(&ready, 1, (int)CLAMP(left_ms, 0, INT_MAX));
    } while (n < 0 && errno == EINTR);
    return n > 0 ? NULL : error_new(ERR_TIMEOUT, "it did not answer in time");
}

/* It ended, or is about to. */
static Error *link_failure(int err, const char *what)
{
    if (err == ECONNRESET || err == EPIPE)
        return error_new(ERR_NOT_FOUND, "it closed the connection");
    return error_errno(err, "%s", what);
}

Error *link_send(int fd, const char *text, int64_t deadline_ms)
{
    TRY(link_wait(fd, POLLOUT, deadline_ms));
    if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
        return link_failure(errno, "could not send a request");
    return NULL;
}

Error *link_receive(int fd, char *buffer, size_t size, int64_t deadline_ms, size_t *ret_length)
{
    TRY(link_wait(fd, POLLIN, deadline_ms));

    ssize_t length = recv(fd, buffer, size, MSG_TRUNC); /* the true length */

    if (length <= 0)
        return link_failure(length == 0 ? ECONNRESET : errno, "could not receive a reply");
    if ((size_t)length > size)
        return error_new(ERR_EXTERNAL, "the reply is longer than %zu bytes", size);
    *ret_length = (size_t)length;
    return NULL;
}

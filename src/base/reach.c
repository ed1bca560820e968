/*
 * The path is opened first, as what it is, and the socket is reached through that descriptor: what
 * was looked at is what is connected to, however fast its owner is with links. It also lifts the
 * limit of 107 bytes for such a path. Source: open(2) O_PATH, proc(5) /proc/self/fd.
 */
#include "base/reach.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/fs.h"

static const struct {
    int err;
    Reach reach;
} reach_failures[] = {
    {EAGAIN, REACH_BUSY},          {EMFILE, REACH_BUSY},    {ENFILE, REACH_BUSY},
    {ENOMEM, REACH_BUSY},          {ENOBUFS, REACH_BUSY},   {EINTR, REACH_BUSY},
    {ECONNREFUSED, REACH_MISSING}, {ENOENT, REACH_MISSING},
};

static Reach reach_failed(int err, int *ret_err)
{
    *ret_err = err;
    for (size_t i = 0; i < G_N_ELEMENTS(reach_failures); i++)
        if (reach_failures[i].err == err)
            return reach_failures[i].reach;
    return REACH_REFUSED;
}

/* 0, or -1 with errno. */
static int reach_connect(int fd, int path_fd)
{
    struct sockaddr_un where = {.sun_family = AF_UNIX};

    g_snprintf(where.sun_path, sizeof(where.sun_path), "/proc/self/fd/%d", path_fd);
    return connect(fd, (const struct sockaddr *)&where, sizeof(where));
}

Reach reach_socket(const char *path, int *ret_fd, int *ret_err)
{
    AUTO_FD path_fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat status;

    if (path_fd < 0 || fstat(path_fd, &status) < 0)
        return reach_failed(errno, ret_err);
    if (!S_ISSOCK(status.st_mode))
        return reach_failed(0, ret_err);

    AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 || reach_connect(fd, path_fd) < 0)
        return reach_failed(errno, ret_err);
    *ret_fd = g_steal_fd(&fd);
    return REACH_OK;
}

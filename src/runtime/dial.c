/*
 * A clone's superuser can put a link to another server's socket in the place of his own, or listen
 * there himself. The kernel tells which process listens: unix(7) SO_PEERCRED is of the moment of
 * listen(2), and a pidfd holds the instance's first process, which is postgres.
 */
#include "runtime/dial.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/fs.h"
#include "base/proc.h"
#include "base/reach.h"

static Error *dial_refused(void)
{
    return error_hint(
        error_new(ERR_DENIED, "what answers at the socket of the instance is not its postgres"),
        "A program in the clone has taken its place, as its superuser can. Reset the clone, or "
        "destroy it.");
}

static char *dial_pid_space(const char *pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%s/ns/pid", pid);

    return g_file_read_link(path, NULL);
}

/* In a container of an engine that puts an init of its own first, postgres comes after that. */
static bool dial_is_inside(pid_t first, pid_t peer)
{
    g_autofree char *first_text = g_strdup_printf("%d", first);
    g_autofree char *peer_text = g_strdup_printf("%d", peer);
    g_autofree char *ours = dial_pid_space("self");
    g_autofree char *its = dial_pid_space(first_text);
    g_autofree char *peers = dial_pid_space(peer_text);

    return ours && its && peers && g_str_equal(its, peers) && !g_str_equal(its, ours);
}

/* The first process of a clone stays what the engine has started: the word of the kernel counts. */
static bool dial_is_postgres(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/exe", pid);
    g_autofree char *program = g_file_read_link(path, NULL);

    return program && g_str_has_suffix(program, "/postgres");
}

static bool dial_is_behind_init(const DialTarget *target, pid_t first, pid_t peer)
{
    return target->has_init && !dial_is_postgres(first) && dial_is_inside(first, peer);
}

static Error *dial_prove(const DialTarget *target, int fd)
{
    struct ucred peer = {0};
    socklen_t size = sizeof(peer);
    pid_t first = 0;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
        return error_errno(errno, "could not see who listens at the socket of the instance");
    TRY(proc_pid_of(target->pidfd, &first));
    if (peer.pid == first || dial_is_behind_init(target, first, peer.pid))
        return NULL;
    return dial_refused();
}

Error *dial_instance(const DialTarget *target, int *ret_fd)
{
    g_autofree char *path =
        g_strdup_printf("%s/.s.PGSQL.%" G_GINT64_FORMAT, target->socket_dir, target->port);
    AUTO_FD fd = -1;
    int err = 0;

    switch (reach_socket(path, &fd, &err)) {
    case REACH_OK:
        TRY(dial_prove(target, fd));
        *ret_fd = g_steal_fd(&fd);
        return NULL;
    case REACH_BUSY:
        return error_new(ERR_BUSY, "could not connect to the socket of the instance: %s",
                         g_strerror(err));
    case REACH_MISSING:
        return error_new(ERR_EXTERNAL, "could not connect to the socket of the instance: %s",
                         g_strerror(err));
    default:
        return dial_refused();
    }
}

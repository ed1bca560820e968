/*
 * The control socket is made and listened on here, and given to the program as a descriptor: so it
 * has the right owner before anybody sees it, calls may be made at once and wait in its queue, and
 * the gateway needs no rights in the state directory. Killed in between, we leave a socket on which
 * nobody listens: the next launch replaces it. A gateway that lives holds the socket's listening
 * end, so its name is never taken away from it.
 */
#include "gateway/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/proc.h"
#include "gateway/link.h"

#define LAUNCH_BACKLOG  16
#define LAUNCH_FD       "3"  /* what the program has the socket as: see ProcSpec.pass_fd */
#define LAUNCH_END_MS   1000 /* from the end of its connections to its own */
#define LAUNCH_TAIL_MAX 2048

/* --- the lock --- */

static Error *launch_try_lock(void *data, bool *ret_done)
{
    const int *fd = data;

    *ret_done = flock(*fd, LOCK_EX | LOCK_NB) == 0;
    if (*ret_done || errno == EWOULDBLOCK || errno == EINTR)
        return NULL;
    return error_errno(errno, "could not lock the start of the gateway");
}

/* ret_fd: closing it ends the lock. */
static Error *launch_lock(const char *state_dir, int64_t deadline_ms, int *ret_fd)
{
    g_autofree char *path = g_build_filename(state_dir, "gateway.lock", NULL);
    AUTO_FD fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0)
        return error_errno(errno, "could not open \"%s\"", path);
    TRY(wait_until(deadline_ms, launch_try_lock, &fd));
    *ret_fd = g_steal_fd(&fd);
    return NULL;
}

/* --- the socket --- */

/* fchmod() before bind() gives the name its mode from the start. */
static int launch_bind(int fd, const struct sockaddr_un *address)
{
    if (fchmod(fd, 0600) < 0 || bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
        return -1;
    return listen(fd, LAUNCH_BACKLOG);
}

/* A socket under the name, for root and the gateway's user. What is there is dead: see below. */
static Error *launch_make_socket(const char *path, const char *user, int *ret_fd)
{
    struct sockaddr_un address;
    uid_t uid = (uid_t)-1;
    gid_t gid = (gid_t)-1;

    if (user)
        TRY(fs_find_user(user, &uid, &gid));
    TRY(link_address(path, &address));
    TRY(fs_remove(path));

    AUTO_FD fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    if (fd < 0 || launch_bind(fd, &address) < 0 || (user && lchown(path, uid, gid) < 0))
        return error_errno(errno, "could not make socket \"%s\"", path);
    *ret_fd = g_steal_fd(&fd);
    return NULL;
}

/* --- the program --- */

static Error *launch_spawn(const GatewayLaunch *launch, const char *socket_path, int *ret_pidfd)
{
    const char *program = launch->program ? launch->program : "ramet-gateway";
    const char *const argv[] = {program, "--control-fd", LAUNCH_FD, NULL};
    g_autofree char *state = g_strconcat("RAMET_STATE=", launch->state_dir, NULL);
    const char *const env[] = {state, NULL}; /* for people: whose it is */
    AUTO_FD socket_fd = -1;
    pid_t pid;

    TRY(launch_make_socket(socket_path, launch->user, &socket_fd));

    const ProcSpec spec = {.argv = argv, .env = env, .user = launch->user, .pass_fd = socket_fd};

    return proc_spawn(&spec, launch->log_path, &pid, ret_pidfd);
}

/* Its last words, when it ended instead of answering. */
static Error *launch_explain_take(Error *e, const GatewayLaunch *launch, int pidfd)
{
    g_autofree char *log = NULL;

    if (e->code == ERR_TIMEOUT || !proc_wait_ended(pidfd, LAUNCH_END_MS))
        return error_wrap(e, "starting the gateway");
    error_free(e);
    e = error_new(ERR_EXTERNAL, "starting the gateway: it has ended at once");

    error_free(fs_read_end(launch->log_path, LAUNCH_TAIL_MAX, &log));
    return log && *log ? error_detail(e, "%s", log) : e;
}

static Error *launch_start(const GatewayLaunch *launch, const char *socket_path,
                           GatewayClient *client)
{
    AUTO_FD pidfd = -1;

    TRY(launch_spawn(launch, socket_path, &pidfd));

    Error *e = gateway_client_hello(client, NULL);
    if (e)
        return launch_explain_take(e, launch, pidfd);
    gateway_client_adopt_take(client, g_steal_fd(&pidfd));
    return NULL;
}

Error *gateway_launch(const GatewayLaunch *launch, GatewayClient **ret_client, bool *ret_is_new)
{
    g_autofree char *path = g_build_filename(launch->state_dir, "gateway.sock", NULL);
    g_autoptr(GatewayClient) client = gateway_client_new(path, launch->timeout_ms);
    AUTO_FD lock = -1;

    TRY(launch_lock(launch->state_dir, clock_monotonic_ms() + launch->timeout_ms, &lock));

    Error *e = gateway_client_hello(client, NULL);
    bool is_new =
        e && e->code == ERR_NOT_FOUND; /* nobody listens: it is dead, or was never there */

    if (is_new) {
        error_free(e);
        e = launch_start(launch, path, client);
    }
    if (e)
        return e;
    *ret_client = g_steal_pointer(&client);
    *ret_is_new = is_new;
    return NULL;
}

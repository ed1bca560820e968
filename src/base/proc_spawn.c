/*
 * Programs that outlive the call: started in a session of their own, watched and stopped by pidfd,
 * which, unlike a number, never means another process.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/outside.h"
#include "base/proc.h"
#include "base/proc_start.h"

#define PROC_FDINFO_MAX 4096

Error *proc_spawn(const ProcSpec *spec, const char *log_path, pid_t *ret_pid, int *ret_pidfd)
{
    AUTO_FD in = -1;
    AUTO_FD log = -1;

    outside_call(__func__);
    TRY(proc_open_input(spec, &in));
    TRY(proc_open_log(log_path, spec->user, &log));

    const ProcStdio stdio = {.in = in, .out = log, .err = log};

    return proc_start(spec, POSIX_SPAWN_SETSID, &stdio, ret_pid, ret_pidfd);
}

/* An ended child of ours leaves the table of processes; another's (ECHILD) is not ours to reap. */
static void proc_reap(int pidfd)
{
    siginfo_t end;

    waitid(P_PIDFD, (id_t)pidfd, &end, WEXITED | WNOHANG);
}

/* cancel_fd: readable once the wait is to end; -1 = none. */
static bool proc_wait(int pidfd, int64_t timeout_ms, int cancel_fd)
{
    int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;
    struct pollfd ends[] = {{.fd = pidfd, .events = POLLIN}, {.fd = cancel_fd, .events = POLLIN}};
    int n;

    do {
        int64_t left_ms = deadline_ms - clock_monotonic_ms();

        n = poll(ends, G_N_ELEMENTS(ends), (int)CLAMP(left_ms, 0, INT_MAX));
    } while (n < 0 && errno == EINTR);
    if (n <= 0 || ends[0].revents == 0)
        return false;
    proc_reap(pidfd);
    return true;
}

bool proc_wait_ended(int pidfd, int64_t timeout_ms)
{
    return proc_wait(pidfd, timeout_ms, -1);
}

/* Source: pidfd_open(2), the line "Pid:" of /proc/self/fdinfo/N. */
Error *proc_pid_of(int pidfd, pid_t *ret_pid)
{
    g_autofree char *path = g_strdup_printf("/proc/self/fdinfo/%d", pidfd);
    g_autofree char *text = NULL;

    TRY(fs_read_file(path, PROC_FDINFO_MAX, &text));

    const char *line = strstr(text, "\nPid:");
    if (!line)
        return error_new(ERR_BUG, "descriptor %d is not of a process", pidfd);
    *ret_pid = (pid_t)g_ascii_strtoll(line + strlen("\nPid:"), NULL, 10);
    return NULL;
}

bool proc_has_ended(int pidfd)
{
    return proc_wait_ended(pidfd, 0);
}

static Error *proc_signal(int pidfd, const ProcStop *sequence, GCancellable *cancel, int cancel_fd)
{
    for (; sequence->signal != 0; sequence++) {
        if (pidfd_send_signal(pidfd, sequence->signal, NULL, 0) < 0 && errno != ESRCH)
            return error_errno(errno, "could not send signal %d", sequence->signal);
        if (proc_wait(pidfd, sequence->wait_ms, cancel_fd))
            return NULL;
        if (g_cancellable_is_cancelled(cancel))
            return error_new(ERR_CONFLICT, "cancelled");
    }
    return error_new(ERR_TIMEOUT, "the process has not ended after the last signal");
}

Error *proc_stop(int pidfd, const ProcStop *sequence)
{
    GCancellable *cancel = g_cancellable_get_current();

    outside_call(__func__);
    if (proc_has_ended(pidfd))
        return NULL;
    int cancel_fd = g_cancellable_get_fd(cancel);
    Error *e = proc_signal(pidfd, sequence, cancel, cancel_fd);
    if (cancel_fd >= 0)
        g_cancellable_release_fd(cancel);
    return e;
}

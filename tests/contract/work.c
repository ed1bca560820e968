/*
 * The child is traced: it stops at each call of the kernel, ptrace(2).
 */
#include "work.h"

#include <errno.h>
#include <glib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SYSCALL_STOP (SIGTRAP | 0x80) /* PTRACE_O_TRACESYSGOOD */

typedef struct Tracee {
    pid_t pid;
    uint64_t number; /* of the call that it is in */
    Work work;
} Tracee;

static bool work_is_start(uint64_t number)
{
    return number == SYS_clone || number == SYS_clone3 || number == SYS_vfork;
}

static bool work_is_reading(uint64_t number)
{
    return number == SYS_read || number == SYS_pread64 || number == SYS_readv ||
           number == SYS_getdents64;
}

static void work_look(Tracee *tracee)
{
    struct __ptrace_syscall_info info = {0};

    g_assert_cmpint(ptrace(PTRACE_GET_SYSCALL_INFO, tracee->pid, sizeof(info), &info), >, 0);
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
        tracee->number = info.entry.nr;
        tracee->work.calls++;
        tracee->work.starts += work_is_start(tracee->number);
    } else if (info.op == PTRACE_SYSCALL_INFO_EXIT && work_is_reading(tracee->number) &&
               info.exit.rval > 0) {
        tracee->work.bytes += (uint64_t)info.exit.rval;
    }
}

static int work_wait(pid_t pid)
{
    int status = 0;

    while (waitpid(pid, &status, 0) < 0)
        g_assert_cmpint(errno, ==, EINTR);
    return status;
}

/* To its end; signals that it gets are handed on. */
static int work_follow(Tracee *tracee)
{
    int status = work_wait(tracee->pid);
    int signal = 0;

    g_assert_true(WIFSTOPPED(status));
    g_assert_cmpint(ptrace(PTRACE_SETOPTIONS, tracee->pid, NULL,
                           (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)),
                    ==, 0);
    while (ptrace(PTRACE_SYSCALL, tracee->pid, NULL, (void *)(intptr_t)signal) == 0) {
        status = work_wait(tracee->pid);
        if (!WIFSTOPPED(status))
            return status;
        signal = WSTOPSIG(status);
        if (signal == SYSCALL_STOP) {
            work_look(tracee);
            signal = 0;
        }
    }
    g_assert_not_reached();
}

Work work_of(void (*body)(void *data), void *data)
{
    Tracee tracee = {.pid = fork()};

    g_assert_cmpint(tracee.pid, >=, 0);
    if (tracee.pid == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        body(data);
        _exit(EXIT_SUCCESS);
    }

    int status = work_follow(&tracee);

    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, EXIT_SUCCESS);
    return tracee.work;
}

void work_assert_flat(const char *what, const Work *first, const Work *later, int n,
                      WorkGrowth growth)
{
    g_test_message("%s: %" G_GUINT64_FORMAT " starts, %" G_GUINT64_FORMAT
                   " calls, %" G_GUINT64_FORMAT " bytes read; with %d others %" G_GUINT64_FORMAT
                   ", %" G_GUINT64_FORMAT ", %" G_GUINT64_FORMAT,
                   what, first->starts, first->calls, first->bytes, n, later->starts, later->calls,
                   later->bytes);
    g_assert_cmpuint(later->starts, ==, first->starts);
    g_assert_cmpuint(later->calls, <, first->calls + (uint64_t)n * growth.calls);
    g_assert_cmpuint(later->bytes, <, first->bytes + (uint64_t)n * growth.bytes);
}

/*
 * The start of a program, shared by proc_run() and proc_spawn(). Private to proc*.c.
 */
#pragma once

#include "base/proc.h"

typedef struct ProcStdio {
    int in; /* our descriptors of what it has as 0, 1 and 2 */
    int out;
    int err;
} ProcStdio;

/* What a program has as its stdin: a copy of input_fd, a file with the input, or /dev/null. */
MUST_CHECK Error *proc_open_input(const ProcSpec *spec, int *ret_fd);

/* Opens (or makes, 0600, owned by user; NULL = us) the file that a program's output is added to. */
MUST_CHECK Error *proc_open_log(const char *path, const char *user, int *ret_fd);

/*
 * proc_start - start the program of a spec with clean signals and nothing open but its stdio.
 *
 *   group_flag   POSIX_SPAWN_SETPGROUP (a process group of its own) or POSIX_SPAWN_SETSID
 *   stdio        borrowed; the program gets copies
 *   ret_pid      its process id
 *   ret_pidfd    CLOEXEC; caller closes, and reaps the program
 *
 * Errors: ERR_EXTERNAL no such program (with a hint) or the kernel refused; ERR_NOT_FOUND no such
 *         user.
 */
MUST_CHECK Error *proc_start(const ProcSpec *spec, short group_flag, const ProcStdio *stdio,
                             pid_t *ret_pid, int *ret_pidfd);

/*
 * The only way to start a program. By argv, never by a shell line (unless the line is the
 * operator's own command from the configuration); with a deadline or a cancel; every descriptor of
 * ours is CLOEXEC. Children are started with posix_spawn; another user's identity is taken by
 * setpriv(1), so that nothing of ours runs between fork and exec.
 *
 * A program inherits PATH, LANG, LANGUAGE, LC_*, TZ and the options of sanitizers (*SAN_OPTIONS):
 * our environment holds passwords and tokens, and a program's can be read for as long as it lives.
 * What else it needs its caller gives it. Without HOME it asks the user database.
 *
 * The process must leave SIGCHLD alone and never wait for just any child: ends are told by pidfd.
 */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

#define PROC_ERRORS_MAX 8192 /* last bytes of stderr that are kept for an error's detail */

typedef void (*ProcLine)(const char *line, void *data);

typedef struct ProcSpec {
    const char *const *argv; /* NULL-terminated; argv[0] without a slash is looked up in PATH */
    const char *const *env;  /* "K=V" beside what it inherits; "K" alone unsets that; or NULL */
    const char *user;        /* operating-system user to run as; NULL = as we are             */
    const char *cwd;         /* NULL = "/"                                                    */
    const char *input;       /* what it reads from its stdin; NULL = /dev/null                */
    int input_fd;            /* borrowed: its stdin instead of that; 0 = none                 */
    int64_t timeout_ms;      /* 0 = no deadline: only with cancel                             */
    int64_t grace_ms;        /* from SIGTERM to SIGKILL when it is stopped; 0 = 5000          */
    GCancellable *cancel;    /* borrowed, stops it as the deadline does; NULL = the thread's  */
                             /* own, if it has one (g_cancellable_push_current())             */
    ProcLine on_error_line;  /* each line of stderr, ended by \n or \r, as it comes; or NULL  */
    void *on_error_line_data;
    size_t output_max; /* stdout beyond this is an error; 0 = 16 MiB */
    int pass_fd;       /* a descriptor of ours that it has as 3; 0 = none */
    bool dies_with_us; /* SIGKILL when rametd dies; the calling thread must outlive it */
    int output_fd; /* borrowed: stdout and stderr are this instead of the result, and may be held
                          by what the program leaves behind; 0 = none                         */
    const char *hidden_mount; /* it and its children do not see what is mounted here; or NULL */
} ProcSpec;

typedef struct ProcResult {
    int exit_status; /* 0..255; 128 + signal when a signal ended it */
    char *output;    /* stdout, NUL-terminated                      */
    char *errors;    /* last PROC_ERRORS_MAX bytes of stderr        */
} ProcResult;

void proc_result_clear(ProcResult *result);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ProcResult, proc_result_clear)

/*
 * proc_run - run a program to its end. It gets a process group of its own, and that is signalled.
 *
 *   ret_result   filled when the program ended by itself, also with a status other than 0, which is
 *                an error all the same; NULL = not wanted; clear with proc_result_clear()
 *
 * Errors: ERR_EXTERNAL `program "zfs" failed with status 1` (detail: end of its stderr), it wrote
 *         too much, or it is missing (hint); ERR_TIMEOUT deadline or cancel; ERR_NOT_FOUND no such
 *         user.
 */
MUST_CHECK Error *proc_run(const ProcSpec *spec, ProcResult *ret_result);

/* The path of a program of ours: it is beside us; where it is not, its name. Caller frees. */
char *proc_find_own(const char *name);

/* Tests put a script here: it sees each ProcSpec and answers as the program would. NULL = real. */
typedef Error *(*ProcRunHook)(const ProcSpec *spec, ProcResult *ret_result);
extern ProcRunHook proc_run_hook;

/*
 * proc_spawn - start a program that outlives the call, and us: in a session and process group of
 * its own, stdin from /dev/null, stdout and stderr appended to log_path (created 0600, owned by the
 * user). Only argv, env, user, cwd, input_fd, pass_fd, dies_with_us and hidden_mount of the spec
 * are used.
 *
 *   ret_pid     its process id
 *   ret_pidfd   a pidfd for it; caller closes
 *
 * Errors: ERR_EXTERNAL the program is missing (hint), or the log cannot be opened; ERR_NOT_FOUND no
 *         such user.
 */
MUST_CHECK Error *proc_spawn(const ProcSpec *spec, const char *log_path, pid_t *ret_pid,
                             int *ret_pidfd);

/*
 * proc_stop - a declared stop sequence: each signal in turn, waiting after each for the end.
 *
 *   pidfd      the process, which need not be our child; a child is reaped
 *   sequence   ended by {0, 0}
 *
 * Errors: ERR_TIMEOUT it lives on after the last wait; ERR_EXTERNAL it may not be signalled;
 *         ERR_CONFLICT the thread's cancellable (g_cancellable_push_current()) has cut a wait
 *         short, and no further signal is sent. A process that has ended is success.
 */
typedef struct ProcStop {
    int signal;
    int64_t wait_ms;
} ProcStop;
MUST_CHECK Error *proc_stop(int pidfd, const ProcStop *sequence);

/* True when the process behind the pidfd has ended (a zombie has; our own child is reaped). */
bool proc_has_ended(int pidfd);

/*
 * The process behind a pidfd, as we number it: a number that is its own as long as it lives. 0 = it
 * is in a name space that we do not see; -1 = it has ended and was reaped.
 */
MUST_CHECK Error *proc_pid_of(int pidfd, pid_t *ret_pid);

/* Waits for its end, at most so long; true when it has ended. */
bool proc_wait_ended(int pidfd, int64_t timeout_ms);

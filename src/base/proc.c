/*
 * Running a program to its end: one loop over its stdout, its stderr, its pidfd and our
 * cancellable.
 *
 * The program's own end is what counts, not the end of its output: something that it left behind
 * may keep the pipes open for ever. When it is to be stopped (deadline, cancel, too much output),
 * its whole process group gets SIGTERM, and SIGKILL once the program has ended or the grace is
 * over.
 *
 * Input is handed over as an anonymous file in memory: no pipe to feed, and no SIGPIPE.
 */
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/outside.h"
#include "base/proc_start.h"
#include "base/text.h"

#define PROC_GRACE_MS       5000
#define PROC_KILL_WAIT_MS   10000 /* a program that SIGKILL does not end is stuck in the kernel */
#define PROC_DRAIN_MS       100   /* for output that is in the pipes when the program ends */
#define PROC_OUTPUT_DEFAULT (16 << 20)
#define PROC_CHUNK          65536

ProcRunHook proc_run_hook = NULL;

/* One run, from its start until its end is known. */
typedef struct ProcRun {
    const ProcSpec *spec;
    pid_t pid;
    int pidfd;
    int out; /* our end of its stdout, -1 when closed */
    int err;
    GString *output;
    GString *errors; /* the end of stderr */
    GString *line;   /* of stderr, not complete yet */
    Error *failure;  /* why we are stopping it; NULL while we are not */
    bool is_killed;
    int64_t next_ms; /* when patience ends: then SIGTERM, SIGKILL or giving up; 0 = never */
} ProcRun;

static void proc_run_clear(ProcRun *run)
{
    fs_close_fd(&run->pidfd);
    fs_close_fd(&run->out);
    fs_close_fd(&run->err);
    g_string_free(run->output, TRUE);
    g_string_free(run->errors, TRUE);
    g_string_free(run->line, TRUE);
    error_free(run->failure);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ProcRun, proc_run_clear)

static void proc_stop_take(ProcRun *run, Error *why)
{
    int64_t grace_ms = run->spec->grace_ms > 0 ? run->spec->grace_ms : PROC_GRACE_MS;

    if (run->failure) { /* the first reason is the one that counts */
        error_free(why);
        return;
    }
    run->failure = why;
    run->next_ms = clock_monotonic_ms() + grace_ms;
    kill(-run->pid, SIGTERM);
}

/* Patience is over: the next step of the stop sequence. False when there is none left. */
static bool proc_escalate(ProcRun *run)
{
    const ProcSpec *spec = run->spec;

    if (!run->failure) {
        proc_stop_take(run, error_new(ERR_TIMEOUT,
                                      "program \"%s\" did not end within %" G_GINT64_FORMAT " ms",
                                      spec->argv[0], spec->timeout_ms));
        return true;
    }
    if (run->is_killed)
        return false;
    run->is_killed = true;
    run->next_ms = clock_monotonic_ms() + PROC_KILL_WAIT_MS;
    kill(-run->pid, SIGKILL);
    return true;
}

/* What is there now: a count of bytes, or 0 when nothing is. Closes the descriptor at its end. */
static size_t proc_read(int *fd, char *chunk)
{
    ssize_t n = *fd >= 0 ? read(*fd, chunk, PROC_CHUNK) : -1;

    if (n > 0)
        return (size_t)n;
    if (*fd >= 0 && (n == 0 || (errno != EAGAIN && errno != EINTR))) {
        close(*fd);
        *fd = -1;
    }
    return 0;
}

static void proc_take_output(ProcRun *run)
{
    const ProcSpec *spec = run->spec;
    size_t max = spec->output_max > 0 ? spec->output_max : PROC_OUTPUT_DEFAULT;
    char chunk[PROC_CHUNK];
    size_t n = proc_read(&run->out, chunk);

    if (run->output->len + n > max)
        proc_stop_take(run, error_new(ERR_EXTERNAL, "program \"%s\" wrote more than %zu bytes",
                                      spec->argv[0], max));
    else
        g_string_append_len(run->output, chunk, (gssize)n);
}

static void proc_end_line(ProcRun *run)
{
    if (run->line->len > 0)
        run->spec->on_error_line(run->line->str, run->spec->on_error_line_data);
    g_string_truncate(run->line, 0);
}

/* A carriage return ends a line, too: progress meters write over themselves. */
static void proc_take_lines(ProcRun *run, const char *chunk, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool is_end = chunk[i] == '\n' || chunk[i] == '\r';

        if (!is_end)
            g_string_append_c(run->line, chunk[i]);
        if (is_end || run->line->len == PROC_ERRORS_MAX)
            proc_end_line(run);
    }
}

static void proc_keep_end(GString *text, size_t max_bytes)
{
    if (text->len > max_bytes)
        g_string_erase(text, 0, (gssize)(text->len - max_bytes));
}

static void proc_take_errors(ProcRun *run)
{
    char chunk[PROC_CHUNK];
    size_t n = proc_read(&run->err, chunk);

    g_string_append_len(run->errors, chunk, (gssize)n);
    proc_keep_end(run->errors, PROC_ERRORS_MAX + 1); /* one more tells text_tail() of the cut */
    if (run->spec->on_error_line)
        proc_take_lines(run, chunk, n);
}

static int proc_patience_ms(int64_t until_ms)
{
    int64_t left_ms = until_ms - clock_monotonic_ms();

    return until_ms == 0 ? -1 : (int)CLAMP(left_ms, 0, INT_MAX);
}

/* Reads and waits until the program has ended; false when it cannot be ended. */
static bool proc_attend(ProcRun *run, int cancel_fd)
{
    for (;;) {
        struct pollfd fds[] = {{.fd = run->out, .events = POLLIN},
                               {.fd = run->err, .events = POLLIN},
                               {.fd = run->pidfd, .events = POLLIN},
                               {.fd = run->failure ? -1 : cancel_fd, .events = POLLIN}};

        if (poll(fds, G_N_ELEMENTS(fds), proc_patience_ms(run->next_ms)) < 0)
            continue; /* EINTR: what revents says is not known */
        if (fds[0].revents)
            proc_take_output(run);
        if (fds[1].revents)
            proc_take_errors(run);
        if (fds[2].revents)
            return true;
        if (fds[3].revents)
            proc_stop_take(
                run, error_new(ERR_TIMEOUT, "program \"%s\" was cancelled", run->spec->argv[0]));
        if (proc_patience_ms(run->next_ms) == 0 && !proc_escalate(run))
            return false;
    }
}

/* The rest of the output. Others may hold the pipes: so no longer than PROC_DRAIN_MS. */
static void proc_drain(ProcRun *run)
{
    int64_t until_ms = clock_monotonic_ms() + PROC_DRAIN_MS;

    while (run->out >= 0 || run->err >= 0) {
        struct pollfd fds[] = {{.fd = run->out, .events = POLLIN},
                               {.fd = run->err, .events = POLLIN}};

        poll(fds, G_N_ELEMENTS(fds), proc_patience_ms(until_ms));
        proc_take_output(run);
        proc_take_errors(run);
        if (proc_patience_ms(until_ms) == 0)
            break;
    }
    if (run->spec->on_error_line)
        proc_end_line(run);
}

static Error *proc_failure(const ProcSpec *spec, const siginfo_t *end)
{
    if (end->si_code == CLD_EXITED)
        return error_new(ERR_EXTERNAL, "program \"%s\" failed with status %d", spec->argv[0],
                         end->si_status);
    return error_new(ERR_EXTERNAL, "program \"%s\" was ended by signal %d (%s)", spec->argv[0],
                     end->si_status, g_strsignal(end->si_status));
}

static Error *proc_add_evidence(Error *e, const char *errors)
{
    g_autofree char *evidence = g_strchomp(g_strdup(errors));

    return *evidence ? error_detail(e, "%s", evidence) : e;
}

/* Reaps the program and tells how it went. */
static Error *proc_conclude(ProcRun *run, ProcResult *result)
{
    siginfo_t end = {0};
    g_autofree char *errors = NULL;

    if (run->failure)
        kill(-run->pid, SIGKILL); /* what is left of the group; its number is ours until waitid() */
    proc_drain(run);
    waitid(P_PIDFD, (id_t)run->pidfd, &end, WEXITED);
    errors = text_tail(run->errors->str, PROC_ERRORS_MAX);
    if (run->failure)
        return proc_add_evidence(g_steal_pointer(&run->failure), errors);

    bool has_exited = end.si_code == CLD_EXITED;

    result->exit_status = has_exited ? end.si_status : 128 + end.si_status;
    result->output = g_strndup(run->output->str, run->output->len);
    result->errors = g_steal_pointer(&errors);
    if (result->exit_status == 0)
        return NULL;
    return proc_add_evidence(proc_failure(run->spec, &end), result->errors);
}

/* A pipe whose reading end does not block. */
static Error *proc_open_pipe(int *ret_read, int *ret_write)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return error_errno(errno, "could not make a pipe");
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    *ret_read = ends[0];
    *ret_write = ends[1];
    return NULL;
}

static Error *proc_launch(ProcRun *run)
{
    AUTO_FD in = -1;
    AUTO_FD out = -1; /* the program's ends: closed here as soon as it has them */
    AUTO_FD err = -1;

    TRY(proc_open_input(run->spec, &in));
    if (run->spec->output_fd == 0) {
        TRY(proc_open_pipe(&run->out, &out));
        TRY(proc_open_pipe(&run->err, &err));
    }

    const ProcStdio stdio = {
        .in = in,
        .out = out >= 0 ? out : run->spec->output_fd,
        .err = err >= 0 ? err : run->spec->output_fd,
    };

    TRY(proc_start(run->spec, POSIX_SPAWN_SETPGROUP, &stdio, &run->pid, &run->pidfd));
    if (run->spec->timeout_ms > 0)
        run->next_ms = clock_monotonic_ms() + run->spec->timeout_ms;
    return NULL;
}

static Error *proc_run_program(const ProcSpec *spec, ProcResult *result)
{
    g_auto(ProcRun) run = {
        .spec = spec,
        .pid = -1,
        .pidfd = -1,
        .out = -1,
        .err = -1,
        .output = g_string_new(NULL),
        .errors = g_string_new(NULL),
        .line = g_string_new(NULL),
    };

    GCancellable *cancel = spec->cancel ? spec->cancel : g_cancellable_get_current();

    if (g_cancellable_is_cancelled(cancel))
        return error_new(ERR_TIMEOUT, "program \"%s\" was cancelled", spec->argv[0]);
    TRY(proc_launch(&run));

    int cancel_fd = g_cancellable_get_fd(cancel);
    bool has_ended = proc_attend(&run, cancel_fd);

    if (cancel_fd >= 0)
        g_cancellable_release_fd(cancel);
    if (has_ended)
        return proc_conclude(&run, result);
    return error_hint(g_steal_pointer(&run.failure),
                      "It does not end on SIGKILL either: is its storage stuck?");
}

Error *proc_run(const ProcSpec *spec, ProcResult *ret_result)
{
    g_auto(ProcResult) unwanted = {0};
    ProcResult *result = ret_result ? ret_result : &unwanted;

    outside_call(__func__);
    return proc_run_hook ? proc_run_hook(spec, result) : proc_run_program(spec, result);
}

void proc_result_clear(ProcResult *result)
{
    g_clear_pointer(&result->output, g_free);
    g_clear_pointer(&result->errors, g_free);
}

/*
 * Running programs to their end: output, deadlines, cancels, identities.
 */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/proc.h"
#include "base/text.h"

#define ARGV(...)                                                                                  \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }
#define SHELL(script) ARGV("sh", "-c", script)

static void assert_output(const ProcSpec *spec, const char *expected)
{
    g_auto(ProcResult) result = {0};
    g_autoptr(Error) e = proc_run(spec, &result);

    g_assert_cmpstr(e ? e->message : NULL, ==, NULL);
    g_assert_cmpint(result.exit_status, ==, 0);
    g_assert_cmpstr(result.output, ==, expected);
}

static int64_t elapsed_ms(int64_t start_ms)
{
    return clock_monotonic_ms() - start_ms;
}

static bool process_lives(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/stat", pid);
    g_autofree char *stat = NULL;
    g_autoptr(Error) e = fs_read_file(path, 4096, &stat);

    return !e && !strstr(stat, ") Z ");
}

static Error *check_process_is_gone(void *pid, bool *ret_done)
{
    *ret_done = !process_lives(*(const pid_t *)pid);
    return NULL;
}

static void assert_ends(pid_t pid)
{
    g_assert_null(wait_until(clock_monotonic_ms() + 5000, check_process_is_gone, &pid));
}

static void test_output(void)
{
    g_auto(ProcResult) result = {0};

    g_assert_null(proc_run(
        &(ProcSpec){.argv = SHELL("echo out; echo err >&2"), .timeout_ms = 10000}, &result));
    g_assert_cmpint(result.exit_status, ==, 0);
    g_assert_cmpstr(result.output, ==, "out\n");
    g_assert_cmpstr(result.errors, ==, "err\n");
    g_assert_null(proc_run(&(ProcSpec){.argv = ARGV("true"), .timeout_ms = 10000}, NULL));
}

static void test_arguments_are_not_interpreted(void)
{
    assert_output(&(ProcSpec){.argv = ARGV("printf", "%s|", "a b", "$HOME", "`id`", "", "\n")},
                  "a b|$HOME|`id`||\n|");
}

static void test_status(void)
{
    g_auto(ProcResult) result = {0};
    g_autoptr(Error) e =
        proc_run(&(ProcSpec){.argv = SHELL("echo out; echo why >&2; exit 3")}, &result);

    g_assert_cmpint(e->code, ==, ERR_EXTERNAL);
    g_assert_cmpstr(e->message, ==, "program \"sh\" failed with status 3");
    g_assert_cmpstr(e->detail, ==, "why");
    g_assert_cmpint(result.exit_status, ==, 3);
    g_assert_cmpstr(result.output, ==, "out\n");
    g_assert_cmpstr(result.errors, ==, "why\n");
}

static void test_status_without_words(void)
{
    g_autoptr(Error) e = proc_run(&(ProcSpec){.argv = ARGV("false")}, NULL);

    g_assert_cmpstr(e->message, ==, "program \"false\" failed with status 1");
    g_assert_null(e->detail);
}

static void test_signalled(void)
{
    g_auto(ProcResult) result = {0};
    g_autoptr(Error) e = proc_run(&(ProcSpec){.argv = SHELL("kill -SEGV $$")}, &result);

    g_assert_cmpint(e->code, ==, ERR_EXTERNAL);
    g_assert_nonnull(strstr(e->message, "program \"sh\" was ended by signal 11"));
    g_assert_cmpint(result.exit_status, ==, 128 + SIGSEGV);
}

static void test_missing_program(void)
{
    static const char *const names[] = {"no-such-program", "/no/such/program", "/etc/passwd", "/"};

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_auto(ProcResult) result = {0};
        g_autoptr(Error) e = proc_run(&(ProcSpec){.argv = ARGV(names[i])}, &result);

        g_assert_cmpint(e->code, ==, ERR_EXTERNAL);
        g_assert_nonnull(strstr(e->message, names[i]));
        g_assert_nonnull(strstr(e->hint, names[i]));
        g_assert_null(result.output);
    }
}

static void test_missing_directory(void)
{
    g_autoptr(Error) e = proc_run(&(ProcSpec){.argv = ARGV("true"), .cwd = "/no/such"}, NULL);

    g_assert_cmpint(e->code, ==, ERR_EXTERNAL);
    g_assert_cmpstr(e->message, ==,
                    "could not start program \"true\" in \"/no/such\": No such file or directory");
}

static void test_missing_user(void)
{
    g_autoptr(Error) e = proc_run(&(ProcSpec){.argv = ARGV("true"), .user = "no-such-user"}, NULL);

    g_assert_cmpint(e->code, ==, ERR_NOT_FOUND);
}

static void test_directory(void)
{
    assert_output(&(ProcSpec){.argv = ARGV("pwd")}, "/\n");
    assert_output(&(ProcSpec){.argv = ARGV("pwd"), .cwd = "/usr"}, "/usr\n");
}

static void test_environment(void)
{
    static const char script[] =
        "echo \"$A|${LC_TIME-unset}|$C|${D-unset}|$LC_PAPER|${PATH:+kept}\"";

    g_setenv("LC_TIME", "ours", TRUE);
    g_setenv("LC_PAPER", "ours", TRUE);
    assert_output(&(ProcSpec){.argv = SHELL(script), .env = ARGV("A=a=b c", "LC_TIME", "C=", "D")},
                  "a=b c|unset||unset|ours|kept\n");
    g_unsetenv("LC_TIME");
    g_unsetenv("LC_PAPER");
}

static void test_user(void)
{
    static const char script[] = "id -un; echo $USER ${HOME-none}; grep -c 'NoNewPrivs:.1' "
                                 "/proc/self/status; grep CapEff /proc/self/status";
    g_autofree char *our_pid = g_strdup_printf("%d\n", getpid());

    if (geteuid() != 0) {
        g_test_skip("only root may become another user");
        return;
    }
    assert_output(&(ProcSpec){.argv = SHELL(script), .user = "nobody"},
                  "nobody\nnobody none\n1\nCapEff:\t0000000000000000\n");
    assert_output(&(ProcSpec){.argv = SHELL("echo $PPID"), .user = "nobody", .dies_with_us = true},
                  our_pid);
}

static void test_user_that_we_are(void)
{
    assert_output(&(ProcSpec){.argv = SHELL("cat /proc/$$/comm"), .user = g_get_user_name()},
                  "sh\n");
}

static void test_missing_program_of_user(void)
{
    const char *user = geteuid() == 0 ? "nobody" : g_get_user_name();
    g_autoptr(Error) e = proc_run(&(ProcSpec){.argv = ARGV("no-such"), .user = user}, NULL);

    g_assert_cmpstr(e->message, ==, "program \"no-such\" is not installed");
}

static void test_clean_start(void)
{
    AUTO_FD leaky = dup(STDIN_FILENO); /* not CLOEXEC */
    sigset_t all;
    sigset_t before;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    signal(SIGPIPE, SIG_IGN);
    assert_output(&(ProcSpec){.argv = SHELL("ls /proc/self/fd | wc -l")}, "4\n"); /* and ls' own */
    /* without a shell, which would clear the mask itself */
    assert_output(&(ProcSpec){.argv = ARGV("grep", "-c", "SigBlk:.0*$", "/proc/self/status")},
                  "1\n");
    /* the C library's own two signals do not count */
    assert_output(
        &(ProcSpec){.argv = ARGV("grep", "-cE", "SigIgn:.0*(180000000)?$", "/proc/self/status")},
        "1\n");
    signal(SIGPIPE, SIG_DFL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void test_input(void)
{
    g_autofree char *big = g_strnfill(1 << 20, 'x');

    assert_output(&(ProcSpec){.argv = ARGV("cat")}, "");
    assert_output(&(ProcSpec){.argv = ARGV("cat"), .input = ""}, "");
    assert_output(&(ProcSpec){.argv = ARGV("cat"), .input = "a\nb"}, "a\nb");
    assert_output(&(ProcSpec){.argv = ARGV("cat"), .input = big}, big);
    assert_output(&(ProcSpec){.argv = ARGV("sh"), .input = "echo from a script"},
                  "from a script\n");
    assert_output(&(ProcSpec){.argv = ARGV("true"), .input = big}, ""); /* never reads it */
}

static void test_input_of_other_user(void)
{
    if (geteuid() != 0) {
        g_test_skip("only root may become another user");
        return;
    }
    assert_output(&(ProcSpec){.argv = ARGV("cat", "/dev/stdin"), .input = "x", .user = "nobody"},
                  "x");
}

static void test_huge_output(void)
{
    const ProcSpec spec = {
        .argv = SHELL("head -c 5000000 /dev/zero | tr '\\0' x; "
                      "head -c 5000000 /dev/zero | tr '\\0' y >&2; echo end >&2"),
        .timeout_ms = 60000,
    };
    g_auto(ProcResult) result = {0};

    g_assert_null(proc_run(&spec, &result));
    g_assert_cmpuint(strlen(result.output), ==, 5000000);
    g_assert_cmpuint(strlen(result.errors), <=, PROC_ERRORS_MAX);
    g_assert_true(g_str_has_suffix(result.errors, "yyyend\n"));
}

static void test_errors_begin_at_a_line(void)
{
    g_auto(ProcResult) result = {0};

    g_assert_null(proc_run(&(ProcSpec){.argv = SHELL("seq 100000 105000 >&2")}, &result));
    g_assert_cmpuint(strlen(result.errors), ==, PROC_ERRORS_MAX / 7 * 7);
    g_assert_true(g_str_has_prefix(result.errors, "103831\n"));
}

static void test_too_much_output(void)
{
    int64_t start_ms = clock_monotonic_ms();
    g_auto(ProcResult) result = {0};
    g_autoptr(Error) e = proc_run(&(ProcSpec){.argv = ARGV("yes"), .output_max = 100000}, &result);
    g_autoptr(Error) at_end =
        proc_run(&(ProcSpec){.argv = ARGV("echo", "12345"), .output_max = 5}, &result);

    g_assert_cmpint(e->code, ==, ERR_EXTERNAL);
    g_assert_cmpstr(e->message, ==, "program \"yes\" wrote more than 100000 bytes");
    g_assert_cmpstr(at_end->message, ==, "program \"echo\" wrote more than 5 bytes");
    g_assert_null(result.output);
    g_assert_cmpint(elapsed_ms(start_ms), <, 4000);
    assert_output(&(ProcSpec){.argv = ARGV("echo", "12345"), .output_max = 6}, "12345\n");
}

static void collect_line(const char *line, void *data)
{
    g_string_append_printf(data, "[%s]", line);
}

static void test_error_lines(void)
{
    g_autoptr(GString) lines = g_string_new(NULL);
    const ProcSpec spec = {
        .argv =
            SHELL("printf 'one\\ntw' >&2; sleep 0.1; printf 'o\\n\\n10%%\\r20%%\\r\\nrest' >&2"),
        .on_error_line = collect_line,
        .on_error_line_data = lines,
    };

    g_assert_null(proc_run(&spec, NULL));
    g_assert_cmpstr(lines->str, ==, "[one][two][10%][20%][rest]");
}

typedef struct LineTimes {
    int64_t first_ms;
    int64_t last_ms;
} LineTimes;

static void note_time(const char *line, void *data)
{
    LineTimes *times = data;

    times->last_ms = clock_monotonic_ms();
    if (times->first_ms == 0)
        times->first_ms = times->last_ms;
}

static void test_error_lines_come_at_once(void)
{
    LineTimes times = {0};
    const ProcSpec spec = {
        .argv = SHELL("echo a >&2; sleep 0.3; echo b >&2"),
        .on_error_line = note_time,
        .on_error_line_data = &times,
    };

    g_assert_null(proc_run(&spec, NULL));
    g_assert_cmpint(times.last_ms - times.first_ms, >=, 200);
}

static void remember_pid(const char *line, void *data)
{
    int64_t pid = 0;

    g_assert_null(text_parse_int(line, 2, INT32_MAX, &pid));
    *(pid_t *)data = (pid_t)pid;
}

static void test_timeout_stops_the_group(void)
{
    pid_t grandchild = 0;
    int64_t start_ms = clock_monotonic_ms();
    const ProcSpec spec = {
        .argv = SHELL("sleep 1000 & echo $! >&2; wait"),
        .timeout_ms = 300,
        .on_error_line = remember_pid,
        .on_error_line_data = &grandchild,
    };
    g_auto(ProcResult) result = {0};
    g_autoptr(Error) e = proc_run(&spec, &result);

    g_assert_cmpint(e->code, ==, ERR_TIMEOUT);
    g_assert_cmpstr(e->message, ==, "program \"sh\" did not end within 300 ms");
    g_assert_nonnull(e->detail);
    g_assert_null(result.output);
    g_assert_cmpint(elapsed_ms(start_ms), >=, 300);
    g_assert_cmpint(elapsed_ms(start_ms), <, 4000);
    assert_ends(grandchild);
}

static void test_timeout_kills_the_stubborn(void)
{
    pid_t grandchild = 0;
    int64_t start_ms = clock_monotonic_ms();
    const ProcSpec spec = {
        .argv = SHELL("trap '' TERM; (trap '' TERM; while :; do sleep 1; done) & echo $! >&2; "
                      "while :; do sleep 0.1; done"),
        .timeout_ms = 1500, /* in which a busy machine has started the shell */
        .grace_ms = 200,
        .on_error_line = remember_pid,
        .on_error_line_data = &grandchild,
    };
    g_autoptr(Error) e = proc_run(&spec, NULL);

    g_assert_cmpint(e->code, ==, ERR_TIMEOUT);
    g_assert_cmpint(elapsed_ms(start_ms), >=, 1700);
    g_assert_cmpint(elapsed_ms(start_ms), <, 60000);
    assert_ends(grandchild);
}

/* It obeys, but a child of it does not: that one goes with the group all the same. */
static void test_timeout_kills_stubborn_children(void)
{
    pid_t grandchild = 0;
    const ProcSpec spec = {
        .argv = SHELL("(trap '' TERM; while :; do sleep 1; done) & echo $! >&2; wait"),
        .timeout_ms = 300,
        .on_error_line = remember_pid,
        .on_error_line_data = &grandchild,
    };
    g_autoptr(Error) e = proc_run(&spec, NULL);

    g_assert_cmpint(e->code, ==, ERR_TIMEOUT);
    assert_ends(grandchild);
}

/* The program and its children are asked to end, and get the time for it. */
static void test_grace_is_given(void)
{
    g_autoptr(GString) lines = g_string_new(NULL);
    const ProcSpec spec = {
        .argv = SHELL("(trap 'echo child >&2; exit 0' TERM; while :; do sleep 0.05; done) & "
                      "trap 'sleep 0.5; echo parent >&2; exit 0' TERM; "
                      "while :; do sleep 0.05; done"),
        .timeout_ms = 300,
        .on_error_line = collect_line,
        .on_error_line_data = lines,
    };
    g_autoptr(Error) e = proc_run(&spec, NULL);

    g_assert_cmpint(e->code, ==, ERR_TIMEOUT);
    g_assert_nonnull(strstr(lines->str, "[child]")); /* the shells tell of their sleeps, too */
    g_assert_true(g_str_has_suffix(lines->str, "[parent]"));
}

static gpointer cancel_later(gpointer cancel)
{
    g_usleep(200000);
    g_cancellable_cancel(cancel);
    return NULL;
}

static void test_cancel(void)
{
    g_autoptr(GCancellable) cancel = g_cancellable_new();
    int64_t start_ms = clock_monotonic_ms();
    GThread *thread = g_thread_new("cancel", cancel_later, cancel);
    g_autoptr(Error) e =
        proc_run(&(ProcSpec){.argv = ARGV("sleep", "1000"), .cancel = cancel}, NULL);

    g_thread_join(thread);
    g_assert_cmpint(e->code, ==, ERR_TIMEOUT);
    g_assert_cmpstr(e->message, ==, "program \"sleep\" was cancelled");
    g_assert_cmpint(elapsed_ms(start_ms), <, 4000);
}

/* Whoever calls may not hand one down: what the thread has counts, too. */
static void test_cancel_of_the_thread(void)
{
    g_autoptr(GCancellable) cancel = g_cancellable_new();
    g_autoptr(Error) e = NULL;

    g_cancellable_cancel(cancel);
    g_cancellable_push_current(cancel);
    e = proc_run(&(ProcSpec){.argv = ARGV("sleep", "1000")}, NULL);
    g_cancellable_pop_current(cancel);
    g_assert_nonnull(e);
    g_assert_cmpint(e->code, ==, ERR_TIMEOUT);
    g_assert_null(proc_run(&(ProcSpec){.argv = ARGV("true"), .timeout_ms = 60000}, NULL));
}

static void test_cancelled_before(void)
{
    g_autoptr(GCancellable) cancel = g_cancellable_new();
    g_autofree char *path = g_build_filename(g_get_tmp_dir(), "never-made-by-a-program", NULL);

    g_cancellable_cancel(cancel);

    g_autoptr(Error) e = proc_run(&(ProcSpec){.argv = ARGV("touch", path), .cancel = cancel}, NULL);

    g_assert_cmpint(e->code, ==, ERR_TIMEOUT);
    g_assert_false(fs_exists(path));
}

/* What it leaves behind may hold the pipes, and lives on. */
static void test_left_behind(void)
{
    int64_t start_ms = clock_monotonic_ms();
    g_auto(ProcResult) result = {0};

    g_assert_null(proc_run(&(ProcSpec){.argv = SHELL("sleep 1000 & echo $!")}, &result));
    g_assert_cmpint(elapsed_ms(start_ms), <, 2000);

    int64_t pid = 0;

    g_strchomp(result.output);
    g_assert_null(text_parse_int(result.output, 2, INT32_MAX, &pid));
    g_assert_true(process_lives((pid_t)pid));
    g_assert_cmpint(kill((pid_t)pid, SIGKILL), ==, 0);
}

static void test_left_behind_and_writing(void)
{
    int64_t start_ms = clock_monotonic_ms();
    g_auto(ProcResult) result = {0};

    g_assert_null(proc_run(
        &(ProcSpec){.argv = SHELL("(while :; do echo noise; done) & echo $! >&2")}, &result));
    g_assert_cmpint(elapsed_ms(start_ms), <, 2000);

    int64_t pid = 0;

    g_strchomp(result.errors);
    g_assert_null(text_parse_int(result.errors, 2, INT32_MAX, &pid));
    assert_ends((pid_t)pid); /* its pipe is gone */
}

/* A run as a thread of many; counts its failures. */
static gpointer run_many(gpointer unused)
{
    gintptr n_failures = 0;

    for (int i = 0; i < 20; i++) {
        g_auto(ProcResult) result = {0};
        g_autoptr(Error) e = proc_run(&(ProcSpec){.argv = ARGV("cat"), .input = "x"}, &result);

        n_failures += e || g_strcmp0(result.output, "x") != 0;
    }
    return (gpointer)n_failures;
}

static void test_threads(void)
{
    GThread *threads[8];

    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("run", run_many, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        g_assert_null(g_thread_join(threads[i]));
}

static guint count_descriptors(void)
{
    g_auto(GStrv) names = NULL;

    g_assert_null(fs_list_dir("/proc/self/fd", &names));
    return g_strv_length(names);
}

static void test_nothing_leaks(void)
{
    g_autoptr(GCancellable) cancel = g_cancellable_new();
    guint before = count_descriptors();

    for (int i = 0; i < 10; i++) {
        error_free(
            proc_run(&(ProcSpec){.argv = ARGV("cat"), .input = "x", .cancel = cancel}, NULL));
        error_free(proc_run(&(ProcSpec){.argv = ARGV("no-such-program"), .input = "x"}, NULL));
        error_free(proc_run(&(ProcSpec){.argv = ARGV("sleep", "9"), .timeout_ms = 1}, NULL));
    }
    g_assert_cmpuint(count_descriptors(), ==, before);
    g_assert_cmpint(waitpid(-1, NULL, WNOHANG), ==, -1); /* no child, not even a zombie */
}

static Error *play_back(const ProcSpec *spec, ProcResult *ret_result)
{
    g_assert_cmpstr(spec->argv[0], ==, "zfs");
    ret_result->output = g_strdup("played");
    return NULL;
}

static void test_hook(void)
{
    proc_run_hook = play_back;
    assert_output(&(ProcSpec){.argv = ARGV("zfs", "list")}, "played");
    g_assert_null(
        proc_run(&(ProcSpec){.argv = ARGV("zfs")}, NULL)); /* the unwanted result is freed */
    proc_run_hook = NULL;
    assert_output(&(ProcSpec){.argv = ARGV("echo", "real")}, "real\n");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/proc/output", test_output);
    g_test_add_func("/proc/arguments-are-not-interpreted", test_arguments_are_not_interpreted);
    g_test_add_func("/proc/status", test_status);
    g_test_add_func("/proc/status-without-words", test_status_without_words);
    g_test_add_func("/proc/signalled", test_signalled);
    g_test_add_func("/proc/missing-program", test_missing_program);
    g_test_add_func("/proc/missing-directory", test_missing_directory);
    g_test_add_func("/proc/missing-user", test_missing_user);
    g_test_add_func("/proc/directory", test_directory);
    g_test_add_func("/proc/environment", test_environment);
    g_test_add_func("/proc/user", test_user);
    g_test_add_func("/proc/user-that-we-are", test_user_that_we_are);
    g_test_add_func("/proc/missing-program-of-user", test_missing_program_of_user);
    g_test_add_func("/proc/clean-start", test_clean_start);
    g_test_add_func("/proc/input", test_input);
    g_test_add_func("/proc/input-of-other-user", test_input_of_other_user);
    g_test_add_func("/proc/huge-output", test_huge_output);
    g_test_add_func("/proc/errors-begin-at-a-line", test_errors_begin_at_a_line);
    g_test_add_func("/proc/too-much-output", test_too_much_output);
    g_test_add_func("/proc/error-lines", test_error_lines);
    g_test_add_func("/proc/error-lines-come-at-once", test_error_lines_come_at_once);
    g_test_add_func("/proc/timeout-stops-the-group", test_timeout_stops_the_group);
    g_test_add_func("/proc/timeout-kills-the-stubborn", test_timeout_kills_the_stubborn);
    g_test_add_func("/proc/timeout-kills-stubborn-children", test_timeout_kills_stubborn_children);
    g_test_add_func("/proc/grace-is-given", test_grace_is_given);
    g_test_add_func("/proc/cancel", test_cancel);
    g_test_add_func("/proc/cancelled-before", test_cancelled_before);
    g_test_add_func("/proc/cancelled-before-by-thread", test_cancel_of_the_thread);
    g_test_add_func("/proc/left-behind", test_left_behind);
    g_test_add_func("/proc/left-behind-and-writing", test_left_behind_and_writing);
    g_test_add_func("/proc/threads", test_threads);
    g_test_add_func("/proc/nothing-leaks", test_nothing_leaks);
    g_test_add_func("/proc/hook", test_hook);
    return g_test_run();
}

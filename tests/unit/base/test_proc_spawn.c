/*
 * Programs that outlive the call, and stopping them.
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/proc.h"
#include "base/text.h"

#define SHELL(script)                                                                              \
    (const char *const[])                                                                          \
    {                                                                                              \
        "sh", "-c", script, NULL                                                                   \
    }

static char *dir;
static char *log_path;

static const ProcStop quick_stop[] = {{SIGTERM, 200}, {SIGKILL, 5000}, {0, 0}};

typedef struct LogWanted {
    const char *part;
} LogWanted;

static Error *check_log(void *data, bool *ret_done)
{
    const LogWanted *wanted = data;
    g_autofree char *text = NULL;

    TRY(fs_read_file(log_path, 1 << 20, &text));
    *ret_done = strstr(text, wanted->part) != NULL;
    return NULL;
}

/* Waits until the log has this in it. */
static void await_log(const char *part)
{
    LogWanted wanted = {part};

    g_assert_null(wait_until(clock_monotonic_ms() + 10000, check_log, &wanted));
}

static int spawn(const ProcSpec *spec, pid_t *ret_pid)
{
    int pidfd = -1;
    g_autoptr(Error) e = proc_spawn(spec, log_path, ret_pid, &pidfd);

    g_assert_cmpstr(e ? e->message : NULL, ==, NULL);
    g_assert_cmpint(*ret_pid, >, 0);
    g_assert_cmpint(fcntl(pidfd, F_GETFD), ==, FD_CLOEXEC);
    return pidfd;
}

static void test_spawn_and_stop(void)
{
    pid_t pid = 0;
    AUTO_FD pidfd = spawn(&(ProcSpec){.argv = SHELL("echo ready; exec sleep 1000")}, &pid);

    await_log("ready");
    g_assert_false(proc_has_ended(pidfd));
    g_assert_false(proc_wait_ended(pidfd, 20));
    g_assert_cmpint(getsid(pid), ==, pid);
    g_assert_cmpint(getpgid(pid), ==, pid);
    g_assert_null(proc_stop(pidfd, quick_stop));
    g_assert_true(proc_has_ended(pidfd));
    g_assert_cmpint(waitpid(pid, NULL, WNOHANG), ==, -1); /* reaped */
    g_assert_null(proc_stop(pidfd, quick_stop));          /* again is success */
}

static void test_stop_sequence(void)
{
    static const ProcStop polite[] = {{SIGTERM, 100}, {SIGINT, 100}, {0, 0}};
    pid_t pid = 0;
    AUTO_FD pidfd =
        spawn(&(ProcSpec){.argv = SHELL("trap 'echo got-term' TERM; trap 'echo got-int' INT; "
                                        "echo stubborn; while :; do sleep 0.01; done")},
              &pid);

    await_log("stubborn");

    g_autoptr(Error) e = proc_stop(pidfd, polite);

    g_assert_cmpint(e->code, ==, ERR_TIMEOUT);
    await_log("got-term");
    await_log("got-int");
    g_assert_false(proc_has_ended(pidfd));
    g_assert_null(proc_stop(pidfd, quick_stop));
    g_assert_true(proc_has_ended(pidfd));
}

/* The wait is minutes long: it ends as soon as nobody can wait, and no harder signal follows. */
static void test_stop_cancelled(void)
{
    static const ProcStop patient[] = {{SIGTERM, 600000}, {SIGKILL, 600000}, {0, 0}};
    g_autoptr(GCancellable) cancel = g_cancellable_new();
    pid_t pid = 0;
    AUTO_FD pidfd = spawn(&(ProcSpec){.argv = SHELL("trap '' TERM; echo stubborn; "
                                                    "while :; do sleep 0.01; done")},
                          &pid);

    await_log("stubborn");
    g_cancellable_cancel(cancel);
    g_cancellable_push_current(cancel);
    g_autoptr(Error) e = proc_stop(pidfd, patient);
    g_cancellable_pop_current(cancel);
    g_assert_cmpint(e->code, ==, ERR_CONFLICT);
    g_assert_false(proc_has_ended(pidfd));
    g_assert_null(proc_stop(pidfd, quick_stop));
}

static void test_wait_ended(void)
{
    pid_t pid = 0;
    int64_t start_ms = clock_monotonic_ms();
    AUTO_FD pidfd = spawn(&(ProcSpec){.argv = SHELL("sleep 0.2")}, &pid);

    g_assert_true(proc_wait_ended(pidfd, 60000));
    g_assert_cmpint(clock_monotonic_ms() - start_ms, <, 5000);
}

/* The grandchild is nobody's child that we could reap; its pidfd tells its end all the same. */
static void test_stop_of_a_stranger(void)
{
    g_auto(ProcResult) result = {0};
    int64_t pid = 0;

    g_assert_null(proc_run(&(ProcSpec){.argv = SHELL("sleep 1000 & echo $!")}, &result));
    g_assert_null(text_parse_int(g_strchomp(result.output), 2, INT32_MAX, &pid));

    AUTO_FD pidfd = pidfd_open((pid_t)pid, 0);

    g_assert_cmpint(pidfd, >=, 0);
    g_assert_false(proc_has_ended(pidfd));
    g_assert_null(proc_stop(pidfd, quick_stop));
    g_assert_true(proc_has_ended(pidfd));
}

static void test_log_is_appended(void)
{
    const ProcSpec spec = {.argv = SHELL("echo to-out; echo to-err $WORD >&2; cat; pwd"),
                           .env = (const char *const[]){"WORD=word", NULL},
                           .cwd = "/usr"};
    g_autofree char *text = NULL;
    struct stat status;
    pid_t pid = 0;

    for (int i = 0; i < 2; i++) {
        AUTO_FD pidfd = spawn(&spec, &pid);

        g_assert_true(proc_wait_ended(pidfd, 60000));
    }
    g_assert_null(fs_read_file(log_path, 1 << 20, &text));
    g_assert_true(g_str_has_suffix(text, "to-out\nto-err word\n/usr\nto-out\nto-err word\n/usr\n"));
    g_assert_cmpint(stat(log_path, &status), ==, 0);
    g_assert_cmpint(status.st_mode & 07777, ==, 0600);
}

static void test_log_is_no_link(void)
{
    g_autofree char *link = g_build_filename(dir, "link", NULL);
    pid_t pid = 0;
    int pidfd = -1;

    g_assert_cmpint(symlink(log_path, link), ==, 0);

    g_autoptr(Error) e = proc_spawn(&(ProcSpec){.argv = SHELL("true")}, link, &pid, &pidfd);

    g_assert_cmpint(e->code, ==, ERR_EXTERNAL);
    g_assert_nonnull(strstr(e->message, link));
    g_assert_cmpint(pidfd, ==, -1);
}

/* Nobody reads it: to wait for that would hold us for ever. */
static void test_log_is_no_pipe(void)
{
    g_autofree char *pipe_path = g_build_filename(dir, "pipe", NULL);
    pid_t pid = 0;
    int pidfd = -1;

    g_assert_cmpint(mkfifo(pipe_path, 0600), ==, 0);

    g_autoptr(Error) e = proc_spawn(&(ProcSpec){.argv = SHELL("true")}, pipe_path, &pid, &pidfd);
    AUTO_FD reader = open(pipe_path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    g_autoptr(Error) read = proc_spawn(&(ProcSpec){.argv = SHELL("true")}, pipe_path, &pid, &pidfd);

    g_assert_cmpint(e->code, ==, ERR_EXTERNAL);
    g_assert_cmpint(read->code, ==, ERR_EXTERNAL);
    g_assert_nonnull(strstr(read->message, "is not a plain file"));
    g_assert_cmpint(pidfd, ==, -1);
}

typedef struct Environ {
    pid_t pid;
    char *entries;
    size_t size;
} Environ;

/* It is empty while the kernel makes the new program. */
static Error *read_environ(void *data, bool *ret_done)
{
    Environ *environ = data;
    g_autofree char *path = g_strdup_printf("/proc/%d/environ", environ->pid);

    g_free(environ->entries);
    g_assert_true(g_file_get_contents(path, &environ->entries, &environ->size, NULL));
    *ret_done = environ->size > 0;
    return NULL;
}

/* The names in a program's environment, each after a blank. */
static char *names_of_environ(pid_t pid)
{
    Environ environ = {.pid = pid};
    GString *names = g_string_new(NULL);

    g_assert_null(wait_until(clock_monotonic_ms() + 10000, read_environ, &environ));

    g_autofree char *entries = environ.entries;

    for (const char *entry = entries; entry < entries + environ.size; entry += strlen(entry) + 1)
        if (!strstr(entry, "SAN_OPTIONS=")) /* of this very run */
            g_string_append_printf(names, " %.*s", (int)strcspn(entry, "="), entry);
    return g_string_free(names, FALSE);
}

/* Whoever may look at a program for the weeks that it lives finds no secret of ours. */
static void assert_environ(const char *user, const char *expected)
{
    const ProcSpec spec = {.argv = (const char *const[]){"sleep", "1000", NULL},
                           .env = (const char *const[]){"GIVEN=1", NULL},
                           .user = user};
    g_autofree char *names = NULL;
    pid_t pid = 0;
    AUTO_FD pidfd = spawn(&spec, &pid);

    names = names_of_environ(pid);
    g_assert_null(proc_stop(pidfd, quick_stop));
    g_assert_cmpstr(names, ==, expected);
}

static void test_environ(void)
{
    static const char *const others[] = {"RAMET_TOKEN", "PGPASSWORD",    "PGHOST",
                                         "HOME",        "NOTIFY_SOCKET", "SSH_AUTH_SOCK"};
    g_auto(GStrv) before = g_listenv();

    for (char **name = before; *name; name++)
        if (!g_str_has_suffix(*name, "SAN_OPTIONS"))
            g_unsetenv(*name);
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
        g_setenv(others[i], "s3cret", TRUE);
    g_setenv("PATH", "/usr/bin:/bin", TRUE);
    g_setenv("LC_TIME", "C", TRUE);
    g_setenv("TZ", "UTC", TRUE);
    assert_environ(NULL, " PATH LC_TIME TZ GIVEN");
    if (geteuid() == 0)
        assert_environ("nobody", " PATH LC_TIME TZ USER LOGNAME GIVEN");
}

/* In a child, as one who may have no further process: what proc_run() says to that. */
static int code_without_processes(const ProcSpec *spec)
{
    const struct rlimit none = {0, 0};
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        if (geteuid() == 0 && setuid(65534) < 0)
            _exit(255);
        setrlimit(RLIMIT_NPROC, &none);
        Error *e = proc_run(spec, NULL);

        _exit(e ? (int)e->code : 0);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_no_more_processes(void)
{
    const char *const argv[] = {"true", NULL};

    g_assert_cmpint(code_without_processes(&(ProcSpec){.argv = argv}), ==, ERR_BUSY);
    g_assert_cmpint(code_without_processes(&(ProcSpec){.argv = argv, .hidden_mount = "/none"}), ==,
                    ERR_BUSY);
}

static void test_missing_program(void)
{
    const ProcSpec spec = {.argv = (const char *const[]){"no-such-program", NULL}};
    pid_t pid = 0;
    int pidfd = -1;
    g_autoptr(Error) e = proc_spawn(&spec, log_path, &pid, &pidfd);

    g_assert_cmpint(e->code, ==, ERR_EXTERNAL);
    g_assert_nonnull(e->hint);
    g_assert_cmpint(pid, ==, 0);
    g_assert_cmpint(pidfd, ==, -1);
}

static void test_other_user(void)
{
    g_autofree char *path = g_build_filename(dir, "nobody.log", NULL);
    struct stat status;
    uid_t uid;
    gid_t gid;
    pid_t pid = 0;
    int pidfd = -1;

    if (geteuid() != 0) {
        g_test_skip("only root may become another user");
        return;
    }
    g_assert_null(fs_find_user("nobody", &uid, &gid));
    g_assert_null(proc_spawn(&(ProcSpec){.argv = SHELL("id -un; echo $$"), .user = "nobody"}, path,
                             &pid, &pidfd));
    g_assert_true(proc_wait_ended(pidfd, 60000));
    close(pidfd);

    g_autofree char *expected = g_strdup_printf("nobody\n%d\n", pid); /* setpriv became the shell */
    g_autofree char *text = NULL;

    g_assert_null(fs_read_file(path, 1024, &text));
    g_assert_cmpstr(text, ==, expected);
    g_assert_cmpint(stat(path, &status), ==, 0);
    g_assert_cmpuint(status.st_uid, ==, uid);
}

/* In a child: start a sleeper, tell its pid, end. */
static void leave_sleeper(int out, bool dies_with_us)
{
    const ProcSpec spec = {.argv = (const char *const[]){"sleep", "1000", NULL},
                           .dies_with_us = dies_with_us};
    pid_t pid = 0;
    int pidfd = -1;
    g_autoptr(Error) e = proc_spawn(&spec, log_path, &pid, &pidfd);

    g_usleep(300000); /* until setpriv has become sleep */
    _exit(!e && write(out, &pid, sizeof(pid)) == sizeof(pid) ? 0 : 1);
}

static int sleeper_of_ended_parent(bool dies_with_us)
{
    int ends[2];
    int status = -1;
    pid_t sleeper = 0;

    g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);

    pid_t parent = fork();

    if (parent == 0)
        leave_sleeper(ends[1], dies_with_us);
    g_assert_cmpint(waitpid(parent, &status, 0), ==, parent);
    g_assert_cmpint(status, ==, 0);
    g_assert_cmpint(read(ends[0], &sleeper, sizeof(sleeper)), ==, sizeof(sleeper));
    close(ends[0]);
    close(ends[1]);
    return pidfd_open(sleeper, 0); /* -1 when it has gone completely */
}

static void test_outlives_us(void)
{
    AUTO_FD pidfd = sleeper_of_ended_parent(false);

    g_assert_cmpint(pidfd, >=, 0);
    g_assert_false(proc_wait_ended(pidfd, 200));
    g_assert_null(proc_stop(pidfd, quick_stop));
}

static void test_dies_with_us(void)
{
    AUTO_FD pidfd = sleeper_of_ended_parent(true);

    g_assert_true(pidfd < 0 || proc_wait_ended(pidfd, 60000));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    dir = g_dir_make_tmp("proc-XXXXXX", NULL);
    log_path = g_build_filename(dir, "log", NULL);
    g_test_add_func("/proc-spawn/spawn-and-stop", test_spawn_and_stop);
    g_test_add_func("/proc-spawn/stop-sequence", test_stop_sequence);
    g_test_add_func("/proc-spawn/stop-cancelled", test_stop_cancelled);
    g_test_add_func("/proc-spawn/wait-ended", test_wait_ended);
    g_test_add_func("/proc-spawn/stop-of-a-stranger", test_stop_of_a_stranger);
    g_test_add_func("/proc-spawn/log-is-appended", test_log_is_appended);
    g_test_add_func("/proc-spawn/log-is-no-link", test_log_is_no_link);
    g_test_add_func("/proc-spawn/log-is-no-pipe", test_log_is_no_pipe);
    g_test_add_func("/proc-spawn/missing-program", test_missing_program);
    g_test_add_func("/proc-spawn/other-user", test_other_user);
    g_test_add_func("/proc-spawn/outlives-us", test_outlives_us);
    g_test_add_func("/proc-spawn/dies-with-us", test_dies_with_us);
    g_test_add_func("/proc-spawn/no-more-processes", test_no_more_processes);
    g_test_add_func("/proc-spawn/environ", test_environ); /* last: it changes ours */

    int status = g_test_run();

    error_free(fs_remove_tree(dir));
    g_free(log_path);
    g_free(dir);
    return status;
}

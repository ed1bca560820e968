/*
 * The process runtime, with a shell script in the place of postgres.
 */
#include "runtime/runtime.h"

#include <glib/gstdio.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"

#define STOP_MS 10000

/* Stands in for postgres. The settings say how it takes signals, and whether it runs a program. */
static const char fake_postgres[] = "#!/bin/sh\n"
                                    "cd \"$2\" || exit 1\n"
                                    "case \"$*\" in\n"
                                    "*fake=stubborn*) trap '' INT QUIT ;;\n"
                                    "*fake=unclean*) trap '' INT; trap 'exit 0' QUIT ;;\n"
                                    "*) trap 'exit 0' INT; trap 'echo immediate; exit 0' QUIT ;;\n"
                                    "esac\n"
                                    "case \"$*\" in *fake=program*) sleep 30 & ;; esac\n"
                                    "echo \"arguments: $*\"\n"
                                    "env\n"
                                    "echo ready\n"
                                    "while :; do sleep 0.02; done\n";

typedef struct Fixture {
    char *dir;
    char *state_dir;
    char *bin_dir;
    char *data_dir;
    const char *user; /* unprivileged: PostgreSQL's, or ourselves */
    Runtime *runtime;
} Fixture;

static void assert_ok(Error *e)
{
    if (e)
        g_error("unexpected error: %s (%s)", e->message, e->detail ? e->detail : "-");
}

/* The error has this code and a message that ends so; it is freed. */
static void assert_error(Error *e, ErrorCode code, const char *end)
{
    g_autoptr(Error) owned = e;

    g_assert_nonnull(e);
    g_assert_cmpstr(error_code_name(e->code), ==, error_code_name(code));
    if (!g_str_has_suffix(e->message, end))
        g_assert_cmpstr(e->message, ==, end);
}

static void assert_hinted(Error *e, ErrorCode code, const char *end)
{
    g_assert_nonnull(e);
    g_assert_nonnull(e->hint);
    assert_error(e, code, end);
}

/* --- fixture --- */

static const char *choose_user(void)
{
    if (geteuid() != 0)
        return g_get_user_name();
    return getpwnam("postgres") ? "postgres" : "nobody";
}

static Error *open_runtime(const Fixture *f, Runtime **ret_runtime)
{
    const RuntimeSpec spec = {
        .driver = "process",
        .state_dir = f->state_dir,
        .os_user = f->user,
        .is_trusted = true,
    };

    return runtime_open(&spec, ret_runtime);
}

static void reopen(Fixture *f)
{
    runtime_close(g_steal_pointer(&f->runtime));
    assert_ok(open_runtime(f, &f->runtime));
}

static char *make_dir(const Fixture *f, const char *name, const char *user)
{
    char *path = g_build_filename(f->dir, name, NULL);

    assert_ok(fs_make_dir(path, 0755, user));
    return path;
}

static void set_up(Fixture *f, const void *unused)
{
    g_autofree char *program = NULL;

    f->user = choose_user();
    f->dir = g_dir_make_tmp("ramet-run-XXXXXX", NULL);
    g_assert_nonnull(f->dir);
    g_assert_cmpint(g_chmod(f->dir, 0711), ==, 0);
    f->state_dir = make_dir(f, "state", NULL);
    f->bin_dir = make_dir(f, "bin", NULL);
    f->data_dir = make_dir(f, "data", geteuid() == 0 ? f->user : NULL);
    program = g_build_filename(f->bin_dir, "postgres", NULL);
    assert_ok(fs_write_file(program, fake_postgres, &(FsWrite){.mode = 0755}));
    reopen(f);
}

static void tear_down(Fixture *f, const void *unused)
{
    g_autoptr(GPtrArray) ids = NULL;

    assert_ok(runtime_list(f->runtime, &ids));
    for (unsigned i = 0; i < ids->len; i++)
        assert_ok(runtime_stop(f->runtime, ids->pdata[i], RUNTIME_STOP_NOW, STOP_MS));
    runtime_close(f->runtime);
    assert_ok(fs_remove_tree(f->dir));
    g_free(f->dir);
    g_free(f->state_dir);
    g_free(f->bin_dir);
    g_free(f->data_dir);
}

static Error *start(Fixture *f, const char *id, const char *setting)
{
    const char *const settings[] = {setting, NULL};
    const InstanceSpec spec = {
        .id = id,
        .bin_dir = f->bin_dir,
        .data_dir = f->data_dir,
        .settings = settings,
    };

    return runtime_start(f->runtime, &spec);
}

typedef struct LogWait {
    Runtime *runtime;
    const char *id;
} LogWait;

static Error *log_is_ready(void *data, bool *ret_done)
{
    const LogWait *wait = data;
    g_autofree char *log = runtime_log_tail(wait->runtime, wait->id, 100);

    *ret_done = strstr(log, "ready\n") != NULL;
    return NULL;
}

/* Started for the first time, and its traps are set. */
static void start_ready(Fixture *f, const char *id, const char *setting)
{
    LogWait wait = {f->runtime, id};

    assert_ok(start(f, id, setting));
    assert_ok(wait_until(clock_monotonic_ms() + STOP_MS, log_is_ready, &wait));
}

static void assert_list(Fixture *f, const char *expected)
{
    g_autoptr(GPtrArray) ids = NULL;
    g_autofree char *joined = NULL;

    assert_ok(runtime_list(f->runtime, &ids));
    g_ptr_array_add(ids, NULL);
    joined = g_strjoinv(" ", (char **)ids->pdata);
    g_assert_cmpstr(joined, ==, expected);
}

/* Counts the processes that work in the data directory. */
static int count_workers(const Fixture *f)
{
    g_auto(GStrv) names = NULL;
    struct stat data_dir;
    int count = 0;

    g_assert_cmpint(stat(f->data_dir, &data_dir), ==, 0);
    assert_ok(fs_list_dir("/proc", &names));
    for (char **name = names; *name; name++) {
        g_autofree char *path = g_strdup_printf("/proc/%s/cwd", *name);
        struct stat cwd;

        if (stat(path, &cwd) == 0 && cwd.st_dev == data_dir.st_dev && cwd.st_ino == data_dir.st_ino)
            count++;
    }
    return count;
}

/* --- opening --- */

static Error *open_with(const Fixture *f, RuntimeSpec spec)
{
    g_autoptr(Runtime) runtime = NULL;

    spec.driver = spec.driver ? spec.driver : "process";
    spec.state_dir = spec.state_dir ? spec.state_dir : f->state_dir;
    spec.os_user = spec.os_user ? spec.os_user : f->user;
    return runtime_open(&spec, &runtime);
}

static void test_open_refused(Fixture *f, const void *unused)
{
    g_autofree char *nowhere = g_build_filename(f->dir, "nowhere", NULL);
    g_autofree char *comma = make_dir(f, "a,b", NULL);
    g_autofree char *name = g_strnfill(90, 'x');
    g_autofree char *deep = make_dir(f, name, NULL);

    assert_hinted(open_with(f, (RuntimeSpec){.driver = "magic", .is_trusted = true}), ERR_INVALID,
                  "there is no runtime \"magic\"");
    assert_hinted(open_with(f, (RuntimeSpec){.is_trusted = false}), ERR_INVALID,
                  "runtime \"process\" does not isolate clones");
    assert_hinted(open_with(f, (RuntimeSpec){.os_user = "root", .is_trusted = true}), ERR_INVALID,
                  "instances cannot run as user \"root\"");
    assert_hinted(open_with(f, (RuntimeSpec){.os_user = "no such user", .is_trusted = true}),
                  ERR_NOT_FOUND, "\"no such user\" does not exist");
    assert_error(open_with(f, (RuntimeSpec){.state_dir = nowhere, .is_trusted = true}),
                 ERR_EXTERNAL, "No such file or directory");
    assert_hinted(open_with(f, (RuntimeSpec){.state_dir = comma, .is_trusted = true}), ERR_INVALID,
                  "cannot be used");
    assert_hinted(open_with(f, (RuntimeSpec){.state_dir = deep, .is_trusted = true}), ERR_INVALID,
                  "is too long for a Unix socket");
}

static void test_open_out_of_reach(Fixture *f, const void *unused)
{
    if (geteuid() != 0) {
        g_test_skip("needs root: the user of the instances is another one");
        return;
    }
    g_assert_cmpint(g_chmod(f->state_dir, 0700), ==, 0);
    assert_hinted(open_with(f, (RuntimeSpec){.is_trusted = true}), ERR_INVALID, "/state/run\"");
}

/* --- starting --- */

static void test_start(Fixture *f, const void *unused)
{
    g_autofree char *socket_dir = runtime_socket_dir(f->runtime, "c1");
    g_autofree char *arguments = g_strdup_printf(
        "arguments: -D %s -c port=6001 -c unix_socket_directories=%s\n", f->data_dir, socket_dir);
    g_autofree char *log = NULL;
    struct stat st;

    start_ready(f, "c1", "port=6001");
    g_assert_true(runtime_is_running(f->runtime, "c1"));
    g_assert_false(runtime_is_running(f->runtime, "c2"));
    assert_list(f, "c1");
    log = runtime_log_tail(f->runtime, "c1", 4096);
    g_assert_nonnull(strstr(log, arguments));

    g_assert_cmpint(stat(socket_dir, &st), ==, 0);
    g_assert_cmpint(st.st_mode & 07777, ==, 0700);
    g_assert_cmpstr(getpwuid(st.st_uid)->pw_name, ==, f->user);
}

static void test_start_environment(Fixture *f, const void *unused)
{
    g_autofree char *log = NULL;
    g_autofree char *path = g_strdup_printf("\nPATH=%s:", f->bin_dir);

    g_setenv("PGHOST", "production", TRUE);
    g_setenv("VERIFICATION_TOKEN", "s3cret", TRUE);
    start_ready(f, "c1", "a=b");
    g_unsetenv("PGHOST");
    g_unsetenv("VERIFICATION_TOKEN");
    log = runtime_log_tail(f->runtime, "c1", 4096);
    g_assert_nonnull(strstr(log, "\nLC_ALL=C.UTF-8\n"));
    g_assert_nonnull(strstr(log, "\nRAMET_INSTANCE=c1\n"));
    g_assert_nonnull(strstr(log, path));
    g_assert_null(strstr(log, "PGHOST"));
    g_assert_null(strstr(log, "s3cret"));
}

static void test_start_twice(Fixture *f, const void *unused)
{
    assert_ok(start(f, "c1", "a=b"));
    assert_error(start(f, "c1", "a=b"), ERR_CONFLICT, "instance \"c1\" is running");
    assert_ok(start(f, "c2", "a=b"));
    assert_list(f, "c1 c2");
}

static void test_start_refused(Fixture *f, const void *unused)
{
    static const char *const wrong[] = {"", "../c1", "a/b", "C1", "a b", "."};
    g_autofree char *long_id = g_strnfill(64, 'x');

    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
        assert_error(start(f, wrong[i], "a=b"), ERR_INVALID, "is no id of an instance");
    assert_error(start(f, long_id, "a=b"), ERR_INVALID, "is no id of an instance");
    g_assert_false(runtime_is_running(f->runtime, ""));
}

static void test_start_fails(Fixture *f, const void *unused)
{
    g_autofree char *program = g_build_filename(f->bin_dir, "postgres", NULL);

    g_assert_cmpint(g_unlink(program), ==, 0);
    assert_error(start(f, "c1", "a=b"), ERR_EXTERNAL, "/postgres\" is not installed");
    g_assert_false(runtime_is_running(f->runtime, "c1"));

    assert_ok(fs_write_file(program, fake_postgres, &(FsWrite){.mode = 0755}));
    assert_ok(start(f, "c1", "a=b")); /* the id was given back */
}

static void test_start_clears_sockets(Fixture *f, const void *unused)
{
    g_autofree char *socket_dir = runtime_socket_dir(f->runtime, "c1");
    g_autofree char *stale = g_build_filename(socket_dir, ".s.PGSQL.6001.lock", NULL);

    assert_ok(fs_make_dir(socket_dir, 0700, NULL));
    assert_ok(fs_write_file(stale, "1\n", &(FsWrite){0}));
    assert_ok(start(f, "c1", "a=b"));
    g_assert_false(fs_exists(stale));
}

static void *start_in_thread(void *data)
{
    return start(data, "c1", "a=b");
}

static void test_start_race(Fixture *f, const void *unused)
{
    GThread *threads[4];
    int wins = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("starter", start_in_thread, f);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++) {
        Error *e = g_thread_join(threads[i]);

        if (e)
            assert_error(e, ERR_CONFLICT, "instance \"c1\" is running");
        else
            wins++;
    }
    g_assert_cmpint(wins, ==, 1);
    assert_list(f, "c1");
}

/* --- stopping --- */

static void test_stop_clean(Fixture *f, const void *unused)
{
    g_autofree char *log = NULL;

    start_ready(f, "c1", "a=b");
    assert_ok(runtime_stop(f->runtime, "c1", RUNTIME_STOP_CLEAN, STOP_MS));
    g_assert_false(runtime_is_running(f->runtime, "c1"));
    assert_list(f, "");
    log = runtime_log_tail(f->runtime, "c1", 4096);
    g_assert_null(strstr(log, "immediate"));
    assert_ok(runtime_stop(f->runtime, "c1", RUNTIME_STOP_CLEAN, STOP_MS));
    assert_ok(start(f, "c1", "a=b"));
}

static void test_stop_now(Fixture *f, const void *unused)
{
    g_autofree char *log = NULL;

    start_ready(f, "c1", "a=b");
    assert_ok(runtime_stop(f->runtime, "c1", RUNTIME_STOP_NOW, STOP_MS));
    g_assert_false(runtime_is_running(f->runtime, "c1"));
    log = runtime_log_tail(f->runtime, "c1", 4096);
    g_assert_nonnull(strstr(log, "immediate"));
}

static void test_stop_unclean(Fixture *f, const void *unused)
{
    start_ready(f, "c1", "fake=unclean");
    assert_hinted(runtime_stop(f->runtime, "c1", RUNTIME_STOP_CLEAN, 1000), ERR_TIMEOUT,
                  "no clean shutdown in time; it was ended by signal 3");
    g_assert_false(runtime_is_running(f->runtime, "c1"));
}

static void test_stop_stubborn(Fixture *f, const void *unused)
{
    start_ready(f, "c1", "fake=stubborn");
    assert_ok(runtime_stop(f->runtime, "c1", RUNTIME_STOP_NOW, 500));
    g_assert_false(runtime_is_running(f->runtime, "c1"));
    start_ready(f, "c2", "fake=stubborn");
    assert_hinted(runtime_stop(f->runtime, "c2", RUNTIME_STOP_CLEAN, 500), ERR_TIMEOUT,
                  "no clean shutdown in time; it was ended by signal 9");
    g_assert_cmpint(count_workers(f), ==, 0);
}

static void test_stop_sweeps(Fixture *f, const void *unused)
{
    start_ready(f, "c1", "fake=stubborn fake=program");
    g_assert_cmpint(count_workers(f), >=, 2);
    assert_ok(runtime_stop(f->runtime, "c1", RUNTIME_STOP_NOW, 500));
    g_assert_cmpint(count_workers(f), ==, 0);
}

/* --- looking --- */

static void test_found_again(Fixture *f, const void *unused)
{
    start_ready(f, "c1", "a=b");
    start_ready(f, "c2", "a=b");
    reopen(f);
    g_assert_true(runtime_is_running(f->runtime, "c1"));
    assert_list(f, "c1 c2");
    assert_error(start(f, "c1", "a=b"), ERR_CONFLICT, "instance \"c1\" is running");
    assert_ok(runtime_stop(f->runtime, "c1", RUNTIME_STOP_CLEAN, STOP_MS));
    assert_list(f, "c2");
}

/* The instances are nobody's children any more. */
static void test_found_after_kill(Fixture *f, const void *unused)
{
    pid_t server = fork();

    if (server == 0) {
        start_ready(f, "c1", "a=b");
        start_ready(f, "c2", "fake=stubborn");
        kill(getpid(), SIGKILL);
    }
    g_assert_cmpint(waitpid(server, NULL, 0), ==, server);
    assert_list(f, "c1 c2");
    assert_ok(runtime_stop(f->runtime, "c1", RUNTIME_STOP_CLEAN, STOP_MS));
    assert_ok(runtime_stop(f->runtime, "c2", RUNTIME_STOP_NOW, 500));
    assert_list(f, "");
    g_assert_cmpint(count_workers(f), ==, 0);
}

static void test_foreign(Fixture *f, const void *unused)
{
    Fixture other = *f;

    other.state_dir = make_dir(f, "other", NULL);
    assert_ok(open_runtime(&other, &other.runtime));
    start_ready(f, "c1", "a=b");
    assert_list(&other, "");
    g_assert_false(runtime_is_running(other.runtime, "c1"));
    runtime_close(other.runtime);
    g_free(other.state_dir);
}

/* A program that an instance has run inherits its environment, but is no instance. */
static void test_program_is_none(Fixture *f, const void *unused)
{
    start_ready(f, "c1", "fake=program");
    reopen(f);
    assert_list(f, "c1");
    assert_ok(runtime_stop(f->runtime, "c1", RUNTIME_STOP_NOW, STOP_MS));
    g_assert_cmpint(count_workers(f), ==, 1); /* it lives on … */
    assert_list(f, "");
    start_ready(f, "c2", "fake=stubborn"); /* … until a sweep */
    assert_ok(runtime_stop(f->runtime, "c2", RUNTIME_STOP_NOW, 500));
    g_assert_cmpint(count_workers(f), ==, 0);
}

static void test_ended(Fixture *f, const void *unused)
{
    g_autofree char *program = g_build_filename(f->bin_dir, "postgres", NULL);

    assert_ok(
        fs_write_file(program, "#!/bin/sh\nsleep 0.2\necho over\n", &(FsWrite){.mode = 0755}));
    assert_ok(start(f, "c1", "a=b"));
    g_assert_false(runtime_wait_ended(f->runtime, "c1", 1));
    g_assert_true(runtime_wait_ended(f->runtime, "c1", STOP_MS));
    g_assert_false(runtime_is_running(f->runtime, "c1"));
    g_assert_true(runtime_wait_ended(f->runtime, "c1", 0));
    assert_list(f, "");
}

static void test_log_tail(Fixture *f, const void *unused)
{
    g_autofree char *path = runtime_log_path(f->runtime, "c1");
    g_autofree char *none = runtime_log_tail(f->runtime, "c1", 100);
    g_autofree char *end = NULL;
    g_autofree char *all = NULL;

    g_assert_cmpstr(none, ==, "");
    assert_ok(fs_write_file(path, "first line\nlast \xff line\n", &(FsWrite){0}));
    end = runtime_log_tail(f->runtime, "c1", 12);
    all = runtime_log_tail(f->runtime, "c1", 100);
    g_assert_cmpstr(end, ==, "last � line\n");
    g_assert_cmpstr(all, ==, "first line\nlast � line\n");
}

static void test_forget(Fixture *f, const void *unused)
{
    g_autofree char *socket_dir = runtime_socket_dir(f->runtime, "c1");
    g_autofree char *log_path = runtime_log_path(f->runtime, "c1");
    g_autoptr(GPtrArray) before = NULL;
    g_autoptr(GPtrArray) after = NULL;

    start_ready(f, "c1", "a=b");
    assert_error(runtime_forget(f->runtime, "c1", true), ERR_CONFLICT,
                 "instance \"c1\" is running");
    assert_ok(runtime_list_dirs(f->runtime, &before));
    g_assert_cmpuint(before->len, ==, 1);
    g_assert_cmpstr(before->pdata[0], ==, "c1");

    assert_ok(runtime_stop(f->runtime, "c1", RUNTIME_STOP_NOW, STOP_MS));
    assert_ok(runtime_forget(f->runtime, "c1", false));
    g_assert_false(fs_exists(socket_dir));
    g_assert_true(fs_exists(log_path));
    assert_ok(runtime_forget(f->runtime, "c1", true));
    assert_ok(runtime_forget(f->runtime, "c1", true));
    g_assert_false(fs_exists(log_path));
    assert_ok(runtime_list_dirs(f->runtime, &after));
    g_assert_cmpuint(after->len, ==, 0);
    assert_error(runtime_forget(f->runtime, "..", true), ERR_INVALID, "is no id of an instance");
}

static void test_run(Fixture *f, const void *unused)
{
    const char *const argv[] = {"id", "-un", NULL};
    const ProcSpec spec = {.argv = argv, .user = "ignored", .timeout_ms = STOP_MS};
    g_auto(ProcResult) result = {0};
    g_autofree char *expected = g_strconcat(f->user, "\n", NULL);

    assert_ok(runtime_run(f->runtime, &spec, &result));
    g_assert_cmpstr(result.output, ==, expected);
}

#define runtime_test(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    runtime_test("/runtime/open/refused", test_open_refused);
    runtime_test("/runtime/open/out-of-reach", test_open_out_of_reach);
    runtime_test("/runtime/start", test_start);
    runtime_test("/runtime/start/environment", test_start_environment);
    runtime_test("/runtime/start/twice", test_start_twice);
    runtime_test("/runtime/start/refused", test_start_refused);
    runtime_test("/runtime/start/fails", test_start_fails);
    runtime_test("/runtime/start/clears-sockets", test_start_clears_sockets);
    runtime_test("/runtime/start/race", test_start_race);
    runtime_test("/runtime/stop/clean", test_stop_clean);
    runtime_test("/runtime/stop/now", test_stop_now);
    runtime_test("/runtime/stop/unclean", test_stop_unclean);
    runtime_test("/runtime/stop/stubborn", test_stop_stubborn);
    runtime_test("/runtime/stop/sweeps", test_stop_sweeps);
    runtime_test("/runtime/look/found-again", test_found_again);
    runtime_test("/runtime/look/found-after-kill", test_found_after_kill);
    runtime_test("/runtime/look/foreign", test_foreign);
    runtime_test("/runtime/look/program-is-none", test_program_is_none);
    runtime_test("/runtime/look/ended", test_ended);
    runtime_test("/runtime/look/log-tail", test_log_tail);
    runtime_test("/runtime/forget", test_forget);
    runtime_test("/runtime/run", test_run);
    return g_test_run();
}

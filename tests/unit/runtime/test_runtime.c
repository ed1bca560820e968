/*
 * One suite for every runtime.
 */
#include "fixture.h"

#include <glib/gstdio.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"

/* --- opening --- */

static Error *open_with(const Fixture *f, RuntimeSpec spec)
{
    g_autoptr(Runtime) runtime = NULL;

    spec.driver = spec.driver ? spec.driver : f->kind->driver;
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

static void test_open_untrusted(Fixture *f, const void *unused)
{
    assert_hinted(open_with(f, (RuntimeSpec){.is_trusted = false}), ERR_INVALID,
                  "runtime \"process\" does not isolate clones");
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
    g_autofree char *arguments =
        g_strdup_printf("arguments: -D %s -c port=6001 -c unix_socket_directories=%s\n",
                        f->kind->data_dir ? f->kind->data_dir : f->data_dir,
                        f->kind->socket_dir ? f->kind->socket_dir : socket_dir);
    g_autofree char *log = NULL;
    struct stat st;

    start_ready(f, "c1", "port=6001");
    g_assert_true(runtime_is_running(f->runtime, "c1"));
    g_assert_false(runtime_is_running(f->runtime, "c2"));
    assert_list(f, "c1");
    log = runtime_log_tail(f->runtime, "c1", 4096);
    g_assert_nonnull(strstr(log, arguments));

    g_assert_cmpint(stat(socket_dir, &st), ==, 0);
    g_assert_cmpint(st.st_mode & 07777, ==, 0711); /* the gateway comes in by its socket */
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
    g_assert_nonnull(strstr(log, path));
    g_assert_null(strstr(log, "PGHOST"));
    g_assert_null(strstr(log, "s3cret"));
}

static void test_start_twice(Fixture *f, const void *unused)
{
    assert_ok(start(f, "c1", "a=b"));
    assert_error(start(f, "c1", "a=b"), ERR_CONFLICT, "the instance is running");
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
    assert_error(start(f, "c1", "a=b"), ERR_EXTERNAL,
                 f->kind->is_isolated ? "failed with status 1" : "/postgres\" is not installed");
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
            assert_error(e, ERR_CONFLICT, "the instance is running");
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

/* It goes on ending by itself: the server cannot wait for it, and does not use force. */
static void test_stop_cancelled(Fixture *f, const void *unused)
{
    g_autoptr(GCancellable) cancel = g_cancellable_new();

    start_ready(f, "c1", "fake=unclean");
    g_cancellable_cancel(cancel);
    g_cancellable_push_current(cancel);
    assert_error(runtime_stop(f->runtime, "c1", RUNTIME_STOP_CLEAN, 600000), ERR_CONFLICT,
                 "stopping the instance: cancelled");
    g_cancellable_pop_current(cancel);
    g_assert_true(runtime_is_running(f->runtime, "c1"));
    assert_ok(runtime_stop(f->runtime, "c1", RUNTIME_STOP_NOW, 500));
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
    assert_error(start(f, "c1", "a=b"), ERR_CONFLICT, "the instance is running");
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

/* A server that is told to use another driver finds what runs, and ends it by its own. */
static void test_of_another_driver(Fixture *f, const void *unused)
{
    start_ready(f, "c1", "a=b");
    f->kind = &process_kind;
    reopen(f);
    assert_list(f, "c1");
    assert_error(start(f, "c1", "a=b"), ERR_CONFLICT, "the instance is running");
    assert_ok(runtime_stop(f->runtime, "c1", RUNTIME_STOP_CLEAN, STOP_MS));
    assert_ok(runtime_forget(f->runtime, "c1", true));
    start_ready(f, "c1", "fake=stubborn");
    f->kind = &oci_kind;
    reopen(f);
    assert_list(f, "c1");
    assert_ok(runtime_stop(f->runtime, "c1", RUNTIME_STOP_NOW, 500));
    g_assert_cmpint(count_workers(f), ==, 0);
}

/* Nothing is left of a container but the empty directories of all. */
static void test_start_cleans_up(Fixture *f, const void *unused)
{
    g_autofree char *bundles = g_build_filename(f->state_dir, "oci/bundles", NULL);
    g_autofree char *programs = g_build_filename(f->state_dir, "oci/programs", NULL);
    g_auto(GStrv) left = NULL;
    g_auto(GStrv) notes = NULL;

    for (int i = 0; i < 2; i++) { /* the second start finds what the first has left */
        start_ready(f, "c1", "a=b");
        assert_ok(runtime_stop(f->runtime, "c1", RUNTIME_STOP_CLEAN, STOP_MS));
        assert_ok(runtime_forget(f->runtime, "c1", true)); /* and "ready" with the log */
    }
    assert_ok(fs_list_dir(bundles, &left));
    assert_ok(fs_list_dir(programs, &notes));
    g_assert_cmpuint(g_strv_length(left), ==, 0);
    g_assert_cmpuint(g_strv_length(notes), ==, 0);
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
    assert_error(runtime_forget(f->runtime, "c1", true), ERR_CONFLICT, "the instance is running");
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

typedef void (*Test)(Fixture *f, const void *unused);

static void add(const Kind *kind, const char *name, Test test)
{
    g_autofree char *path = g_strdup_printf("/runtime/%s/%s", kind->driver, name);

    g_test_add(path, Fixture, kind, set_up, test, tear_down);
}

static void add_all(const Kind *kind)
{
    static const struct {
        const char *name;
        Test test;
    } tests[] = {
        {"open/refused", test_open_refused},
        {"start", test_start},
        {"start/environment", test_start_environment},
        {"start/twice", test_start_twice},
        {"start/refused", test_start_refused},
        {"start/fails", test_start_fails},
        {"start/clears-sockets", test_start_clears_sockets},
        {"start/race", test_start_race},
        {"stop/clean", test_stop_clean},
        {"stop/now", test_stop_now},
        {"stop/unclean", test_stop_unclean},
        {"stop/cancelled", test_stop_cancelled},
        {"stop/stubborn", test_stop_stubborn},
        {"stop/sweeps", test_stop_sweeps},
        {"look/found-again", test_found_again},
        {"look/found-after-kill", test_found_after_kill},
        {"look/foreign", test_foreign},
        {"look/ended", test_ended},
        {"look/log-tail", test_log_tail},
        {"forget", test_forget},
        {"run", test_run},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
        add(kind, tests[i].name, tests[i].test);
}

static void test_oci_is_away(void)
{
    g_test_skip("the oci runtime needs root and crun");
}

int main(int argc, char **argv)
{
    g_autofree char *crun = g_find_program_in_path("crun");

    g_test_init(&argc, &argv, NULL);
    add_all(&process_kind);
    add(&process_kind, "open/untrusted", test_open_untrusted);
    add(&process_kind, "open/out-of-reach", test_open_out_of_reach);
    add(&process_kind, "look/program-is-none", test_program_is_none);
    if (geteuid() != 0 || !crun) {
        g_test_add_func("/runtime/oci", test_oci_is_away);
        return g_test_run();
    }
    add_all(&oci_kind);
    add(&oci_kind, "look/of-another-driver", test_of_another_driver);
    add(&oci_kind, "start/cleans-up", test_start_cleans_up);
    return g_test_run();
}

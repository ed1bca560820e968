/*
 * The fixture of the runtimes' suite.
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

/*
 * Stands in for postgres. The settings say how it takes signals, and whether it runs a program. One that is
 * left by a test that was killed ends by itself after some minutes.
 */
const char fake_postgres[] = "#!/bin/sh\n"
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
                             "for n in $(seq 10000); do sleep 0.02; done\n";

const Kind process_kind = {.driver = "process"};
const Kind oci_kind = {
    .driver = "oci",
    .data_dir = "/var/lib/postgresql/data",
    .socket_dir = "/run/postgresql",
    .is_isolated = true,
};

void assert_ok(Error *e)
{
    if (e)
        g_error("unexpected error: %s (%s)", e->message, e->detail ? e->detail : "-");
}

/* The error has this code and a message that ends so; it is freed. */
void assert_error(Error *e, ErrorCode code, const char *end)
{
    g_autoptr(Error) owned = e;

    g_assert_nonnull(e);
    g_assert_cmpstr(error_code_name(e->code), ==, error_code_name(code));
    if (!g_str_has_suffix(e->message, end))
        g_assert_cmpstr(e->message, ==, end);
}

void assert_hinted(Error *e, ErrorCode code, const char *end)
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

Error *open_runtime(const Fixture *f, Runtime **ret_runtime)
{
    const RuntimeSpec spec = {
        .driver = f->kind->driver,
        .state_dir = f->state_dir,
        .os_user = f->user,
        .is_trusted = true,
        .log_bytes = 1 << 20,
    };

    return runtime_open(&spec, ret_runtime);
}

void reopen(Fixture *f)
{
    runtime_close(g_steal_pointer(&f->runtime));
    assert_ok(open_runtime(f, &f->runtime));
}

char *make_dir(const Fixture *f, const char *name, const char *user)
{
    char *path = g_build_filename(f->dir, name, NULL);

    assert_ok(fs_make_dir(path, 0755, user));
    return path;
}

void set_up(Fixture *f, const void *kind)
{
    g_autofree char *program = NULL;

    f->kind = kind;
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

void tear_down(Fixture *f, const void *kind)
{
    g_autoptr(GPtrArray) ids = NULL;
    g_autoptr(GPtrArray) dirs = NULL;

    assert_ok(runtime_list(f->runtime, &ids));
    for (unsigned i = 0; i < ids->len; i++)
        assert_ok(runtime_stop(f->runtime, ids->pdata[i], RUNTIME_STOP_NOW, STOP_MS));
    assert_ok(runtime_list_dirs(f->runtime, &dirs));
    for (unsigned i = 0; i < dirs->len; i++) /* and control groups */
        assert_ok(runtime_forget(f->runtime, dirs->pdata[i], true));
    runtime_close(f->runtime);
    assert_ok(fs_remove_tree(f->dir));
    g_free(f->dir);
    g_free(f->state_dir);
    g_free(f->bin_dir);
    g_free(f->data_dir);
}

Error *start(Fixture *f, const char *id, const char *setting)
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
void start_ready(Fixture *f, const char *id, const char *setting)
{
    LogWait wait = {f->runtime, id};

    assert_ok(start(f, id, setting));
    assert_ok(wait_until(clock_monotonic_ms() + STOP_MS, log_is_ready, &wait));
}

void assert_list(Fixture *f, const char *expected)
{
    g_autoptr(GPtrArray) ids = NULL;
    g_autofree char *joined = NULL;

    assert_ok(runtime_list(f->runtime, &ids));
    g_ptr_array_add(ids, NULL);
    joined = g_strjoinv(" ", (char **)ids->pdata);
    g_assert_cmpstr(joined, ==, expected);
}

/* Counts the processes that work in the data directory. */
int count_workers(const Fixture *f)
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

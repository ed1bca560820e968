/*
 * The process runtime: an instance is a plain postgres process of the unprivileged user, with no
 * isolation but that user. It lives in a session of its own and is found again by its marks in
 * /proc.
 */
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "runtime/driver.h"
#include "runtime/process_scan.h"

#define PROCESS_PROBE_TIMEOUT_MS 10000
#define PROCESS_ORPHANS_MS       5000 /* backends of a killed postmaster notice it by then */

typedef struct ProcessRuntime {
    char *state_dir;
    char *user; /* NULL = as we are */
    uid_t uid;
} ProcessRuntime;

/* --- open and close --- */

static void process_close(void *private)
{
    ProcessRuntime *process = private;

    if (!process)
        return;
    g_free(process->state_dir);
    g_free(process->user);
    g_free(process);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ProcessRuntime, process_close)

static Error *process_run(void *private, const ProcSpec *spec, ProcResult *ret_result)
{
    const ProcessRuntime *process = private;
    ProcSpec as_user = *spec;

    as_user.user = process->user;
    return proc_run(&as_user, ret_result);
}

/* The user must get to its socket through all directories above. */
static Error *process_probe_path(ProcessRuntime *process)
{
    g_autofree char *run_dir = g_build_filename(process->state_dir, "run", NULL);
    const char *const argv[] = {"test", "-x", run_dir, NULL};
    const ProcSpec spec = {.argv = argv, .timeout_ms = PROCESS_PROBE_TIMEOUT_MS};
    g_auto(ProcResult) result = {0};
    Error *e = process_run(process, &spec, &result);

    if (!e || result.exit_status != 1)
        return e;
    error_free(e);
    return error_hint(error_new(ERR_INVALID, "user \"%s\" cannot reach \"%s\"",
                                process->user ? process->user : "(ourselves)", run_dir),
                      "Allow others to pass (chmod o+x) through each directory of this path.");
}

static Error *process_open(const RuntimeSpec *spec, void **ret_private)
{
    g_autoptr(ProcessRuntime) process = g_new0(ProcessRuntime, 1);
    gid_t gid;

    if (!spec->is_trusted)
        return error_hint(error_new(ERR_INVALID, "runtime \"process\" does not isolate clones"),
                          "A superuser of a clone can run any program as the instances' user. Set "
                          "runtime.trusted to true if all users of the clones are trusted.");
    process->state_dir = g_strdup(spec->state_dir);
    process->user = g_strdup(spec->os_user);
    process->uid = geteuid();
    if (process->user)
        TRY(fs_find_user(process->user, &process->uid, &gid));
    TRY(process_probe_path(process));
    *ret_private = g_steal_pointer(&process);
    return NULL;
}

/* --- the command line --- */

static void process_add(GPtrArray *words, const char *prefix, const char *text)
{
    g_ptr_array_add(words, g_strconcat(prefix, text, NULL));
}

/* Nothing of our environment (PG*, secrets) reaches an instance. */
static char **process_build_env(const ProcessRuntime *process, const InstanceSpec *spec)
{
    g_autoptr(GPtrArray) env = g_ptr_array_new();
    g_auto(GStrv) names = g_listenv();

    for (char **name = names; *name; name++)
        process_add(env, *name, "");
    g_ptr_array_add(env, g_strdup_printf("PATH=%s:/usr/local/bin:/usr/bin:/bin", spec->bin_dir));
    process_add(env, "LC_ALL=", "C.UTF-8");
    process_add(env, PROCESS_ENV_STATE, process->state_dir);
    process_add(env, PROCESS_ENV_INSTANCE, spec->id);
    g_ptr_array_add(env, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&env), FALSE);
}

static char **process_build_argv(const InstanceSpec *spec, const char *socket_dir)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new();

    g_ptr_array_add(argv, g_build_filename(spec->bin_dir, "postgres", NULL));
    process_add(argv, "-D", "");
    process_add(argv, spec->data_dir, "");
    for (const char *const *setting = spec->settings; setting && *setting; setting++) {
        process_add(argv, "-c", "");
        process_add(argv, *setting, "");
    }
    process_add(argv, "-c", ""); /* last: the last one wins */
    process_add(argv, PROCESS_ARG_SOCKETS, socket_dir);
    g_ptr_array_add(argv, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&argv), FALSE);
}

/* --- list and sweep --- */

static Error *process_list(void *private, RuntimeFound found, void *data)
{
    const ProcessRuntime *process = private;

    return process_scan_instances(process->state_dir, found, data);
}

typedef struct ProcessSweep {
    const char *data_dir;
    uid_t uid;
} ProcessSweep;

static Error *process_sweep_once(void *data, bool *ret_done)
{
    const ProcessSweep *sweep = data;
    int count = 0;

    TRY(process_scan_kill(sweep->data_dir, sweep->uid, &count));
    *ret_done = count == 0;
    return NULL;
}

/* Backends whose postmaster is gone end by themselves, but a busy one notices late. */
static Error *process_sweep(void *private, const char *data_dir, int64_t deadline_ms)
{
    const ProcessRuntime *process = private;
    ProcessSweep sweep = {data_dir, process->uid};

    return wait_until(deadline_ms, process_sweep_once, &sweep);
}

/* --- start --- */

/*
 * A lock file of an instance that does not run: its postmaster was killed, or the data is a
 * snapshot of a running clone. PostgreSQL would refuse when another process has that pid now. What
 * may still write to the data, backends of a postmaster that was killed, ends first.
 */
static Error *process_clear_lock_file(const ProcessRuntime *process, const char *data_dir)
{
    g_autofree char *path = g_build_filename(data_dir, "postmaster.pid", NULL);
    ProcessSweep sweep = {data_dir, process->uid};

    if (!fs_exists(path))
        return NULL;
    TRY(wait_until(clock_monotonic_ms() + PROCESS_ORPHANS_MS, process_sweep_once, &sweep));
    return fs_remove(path);
}

static Error *process_start(void *private, const InstanceSpec *spec, const char *socket_dir,
                            const char *log_path, int *ret_pidfd)
{
    const ProcessRuntime *process = private;
    g_auto(GStrv) argv = process_build_argv(spec, socket_dir);
    g_auto(GStrv) env = process_build_env(process, spec);
    const ProcSpec program = {
        .argv = (const char *const *)argv,
        .env = (const char *const *)env,
        .user = process->user,
    };
    pid_t pid;

    TRY(process_clear_lock_file(process, spec->data_dir));
    return proc_spawn(&program, log_path, &pid, ret_pidfd);
}

const RuntimeDriver process_driver = {
    .name = "process",
    .open = process_open,
    .close = process_close,
    .start = process_start,
    .list = process_list,
    .sweep = process_sweep,
    .run = process_run,
};

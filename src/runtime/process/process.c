/*
 * The process runtime: an instance is a plain postgres process of the unprivileged user, with no
 * isolation but that user. It lives in a session of its own and is found again by its marks in
 * /proc.
 */
#include <unistd.h>

#include "base/clock.h"
#include "runtime/command.h"
#include "runtime/driver.h"
#include "runtime/process/scan.h"

#define PROCESS_PROBE_TIMEOUT_MS 10000

/* --- open --- */

/* The user must get to its socket through all directories above. */
static Error *process_probe_path(const RuntimePlace *place)
{
    g_autofree char *run_dir = g_build_filename(place->state_dir, "run", NULL);
    const char *const argv[] = {"test", "-x", run_dir, NULL};
    const ProcSpec spec = {
        .argv = argv,
        .user = place->user,
        .timeout_ms = PROCESS_PROBE_TIMEOUT_MS,
    };
    g_auto(ProcResult) result = {0};
    Error *e = proc_run(&spec, &result);

    if (!e || result.exit_status != 1)
        return e;
    error_free(e);
    return error_hint(error_new(ERR_INVALID, "user \"%s\" cannot reach \"%s\"",
                                place->user ? place->user : "(ourselves)", run_dir),
                      "Allow others to pass (chmod o+x) through each directory of this path.");
}

static Error *process_open(const RuntimeSpec *spec, const RuntimePlace *place, void **ret_private)
{
    if (!spec->is_trusted)
        return error_hint(error_new(ERR_INVALID, "runtime \"process\" does not isolate clones"),
                          "A superuser of a clone can run any program as the instances' user. Set "
                          "runtime.trusted to true if all users of the clones are trusted.");
    return process_probe_path(place);
}

static char *process_describe(const void *private)
{
    return g_strdup("plain processes without isolation: all users of clones are trusted");
}

/* --- the command line --- */

static void process_add(GPtrArray *words, const char *prefix, const char *text)
{
    g_ptr_array_add(words, g_strconcat(prefix, text, NULL));
}

/* Nothing of our environment (PG*, secrets) reaches an instance. */
static char **process_build_env(const RuntimePlace *place, const InstanceSpec *spec)
{
    g_autoptr(GPtrArray) env = g_ptr_array_new();
    g_auto(GStrv) names = g_listenv();

    for (char **name = names; *name; name++)
        process_add(env, *name, "");
    g_ptr_array_add(env, g_strdup_printf("PATH=%s:/usr/local/bin:/usr/bin:/bin", spec->bin_dir));
    process_add(env, "LC_ALL=", "C.UTF-8");
    process_add(env, PROCESS_ENV_STATE, place->state_dir);
    process_add(env, PROCESS_ENV_INSTANCE, spec->id);
    g_ptr_array_add(env, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&env), FALSE);
}

/* --- list and sweep --- */

static Error *process_list(const RuntimePlace *place, RuntimeFound found, void *data)
{
    return process_scan_instances(place->state_dir, found, data);
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
static Error *process_sweep(const RuntimePlace *place, const char *data_dir, int64_t deadline_ms)
{
    ProcessSweep sweep = {data_dir, place->uid};

    return wait_until(deadline_ms, process_sweep_once, &sweep);
}

/* --- start --- */

static Error *process_start(void *private, const RuntimePlace *place, const InstanceSpec *spec,
                            const RuntimeFiles *files, int *ret_pidfd)
{
    g_auto(GStrv) argv = instance_argv(spec, spec->data_dir, files->socket_dir);
    g_auto(GStrv) env = process_build_env(place, spec);
    const ProcSpec program = {
        .argv = (const char *const *)argv,
        .env = (const char *const *)env,
        .user = place->user,
        .cwd = spec->data_dir,
    };
    pid_t pid;

    return proc_spawn(&program, files->log_path, &pid, ret_pidfd);
}

const RuntimeDriver process_driver = {
    .name = "process",
    .open = process_open,
    .describe = process_describe,
    .start = process_start,
    .list = process_list,
    .sweep = process_sweep,
};

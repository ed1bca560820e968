/*
 * The new data: its volume, an empty cluster in it, the instance that loads it, and its clean end.
 */
#include "base/clock.h"
#include "engine/pool/making.h"
#include "postgres/activity.h"
#include "postgres/conf.h"
#include "postgres/controldata.h"
#include "postgres/owners.h"
#include "postgres/ready.h"
#include "postgres/version.h"
#include "retrieval/tool.h"

#define READY_TIMEOUT_MS 120000
#define STOP_TIMEOUT_MS  600000 /* the last checkpoint writes much */
#define UNDO_TIMEOUT_MS  10000

/* --- volume --- */

Error *step_create_volume(Operation *operation)
{
    const Work *work = operation->work;
    g_autoptr(Manifest) manifest = g_new0(Manifest, 1);

    manifest->uid = g_strdup(work->volume);
    manifest->kind = g_strdup("golden");
    manifest->pool = g_strdup(storage_pool_name(work->pool));
    manifest->branch = g_strdup("main");
    manifest->pg_major = work->installation->major;
    manifest->created_at_ms = clock_now_ms();
    TRY(storage_mark(work->pool, STORAGE_VOLUME, work->volume, operation->row->uid));
    return storage_create_volume(work->pool, work->volume, manifest);
}

Error *undo_create_volume(Operation *operation)
{
    const Work *work = operation->work;

    return operation_unmake(operation, work->pool, STORAGE_VOLUME, work->volume);
}

/* --- cluster --- */

static Error *cluster_initdb(const Work *work)
{
    const SourceDatabase *defaults = work->source->defaults;
    g_autoptr(Tool) tool = NULL;

    TRY(tool_new_inside(work, "initdb", &tool));
    tool_arg(tool, "--pgdata=.");
    tool_arg(tool, "--username=%s", OWNERS_SYSTEM);
    tool_arg(tool, "--encoding=%s", defaults->encoding);
    tool_arg(tool, "--locale=C");
    tool_arg(tool, "--lc-collate=%s", defaults->collate);
    tool_arg(tool, "--lc-ctype=%s", defaults->ctype);
    tool_arg(tool, "--auth=peer");
    if (work->source->has_checksums)
        tool_arg(tool, "--data-checksums");
    else if (version_has(work->installation->major, VERSION_HAS_CHECKSUMS_BY_DEFAULT))
        tool_arg(tool, "--no-data-checksums");
    tool_arg(tool, "--no-sync"); /* all of it is synced before the snapshot */
    return tool_run(tool, NULL, NULL);
}

static Error *cluster_configure(const Work *work)
{
    const Config *config = work_config(work);
    const ConfSpec spec = {
        .purpose = CONF_LOAD,
        .major = work->installation->major,
        .layers = {config->database_configs, config->retrieval.restore.configs},
    };

    TRY(work_take_over(work, OWNERS_SYSTEM));
    return conf_write(work->data_dir, config->postgres.os_user, &spec);
}

Error *step_create_cluster(Operation *operation)
{
    const Work *work = operation->work;

    TRY(cluster_initdb(work));
    return cluster_configure(work);
}

/* --- instance --- */

static bool cluster_is_starting(const Error *e)
{
    return e->code == ERR_BUSY || e->code == ERR_EXTERNAL || e->code == ERR_TIMEOUT;
}

/* The management database need not exist yet: "postgres" is asked. */
static Error *cluster_check_ready(void *data, bool *ret_done)
{
    const Work *work = data;
    const EngineInstance instance = work_instance(work);
    g_autoptr(Conn) conn = NULL;

    if (g_cancellable_is_cancelled(work->cancel))
        return error_new(ERR_CONFLICT, "cancelled");
    if (!runtime_is_running(work->engine->runtime, work->volume))
        return error_new(ERR_EXTERNAL, READY_ENDED);
    g_autoptr(Error) e = instance_connect(work->engine, &instance, "postgres", &conn);
    if (e && !cluster_is_starting(e))
        return g_steal_pointer(&e);
    *ret_done = e == NULL;
    return NULL;
}

Error *step_start(Operation *operation)
{
    Work *work = operation->work;
    const EngineInstance instance = work_instance(work);

    TRY(instance_start(work->engine, &instance));
    return work_with_log(
        work, wait_until(clock_monotonic_ms() + READY_TIMEOUT_MS, cluster_check_ready, work));
}

Error *undo_start(Operation *operation)
{
    const Work *work = operation->work;

    TRY(runtime_stop(work->engine->runtime, work->volume, RUNTIME_STOP_NOW, UNDO_TIMEOUT_MS));
    return runtime_forget(work->engine->runtime, work->volume, true);
}

/* --- statistics and the end --- */

static Error *cluster_measure(Work *work)
{
    const EngineInstance instance = work_instance(work);
    g_autoptr(Conn) conn = NULL;

    TRY(instance_connect(work->engine, &instance, "postgres", &conn));
    return activity_database_bytes(conn, NULL, &work->logical_size);
}

/* VACUUM too: it sets the hint bits that each clone would otherwise write for itself. */
Error *step_analyze(Operation *operation)
{
    Work *work = operation->work;
    g_autoptr(Tool) tool = NULL;

    TRY(tool_new(work, "vacuumdb", &tool));
    tool_use_target(tool);
    tool_arg(tool, "--all");
    tool_arg(tool, "--analyze");
    tool_arg(tool, "--no-password");
    tool_arg(tool, "--jobs=%" G_GINT64_FORMAT,
             MAX(work_config(work)->retrieval.restore.parallel_jobs, 1));
    TRY(tool_run(tool, NULL, NULL));
    return cluster_measure(work);
}

/* However long it takes, but for a cancelled refresh. */
static Error *cluster_shut_down(const Work *work)
{
    g_cancellable_push_current(work->cancel);
    Error *e =
        runtime_stop(work->engine->runtime, work->volume, RUNTIME_STOP_CLEAN, STOP_TIMEOUT_MS);
    g_cancellable_pop_current(work->cancel);
    return e;
}

Error *step_stop(Operation *operation)
{
    const Work *work = operation->work;
    ControlData control;

    TRY(work_with_log(work, cluster_shut_down(work)));
    TRY(control_data_read(work->data_dir, work->installation->major, &control));
    if (!control.is_shut_down)
        return work_with_log(
            work, error_new(ERR_EXTERNAL, "postgres did not shut down cleanly: its data is \"%s\"",
                            control.state));
    return runtime_forget(work->engine->runtime, work->volume, true);
}

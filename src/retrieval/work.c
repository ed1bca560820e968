/*
 * The work of one operation: made from its row alone, so that after a crash it can be undone.
 */
#include "retrieval/work.h"

#include <string.h>

#include "engine/pool/pools.h"
#include "postgres/conf.h"
#include "postgres/owners.h"
#include "postgres/version.h"

#define WORK_LOG_TAIL_BYTES 4096

static void work_free(Work *work)
{
    config_unref(work->config);
    json_decref(work->args);
    storage_close_pool(work->pool);
    g_free(work->data_dir);
    source_free(work->source);
    installation_free(work->installation);
    error_free(work->roles_warning);
    g_free(work);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Work, work_free)

static const char *work_arg(const Work *work, const char *name)
{
    const char *value = json_string_value(json_object_get(work->args, name));

    return value ? value : "";
}

Error *work_load(Operation *operation)
{
    g_autoptr(Work) work = g_new0(Work, 1);

    work->retrieval = operation->owner;
    work->engine = work->retrieval->engine;
    work->config = engine_config(work->engine);
    work->cancel = operation->cancel;
    work->args = json_loads(operation->row->args, 0, NULL);
    work->volume = work_arg(work, "volume");
    work->snapshot_uid = work_arg(work, "snapshot");
    TRY(engine_await_pool(work->engine, work_arg(work, "pool"), &work->pool));
    work->data_dir = storage_volume_data(work->pool, work->volume);
    operation->work = g_steal_pointer(&work);
    return NULL;
}

void work_unload(Operation *operation)
{
    work_free(operation->work);
}

void work_entered(Operation *operation)
{
    Retrieval *retrieval = operation->owner;
    const Step *step = operation->step;
    bool is_first = operation->row->step == 0;

    retrieval_enter(retrieval, operation->row->uid, (RetrievalState)step->phase);
    if (step->until > 0)
        progress_phase(retrieval->progress, step->text, is_first ? 0 : step[-1].until, step->until);
}

void work_save_args(Operation *operation)
{
    const Work *work = operation->work;

    g_free(operation->row->args);
    operation->row->args = json_dumps(work->args, JSON_COMPACT);
}

EngineInstance work_instance(const Work *work)
{
    return (EngineInstance){
        .config = work->config,
        .id = work->volume,
        .data_dir = work->data_dir,
        .installation = work->installation,
        .listen = "",
        .manager = OWNERS_SYSTEM,
    };
}

Error *work_take_over(const Work *work, const char *manager)
{
    const Config *config = work_config(work);
    const ConfAccess access = {
        .manager = manager,
        .tool_user = config->postgres.os_user,
        .accepts_md5 = config->provision.keep_user_passwords ||
                       !version_has(work->installation->major, VERSION_HAS_SCRAM),
    };

    return conf_take_over(work->data_dir, config->postgres.os_user, &access);
}

/* PostgreSQL stops for a full disk by itself, and only its log says so. */
Error *work_with_log(const Work *work, Error *e)
{
    g_autofree char *tail =
        runtime_log_tail(work->engine->runtime, work->volume, WORK_LOG_TAIL_BYTES);

    if (!e || !*tail)
        return e;
    if (strstr(tail, "No space left on device"))
        e->code = ERR_NO_SPACE;
    return error_detail(e, "%s", tail);
}

const Config *work_config(const Work *work)
{
    return work->config;
}

/*
 * Destroying a volume that nothing uses any more.
 */
#include "engine/pool/volume.h"

#include "base/json.h"
#include "base/log.h"
#include "engine/kinds.h"
#include "engine/pool/pools.h"
#include "store/clone.h"
#include "store/golden.h"

typedef struct VolumeWork {
    Pool *pool;
    json_t *args;
} VolumeWork;

static Error *volume_load(Operation *operation)
{
    json_t *args = json_loads(operation->row->args, 0, NULL);
    const char *pool_name = json_string_value(json_object_get(args, "pool"));
    Pool *pool = NULL;
    Error *e = engine_await_pool(operation_engine(operation), pool_name ? pool_name : "", &pool);

    if (e) {
        json_decref(args);
        return e;
    }
    VolumeWork *work = g_new(VolumeWork, 1);
    *work = (VolumeWork){pool, args};
    operation->work = work;
    return NULL;
}

static void volume_unload(Operation *operation)
{
    VolumeWork *work = operation->work;

    json_decref(work->args);
    storage_close_pool(work->pool);
    g_free(work);
}

/* What was to go once is looked at again: the journal may be older than what uses the volume. */
static Error *volume_is_used(const Operation *operation, bool *ret_is_used)
{
    const VolumeWork *work = operation->work;
    Store *store = operation->store;
    const char *pool = storage_pool_name(work->pool);
    bool is_golden = false;

    TRY(store_is_golden(store, pool, operation->row->target, &is_golden));
    TRY(store_is_clone_volume(store, pool, operation->row->target, ret_is_used));
    *ret_is_used = *ret_is_used || is_golden;
    return NULL;
}

static Error *volume_destroy(Operation *operation)
{
    const VolumeWork *work = operation->work;
    bool is_used = false;

    TRY(volume_is_used(operation, &is_used));
    if (is_used) {
        log_warn("a volume that was to be destroyed is in use, and is kept", "volume",
                 operation->row->target, "pool", storage_pool_name(work->pool));
        return NULL;
    }
    return storage_destroy_volume(work->pool, operation->row->target);
}

static const Step discard_steps[] = {
    {"destroying the volume", volume_destroy, NULL},
    {0},
};

static Error *volume_finish(Operation *operation)
{
    return NULL;
}

static Error *volume_fail(Operation *operation, const Error *cause)
{
    return NULL;
}

const OperationKind volume_discard_kind = {
    .name = "discard",
    .steps = discard_steps,
    .resumes = true,
    .retries = true,
    .load = volume_load,
    .unload = volume_unload,
    .finish = volume_finish,
    .fail = volume_fail,
};

Error *volume_destroy_of(Engine *engine, const json_t *args, const char *pool_key,
                         const char *volume_key)
{
    const char *pool_name = json_string_value(json_object_get(args, pool_key));
    const char *volume = json_string_value(json_object_get(args, volume_key));
    g_autoptr(Pool) pool = NULL;

    if (!pool_name || !volume)
        return NULL;
    Error *e = engine_await_pool(engine, pool_name, &pool);
    if (e && e->code == ERR_NOT_FOUND) { /* on no record: nothing of it is ours any more */
        error_free(e);
        return NULL;
    }
    TRY(e);
    return storage_destroy_volume(pool, volume);
}

void volume_discard_after(Operation *operation, const char *pool, const char *volume)
{
    g_autoptr(json_t) args = json_pack("{ss}", "pool", pool);

    operation_follow(operation, &volume_discard_kind, volume, args);
}

/*
 * Marks are the operation's uid, which is never used twice.
 */
#include "engine/pool/making.h"

#include "base/log.h"
#include "engine/pool/pools.h"

Error *operation_unmake(const Operation *operation, Pool *pool, StorageKind kind, const char *name)
{
    bool is_kept = false;

    TRY(storage_unmake(pool, kind, name, operation->row->uid, &is_kept));
    if (is_kept)
        log_warn("the journal is older than what it would undo, which is kept", "operation",
                 operation->row->kind, "target", operation->row->target, "pool",
                 storage_pool_name(pool), "kept", name);
    return NULL;
}

void operation_made(Pool *pool, StorageKind kind, const char *name)
{
    error_ignore(storage_unmark(pool, kind, name), "its mark goes with the next start");
}

static bool making_is_alive(const char *maker, void *data)
{
    const GPtrArray *rows = data;

    for (unsigned i = 0; i < rows->len; i++)
        if (g_str_equal(((const OperationRow *)rows->pdata[i])->uid, maker))
            return true;
    return false;
}

void engine_sweep_marks(Engine *engine)
{
    g_autoptr(GPtrArray) statuses = pools_statuses(engine->pools, false);
    g_autoptr(GPtrArray) rows = NULL;

    error_ignore(store_list_operations(engine->store, &rows),
                 "marks are swept with the next start");
    for (unsigned i = 0; rows && i < statuses->len; i++) {
        const PoolStatus *status = statuses->pdata[i];

        if (status->pool)
            error_ignore(storage_sweep_marks(status->pool, making_is_alive, rows),
                         "marks are swept with the next start");
    }
}

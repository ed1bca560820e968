/*
 * The retirement of older automatic snapshots.
 */
#include "engine/snapshot/snapshot.h"

#include "base/log.h"
#include "engine/departure.h"
#include "operation/operation.h"
#include "storage/storage_foreign.h"

/* An older automatic snapshot that nobody uses or protects. */
static Error *retire_is_due(Engine *engine, const Snapshot *snapshot, const Snapshot *newest,
                            bool *ret_is_due)
{
    g_autoptr(GPtrArray) users = NULL;

    if (!snapshot->is_ready || *snapshot->clone_id || storage_is_foreign(snapshot->uid) ||
        !g_str_equal(snapshot->pool, newest->pool) || g_str_equal(snapshot->uid, newest->uid) ||
        snapshot->data_state_at_ms > newest->data_state_at_ms ||
        snapshot_is_protected_now(snapshot)) {
        *ret_is_due = false;
        return NULL;
    }
    TRY(snapshot_list_users(engine->store, snapshot->uid, &users));
    *ret_is_due = users->len == 0;
    return NULL;
}

/* All that it is decided by is read in the transaction that writes. */
static Error *retire_one(Engine *engine, const char *uid, const Snapshot *newest)
{
    g_autoptr(StoreTransaction) tx = NULL;
    g_autoptr(Snapshot) snapshot = NULL;
    g_autoptr(OperationRow) row = NULL;
    bool is_due = false;

    TRY(store_begin(engine->store, STORE_DURABLE, &tx));
    Error *e = store_get_snapshot_by_uid(engine->store, uid, &snapshot);
    if (e && e->code == ERR_NOT_FOUND) { /* somebody else was quicker */
        error_free(e);
        return NULL;
    }
    TRY(e);
    TRY(retire_is_due(engine, snapshot, newest, &is_due));
    if (!is_due)
        return NULL;
    TRY(snapshot_begin_delete(engine, snapshot, &row));
    TRY(store_commit(&tx));
    log_info("retiring a snapshot", "snapshot", snapshot->id, "newest", newest->id);
    operations_submit_take(engine->operations, g_steal_pointer(&row), NULL, NULL);
    return NULL;
}

Error *engine_retire_snapshots(Engine *engine, const Snapshot *newest)
{
    g_autoptr(GPtrArray) snapshots = NULL;

    TRY(store_list_snapshots(engine->store, &snapshots));
    for (unsigned i = 0; i < snapshots->len; i++)
        TRY(retire_one(engine, ((const Snapshot *)snapshots->pdata[i])->uid, newest));
    return NULL;
}

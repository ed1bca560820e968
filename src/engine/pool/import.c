/*
 * The name of a foreign snapshot is the uid of its row, and never changes: importing again finds
 * what is there. Their data is looked at once, for the major version.
 */
#include "engine/pool/import.h"

#include <string.h>

#include "base/log.h"
#include "engine/pool/pools.h"
#include "postgres/installation.h"
#include "storage/storage_foreign.h"
#include "store/snapshot.h"

static Error *import_data_major(Pool *pool, const char *name, int64_t *ret_major)
{
    g_autofree char *data_dir = storage_snapshot_data(pool, name);

    TRY(storage_show_foreign(pool, name, true));
    Error *e = installation_data_major(data_dir, ret_major);
    error_ignore(storage_show_foreign(pool, name, false), "it is hidden when the pool is opened");
    return e;
}

static Snapshot *import_row(const StorageEntry *entry, int64_t major)
{
    const Manifest *manifest = entry->manifest;
    Snapshot *snapshot = snapshot_new();

    snapshot->uid = g_strdup(entry->name);
    snapshot->id = g_strdup(manifest->id);
    snapshot->pool = g_strdup(manifest->pool);
    snapshot->branch = g_strdup(manifest->branch);
    snapshot->parent_uid = g_strdup(manifest->parent);
    snapshot->clone_id = g_strdup("");
    snapshot->message = g_strdup(manifest->message);
    snapshot->pg_major = major;
    snapshot->data_state_at_ms = manifest->data_state_at_ms;
    snapshot->created_at_ms = manifest->created_at_ms;
    snapshot->logical_size = (int64_t)MIN(entry->foreign->logical_size, (uint64_t)G_MAXINT64);
    snapshot->is_protected = entry->foreign->is_protected;
    snapshot->protected_till_ms = entry->foreign->protected_till_ms;
    snapshot->is_ready = true;
    return snapshot;
}

static Error *import_one(Engine *engine, Pool *pool, const StorageEntry *entry)
{
    g_autoptr(Snapshot) known = NULL;
    g_autoptr(Snapshot) snapshot = NULL;
    int64_t major = 0;

    Error *e = store_get_snapshot_by_uid(engine->store, entry->name, &known);
    if (!e || e->code != ERR_NOT_FOUND)
        return e;
    error_free(e);
    TRY(import_data_major(pool, entry->name, &major));
    snapshot = import_row(entry, major);
    TRY(store_insert_snapshot(engine->store, snapshot));
    log_info("snapshot imported", "snapshot", snapshot->id, "maker", entry->foreign->maker);
    return NULL;
}

static bool import_is_there(const GPtrArray *entries, const char *name)
{
    for (unsigned i = 0; i < entries->len; i++)
        if (g_str_equal(((const StorageEntry *)entries->pdata[i])->name, name))
            return true;
    return false;
}

/* Its maker has destroyed it. A row with clones stays: they hold the data. */
static Error *import_forget_gone(Engine *engine, Pool *pool, const GPtrArray *entries)
{
    g_autoptr(GPtrArray) snapshots = NULL;

    TRY(store_list_snapshots(engine->store, &snapshots));
    for (unsigned i = 0; i < snapshots->len; i++) {
        const Snapshot *snapshot = snapshots->pdata[i];
        if (!storage_is_foreign(snapshot->uid) ||
            !g_str_equal(snapshot->pool, storage_pool_name(pool)) ||
            import_is_there(entries, snapshot->uid))
            continue;
        error_ignore(store_delete_snapshot(engine->store, snapshot->uid),
                     "an imported snapshot is gone and has clones");
    }
    return NULL;
}

static Error *import_pool(Engine *engine, Pool *pool)
{
    g_autoptr(GPtrArray) entries = NULL;

    TRY(storage_list(pool, &entries));
    for (unsigned i = 0; i < entries->len; i++) {
        const StorageEntry *entry = entries->pdata[i];
        g_autoptr(Error) e = entry->foreign ? import_one(engine, pool, entry) : NULL;
        if (e)
            log_failure(LOG_LEVEL_WARN, e, "snapshot not imported", "snapshot", entry->manifest->id,
                        NULL);
    }
    return import_forget_gone(engine, pool, entries);
}

void engine_import_snapshots(Engine *engine)
{
    g_autoptr(GPtrArray) statuses = pools_statuses(engine->pools, false);

    for (unsigned i = 0; i < statuses->len; i++) {
        const PoolStatus *status = statuses->pdata[i];
        if (status->pool)
            error_ignore(import_pool(engine, status->pool),
                         "snapshots of other programs in it are as they were before");
    }
}

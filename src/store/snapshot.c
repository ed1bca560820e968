/*
 * Snapshots as the store knows them.
 */
#include "store/snapshot.h"

#include "store/table.h"

static const Column snapshot_columns[] = {
    COLUMN(Snapshot, uid),
    COLUMN(Snapshot, id),
    COLUMN(Snapshot, pool),
    COLUMN(Snapshot, branch),
    COLUMN(Snapshot, parent_uid),
    COLUMN(Snapshot, clone_id),
    COLUMN(Snapshot, message),
    COLUMN(Snapshot, pg_major),
    COLUMN(Snapshot, data_state_at_ms),
    COLUMN(Snapshot, created_at_ms),
    COLUMN(Snapshot, logical_size),
    COLUMN(Snapshot, is_protected),
    COLUMN(Snapshot, protected_till_ms),
    COLUMN(Snapshot, delete_at_ms),
    COLUMN(Snapshot, is_ready),
    {0},
};

static const Table snapshot_table = {"snapshot", sizeof(Snapshot), (GDestroyNotify)snapshot_free,
                                     snapshot_columns};

Snapshot *snapshot_new(void)
{
    return g_new0(Snapshot, 1);
}

void snapshot_free(Snapshot *snapshot)
{
    table_free_row(&snapshot_table, snapshot);
}

static Error *snapshot_not_found(void)
{
    return error_hint(error_new(ERR_NOT_FOUND, "no snapshot found"),
                      "\"ramet snapshot list\" shows what there is.");
}

/* Puts the words of the API in place of the database's when the id is taken. */
static Error *snapshot_explain(Error *e, const Snapshot *snapshot)
{
    if (!e || e->code != ERR_CONFLICT)
        return e;
    error_free(e);
    return error_new(ERR_CONFLICT, "snapshot %s already exists", snapshot->id);
}

Error *store_insert_snapshot(Store *store, const Snapshot *snapshot)
{
    return snapshot_explain(table_insert(store, &snapshot_table, snapshot), snapshot);
}

Error *store_update_snapshot(Store *store, const Snapshot *snapshot)
{
    bool is_found = false;

    TRY(snapshot_explain(table_update(store, &snapshot_table, snapshot, &is_found), snapshot));
    return is_found ? NULL : snapshot_not_found();
}

Error *store_delete_snapshot(Store *store, const char *uid)
{
    Error *e = table_delete(store, &snapshot_table, uid);

    if (!e || e->code != ERR_CONFLICT)
        return e;
    error_free(e);
    return error_new(ERR_CONFLICT, "snapshot \"%s\" has clones", uid);
}

static Error *snapshot_find(Store *store, const char *tail, const char *value,
                            Snapshot **ret_snapshot)
{
    void *snapshot = NULL;

    TRY(table_find(store, &snapshot_table, tail, DB_TEXT(value), &snapshot));
    if (!snapshot)
        return snapshot_not_found();
    *ret_snapshot = snapshot;
    return NULL;
}

Error *store_get_snapshot(Store *store, const char *id, Snapshot **ret_snapshot)
{
    return snapshot_find(store, "WHERE id = ? AND is_ready", id, ret_snapshot);
}

Error *store_get_snapshot_by_uid(Store *store, const char *uid, Snapshot **ret_snapshot)
{
    return snapshot_find(store, "WHERE uid = ?", uid, ret_snapshot);
}

Error *store_latest_snapshot(Store *store, const char *branch, Snapshot **ret_snapshot)
{
    return snapshot_find(store,
                         "WHERE is_ready AND clone_id = '' AND branch = coalesce(?, branch) "
                         "ORDER BY data_state_at_ms DESC, created_at_ms DESC, uid DESC LIMIT 1",
                         branch, ret_snapshot);
}

Error *store_list_snapshots(Store *store, GPtrArray **ret_snapshots)
{
    return table_list(store, &snapshot_table, "ORDER BY created_at_ms DESC, uid DESC", DB_END,
                      ret_snapshots);
}

static Error *snapshot_read_clone_id(const DbRow *row, void *data)
{
    g_ptr_array_add(data, db_row_dup(row, 0));
    return NULL;
}

Error *store_list_snapshot_clones(Store *store, const char *uid, GPtrArray **ret_ids)
{
    g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
    Error *e =
        db_query(store_lock(store), "SELECT id FROM clone WHERE snapshot_uid = ? ORDER BY id",
                 snapshot_read_clone_id, ids, DB_TEXT(uid), DB_END);

    store_unlock(store);
    if (!e)
        *ret_ids = g_steal_pointer(&ids);
    return e;
}

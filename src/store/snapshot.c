/*
 * Snapshots as the store knows them.
 */
#include "store/snapshot.h"

#include <string.h>

#include "store/table.h"

static const Column snapshot_columns[] = {
    COLUMN(Snapshot, uid),
    COLUMN(Snapshot, id),
    COLUMN(Snapshot, pool),
    COLUMN(Snapshot, branch),
    COLUMN(Snapshot, parent_uid),
    COLUMN(Snapshot, clone_id),
    COLUMN(Snapshot, clone_uid),
    COLUMN(Snapshot, extra_conf),
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

static Error *snapshot_read_found(const DbRow *row, void *data)
{
    *(bool *)data = true;
    return NULL;
}

static Error *snapshot_ask(Store *store, const char *sql, const char *value, bool *ret_answer)
{
    bool answer = false;
    Error *e =
        db_query(store_lock(store), sql, snapshot_read_found, &answer, DB_TEXT(value), DB_END);

    store_unlock(store);
    if (!e)
        *ret_answer = answer;
    return e;
}

Error *store_insert_snapshot(Store *store, const Snapshot *snapshot)
{
    return snapshot_explain(table_insert(store, &snapshot_table, snapshot), snapshot);
}

static Error *snapshot_insert_stamped(Store *store, const Snapshot *snapshot)
{
    const char *stamp = strrchr(snapshot->id, '@');
    bool is_taken = false;

    TRY(snapshot_ask(store, "SELECT 1 FROM snapshot WHERE substr(id, instr(id, '@')) = ? LIMIT 1",
                     stamp, &is_taken));
    if (is_taken)
        return error_new(ERR_CONFLICT, "a snapshot %s already exists", stamp);
    return store_insert_snapshot(store, snapshot);
}

Error *store_insert_stamped_snapshot(Store *store, const Snapshot *snapshot)
{
    store_lock(store); /* nobody takes it in between */
    Error *e = snapshot_insert_stamped(store, snapshot);
    store_unlock(store);
    return e;
}

static Error *snapshot_change(Store *store, const char *sql, const DbValue *values)
{
    Db *db = store_lock(store);
    Error *e = db_run_values(db, sql, values);

    if (!e && db_changes(db) == 0)
        e = snapshot_not_found();
    store_unlock(store);
    return e;
}

Error *store_set_snapshot_ready(Store *store, const char *uid, bool is_ready)
{
    const DbValue values[] = {DB_INT(is_ready), DB_TEXT(uid), DB_END};

    return snapshot_change(store, "UPDATE snapshot SET is_ready = ? WHERE uid = ?", values);
}

Error *store_set_snapshot_lease(Store *store, const char *uid, bool is_protected,
                                int64_t protected_till_ms, int64_t delete_at_ms)
{
    const DbValue values[] = {DB_INT(is_protected), DB_INT(protected_till_ms), DB_INT(delete_at_ms),
                              DB_TEXT(uid), DB_END};

    return snapshot_change(store,
                           "UPDATE snapshot SET is_protected = ?, protected_till_ms = ?, "
                           "delete_at_ms = ? WHERE uid = ?",
                           values);
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

/* --- questions --- */

Error *store_has_snapshot(Store *store, const char *id, bool *ret_has)
{
    return snapshot_ask(store, "SELECT 1 FROM snapshot WHERE id = ?", id, ret_has);
}

Error *store_has_clone_snapshots(Store *store, const char *clone_uid, bool *ret_has)
{
    return snapshot_ask(store, "SELECT 1 FROM snapshot WHERE clone_uid = ? LIMIT 1", clone_uid,
                        ret_has);
}

static Error *snapshot_read_clone_id(const DbRow *row, void *data)
{
    g_ptr_array_add(data, db_row_dup(row, 0));
    return NULL;
}

/* kind: NULL in a statement that knows none. */
static Error *snapshot_list_ids(Store *store, const char *sql, const char *uid, const char *kind,
                                GPtrArray **ret_ids)
{
    g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
    Error *e = db_query(store_lock(store), sql, snapshot_read_clone_id, ids, DB_TEXT(uid),
                        kind ? DB_TEXT(kind) : DB_END, DB_END);

    store_unlock(store);
    if (!e)
        *ret_ids = g_steal_pointer(&ids);
    return e;
}

Error *store_list_snapshot_clones(Store *store, const char *uid, GPtrArray **ret_ids)
{
    return snapshot_list_ids(store, "SELECT id FROM clone WHERE snapshot_uid = ? ORDER BY id", uid,
                             NULL, ret_ids);
}

Error *store_list_snapshot_users(Store *store, const char *uid, const char *reset_kind,
                                 GPtrArray **ret_ids)
{
    static const char sql[] =
        "SELECT id FROM clone WHERE snapshot_uid = ?1 "
        "UNION "
        "SELECT clone.id FROM operation JOIN clone ON clone.uid = operation.target "
        "WHERE kind = ?2 AND ?1 IN (args ->> '$.snapshot', args ->> '$.oldSnapshot') "
        "ORDER BY id";

    return snapshot_list_ids(store, sql, uid, reset_kind, ret_ids);
}

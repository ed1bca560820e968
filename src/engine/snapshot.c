/*
 * Snapshots: names, deletion, protection, and the retirement of old ones.
 */
#include "engine/snapshot.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "engine/clone.h"
#include "engine/departure.h"
#include "engine/kinds.h"
#include "engine/lease.h"
#include "engine/pools.h"
#include "storage/measure.h"
#include "storage/storage_foreign.h"

#define DELETE_CLONES_TIMEOUT_MS 120000
#define SNAPSHOT_ID_TRIES        60

char *snapshot_public_id(const char *place, int64_t at_ms)
{
    g_autofree char *stamp = clock_format_stamp(at_ms);

    return g_strdup_printf("%s@snapshot_%s", place, stamp);
}

Error *snapshot_insert(Store *store, Snapshot *snapshot, const char *place)
{
    for (int i = 1;; i++) {
        g_free(snapshot->id);
        snapshot->id = snapshot_public_id(place, snapshot->data_state_at_ms);
        Error *e = store_insert_stamped_snapshot(store, snapshot);
        if (!e || e->code != ERR_CONFLICT || i == SNAPSHOT_ID_TRIES)
            return e;
        error_free(e);
        snapshot->data_state_at_ms += 1000;
    }
}

Error *snapshot_check_id(const char *id)
{
    static GRegex *pattern;

    if (g_once_init_enter(&pattern))
        g_once_init_leave(
            &pattern, g_regex_new("^[a-zA-Z0-9_][a-zA-Z0-9_.:/-]*@[a-zA-Z0-9_][a-zA-Z0-9_.:-]*\\z",
                                  G_REGEX_OPTIMIZE, 0, NULL));
    if (g_regex_match(pattern, id, 0, NULL))
        return NULL;
    return error_hint(error_new(ERR_INVALID, "invalid snapshot ID given: \"%.200s\"", id),
                      "\"ramet snapshot list\" shows the ids there are: POOL@snapshot_TIME.");
}

Error *snapshot_check_pool(Engine *engine, const char *id)
{
    g_autofree char *name = g_strndup(id, strcspn(id, "@/"));
    g_autoptr(Pool) pool = NULL;
    Error *e = engine_find_pool(engine, name, &pool);

    if (!e)
        return NULL;
    e->code = ERR_INVALID;
    return error_wrap(e, "pool manager not available %s", name);
}

/* The id of a request to change or delete one. */
static Error *snapshot_check_request(Engine *engine, const char *id)
{
    TRY(snapshot_check_id(id));
    g_autoptr(Error) cause = snapshot_check_pool(engine, id);
    if (!cause)
        return NULL;
    return error_hint(error_new(ERR_INVALID, "pool for requested snapshot (%s) not found", id),
                      "%s", cause->hint);
}

Manifest *snapshot_manifest(const Snapshot *snapshot)
{
    Manifest *manifest = g_new0(Manifest, 1);

    manifest->uid = g_strdup(snapshot->uid);
    manifest->kind = g_strdup("snapshot");
    manifest->id = g_strdup(snapshot->id);
    manifest->pool = g_strdup(snapshot->pool);
    manifest->branch = g_strdup(snapshot->branch);
    manifest->parent = g_strdup(snapshot->parent_uid);
    manifest->message = g_strdup(snapshot->message);
    manifest->owner = g_strdup("");
    manifest->pg_major = snapshot->pg_major;
    manifest->data_state_at_ms = snapshot->data_state_at_ms;
    manifest->created_at_ms = snapshot->created_at_ms;
    return manifest;
}

/* --- who uses it --- */

static bool users_reset_names(const OperationRow *row, const char *uid)
{
    static const char *const names[] = {"snapshot", "oldSnapshot"};
    g_autoptr(json_t) args = json_loads(row->args, 0, NULL);
    bool has_named = false;

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        has_named |= g_strcmp0(json_string_value(json_object_get(args, names[i])), uid) == 0;
    return has_named;
}

static Error *users_add(Store *store, GPtrArray *users, const char *clone_uid)
{
    g_autoptr(Clone) clone = NULL;
    Error *e = store_get_clone_by_uid(store, clone_uid, &clone);

    if (e && e->code == ERR_NOT_FOUND) { /* its reset ends without it */
        error_free(e);
        return NULL;
    }
    TRY(e);
    if (!g_ptr_array_find_with_equal_func(users, clone->id, g_str_equal, NULL))
        g_ptr_array_add(users, g_strdup(clone->id));
    return NULL;
}

Error *snapshot_list_users(Store *store, const char *uid, GPtrArray **ret_ids)
{
    g_autoptr(GPtrArray) users = NULL;
    g_autoptr(GPtrArray) rows = NULL;

    TRY(store_list_snapshot_clones(store, uid, &users));
    TRY(store_list_operations(store, &rows));
    for (unsigned i = 0; i < rows->len; i++) {
        const OperationRow *row = rows->pdata[i];
        if (g_str_equal(row->kind, clone_reset_kind.name) && users_reset_names(row, uid))
            TRY(users_add(store, users, row->target));
    }
    *ret_ids = g_steal_pointer(&users);
    return NULL;
}

/* --- deletion --- */

typedef struct DeleteWork {
    Snapshot *snapshot;
    Pool *pool;
} DeleteWork;

static Error *delete_load(Operation *operation)
{
    g_autoptr(Snapshot) snapshot = NULL;
    g_autoptr(Pool) pool = NULL;

    TRY(store_get_snapshot_by_uid(operation->store, operation->row->target, &snapshot));
    TRY(engine_await_pool(operation_engine(operation), snapshot->pool, &pool));
    DeleteWork *work = g_new(DeleteWork, 1);
    *work = (DeleteWork){g_steal_pointer(&snapshot), g_steal_pointer(&pool)};
    operation->work = work;
    return NULL;
}

static void delete_unload(Operation *operation)
{
    DeleteWork *work = operation->work;

    snapshot_free(work->snapshot);
    storage_close_pool(work->pool);
    g_free(work);
}

static Error *delete_destroy(Operation *operation)
{
    const DeleteWork *work = operation->work;

    return storage_destroy_snapshot(work->pool, work->snapshot->uid);
}

/* None is left; new ones cannot come, as the snapshot is not ready any more. */
static Error *delete_has_no_clones(void *data, bool *ret_done)
{
    const Operation *operation = data;
    g_autoptr(GPtrArray) clones = NULL;

    if (g_cancellable_is_cancelled(operation->cancel)) /* the server stops */
        return error_new(ERR_CONFLICT, "cancelled");
    TRY(snapshot_list_users(operation->store, operation->row->target, &clones));
    *ret_done = clones->len == 0;
    return NULL;
}

/* A reset may have led it elsewhere since. */
static Error *delete_is_used_still(Engine *engine, const Clone *clone, const void *snapshot_uid,
                                   bool *ret_is_so)
{
    g_autoptr(GPtrArray) users = NULL;

    TRY(snapshot_list_users(engine->store, snapshot_uid, &users));
    *ret_is_so = g_ptr_array_find_with_equal_func(users, clone->id, g_str_equal, NULL);
    return NULL;
}

static Error *delete_destroy_clone(Operation *operation, const char *id)
{
    Engine *engine = operation_engine(operation);
    g_autoptr(Clone) clone = NULL;
    bool is_begun;
    Error *e = store_get_clone(engine->store, id, &clone);

    if (e && e->code == ERR_NOT_FOUND) { /* its user was quicker */
        error_free(e);
        return NULL;
    }
    TRY(e);
    return engine_destroy_clone_if(engine, clone->uid, delete_is_used_still, operation->row->target,
                                   &is_begun);
}

/* Only of a forced deletion; each clone goes by an operation of its own. */
static Error *delete_destroy_clones(Operation *operation)
{
    Engine *engine = operation_engine(operation);
    g_autoptr(GPtrArray) clones = NULL;

    TRY(snapshot_list_users(engine->store, operation->row->target, &clones));
    for (unsigned i = 0; i < clones->len; i++)
        TRY(delete_destroy_clone(operation, clones->pdata[i]));
    return wait_until(clock_monotonic_ms() + DELETE_CLONES_TIMEOUT_MS, delete_has_no_clones,
                      operation);
}

static const Step delete_steps[] = {
    {"destroying its clones", delete_destroy_clones, NULL},
    {"destroying the snapshot", delete_destroy, NULL},
    {0},
};

static Error *delete_finish(Operation *operation)
{
    return store_delete_snapshot(operation->store, operation->row->target);
}

static Error *delete_fail(Operation *operation, const Error *cause)
{
    return NULL; /* it stays on record, not offered to anyone, and is tried again */
}

const OperationKind snapshot_delete_kind = {
    .name = "delete-snapshot",
    .steps = delete_steps,
    .resumes = true,
    .is_long = true, /* it waits for other operations: never on one of their threads */
    .retries = true,
    .load = delete_load,
    .unload = delete_unload,
    .finish = delete_finish,
    .fail = delete_fail,
};

/* Inside a transaction: from here on no clone can be made of it. */
static Error *delete_begin(Engine *engine, const Snapshot *snapshot, OperationRow **ret_row)
{
    g_autoptr(OperationRow) row = operation_row(&snapshot_delete_kind, snapshot->uid, NULL);

    TRY(store_set_snapshot_ready(engine->store, snapshot->uid, false));
    TRY(store_insert_operation(engine->store, row));
    *ret_row = g_steal_pointer(&row);
    return NULL;
}

/* Inside a transaction, which it commits. */
static Error *delete_record(Engine *engine, StoreTransaction **tx, const Snapshot *snapshot,
                            bool is_forced, OperationRow **ret_row)
{
    g_autoptr(OperationRow) row = NULL;

    TRY(snapshot_may_go(engine->store, snapshot, is_forced));
    TRY(delete_begin(engine, snapshot, &row));
    TRY(store_commit(tx));
    *ret_row = g_steal_pointer(&row);
    return NULL;
}

static Error *delete_record_id(Engine *engine, const char *id, bool is_forced,
                               OperationRow **ret_row)
{
    g_autoptr(StoreTransaction) tx = NULL;
    g_autoptr(Snapshot) snapshot = NULL;

    TRY(store_begin(engine->store, STORE_DURABLE, &tx));
    TRY(store_get_snapshot(engine->store, id, &snapshot));
    return delete_record(engine, &tx, snapshot, is_forced, ret_row);
}

Error *engine_delete_snapshot(Engine *engine, const char *id, bool is_forced, OperationEnded ended,
                              void *data)
{
    g_autoptr(OperationRow) row = NULL;

    TRY(snapshot_check_request(engine, id));
    TRY(delete_record_id(engine, id, is_forced, &row));
    operations_submit_take(engine->operations, g_steal_pointer(&row), ended, data);
    return NULL;
}

bool snapshot_is_due(const Snapshot *snapshot)
{
    return snapshot->is_ready && lease_is_due(snapshot->delete_at_ms, clock_now_ms());
}

static Error *delete_record_due(Engine *engine, const char *uid, OperationRow **ret_row)
{
    g_autoptr(StoreTransaction) tx = NULL;
    g_autoptr(Snapshot) snapshot = NULL;

    TRY(store_begin(engine->store, STORE_DURABLE, &tx));
    Error *e = store_get_snapshot_by_uid(engine->store, uid, &snapshot);
    if (e && e->code == ERR_NOT_FOUND) { /* somebody else was quicker */
        error_free(e);
        return NULL;
    }
    TRY(e);
    return snapshot_is_due(snapshot) ? delete_record(engine, &tx, snapshot, false, ret_row) : NULL;
}

Error *engine_delete_due_snapshot(Engine *engine, const Snapshot *seen, bool *ret_is_begun)
{
    g_autoptr(OperationRow) row = NULL;

    *ret_is_begun = false;
    TRY(engine_need_pool(engine, seen->pool));
    TRY(delete_record_due(engine, seen->uid, &row));
    if (!row)
        return NULL;
    operations_submit_take(engine->operations, g_steal_pointer(&row), NULL, NULL);
    *ret_is_begun = true;
    return NULL;
}

/* --- retirement --- */

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
    TRY(delete_begin(engine, snapshot, &row));
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

/* --- protection and schedule --- */

static Error *update_check(const SnapshotUpdate *update)
{
    if (!update->has_protected && !update->has_delete_at)
        return error_hint(
            error_new(ERR_INVALID, "nothing to update: specify protected or deleteAt"),
            "Send {\"protected\": true}, for instance.");
    if (update->has_protected && update->is_protected && update->has_delete_at)
        return error_hint(
            error_new(ERR_INVALID,
                      "cannot enable protection and schedule deletion at the same time"),
            "Give either protected or deleteAt: the one set last wins.");
    return NULL;
}

/* Refused when it is asked for, not when its time has come. */
static Error *update_check_kind(const Snapshot *snapshot, const SnapshotUpdate *update)
{
    return update->has_delete_at && update->delete_at_ms != 0 ? snapshot_is_for_users(snapshot)
                                                              : NULL;
}

/* Protection and a scheduled deletion exclude each other: the one set last wins. */
static void update_apply(Snapshot *snapshot, const SnapshotUpdate *update)
{
    if (update->has_delete_at) {
        snapshot->delete_at_ms = update->delete_at_ms;
        snapshot->is_protected = false;
    } else if (update->is_protected) {
        snapshot->delete_at_ms = 0;
        snapshot->is_protected = true;
    } else {
        snapshot->is_protected = false;
    }
    snapshot->protected_till_ms = lease_end(
        &(LeaseRules){0},
        &(LeaseRequest){snapshot->is_protected, update->has_duration, update->duration_minutes},
        clock_now_ms());
}

Error *engine_update_snapshot(Engine *engine, const char *id, const SnapshotUpdate *update,
                              Snapshot **ret_snapshot)
{
    g_autoptr(StoreTransaction) tx = NULL;
    g_autoptr(Snapshot) snapshot = NULL;

    TRY(snapshot_check_request(engine, id));
    TRY(update_check(update));
    TRY(store_begin(engine->store, STORE_DURABLE, &tx));
    TRY(store_get_snapshot(engine->store, id, &snapshot));
    TRY(update_check_kind(snapshot, update));
    update_apply(snapshot, update);
    TRY(store_set_snapshot_lease(engine->store, snapshot->uid, snapshot->is_protected,
                                 snapshot->protected_till_ms, snapshot->delete_at_ms));
    TRY(store_commit(&tx));
    *ret_snapshot = g_steal_pointer(&snapshot);
    return NULL;
}

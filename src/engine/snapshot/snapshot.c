/*
 * What snapshots are called, and who needs them.
 */
#include "engine/snapshot/snapshot.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "engine/clone/clone.h"
#include "engine/departure.h"
#include "engine/kinds.h"
#include "engine/lease.h"
#include "engine/pool/pools.h"
#include "storage/measure.h"
#include "storage/storage_foreign.h"

#define SNAPSHOT_ID_TRIES 60

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
Error *snapshot_check_request(Engine *engine, const char *id)
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

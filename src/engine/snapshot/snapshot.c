/*
 * What snapshots are called, and who needs them.
 */
#include "engine/snapshot/snapshot.h"

#include "base/clock.h"
#include "engine/kinds.h"
#include "engine/pool/pools.h"
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

Error *snapshot_list_users(Store *store, const char *uid, GPtrArray **ret_ids)
{
    return store_list_snapshot_users(store, uid, clone_reset_kind.name, ret_ids);
}

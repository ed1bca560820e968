/*
 * Volumes, snapshots and their marks.
 */
#include "world_private.h"

#include "base/outside.h"
#include "engine/pool/pools.h"
#include "plan.h"
#include "storage/mark.h"
#include "storage/measure.h"
#include "storage/storage_care.h"
#include "storage/storage_foreign.h"
#include "store/snapshot.h"

struct Pool {
    int unused;
};

static Pool the_pool;

void storage_close_pool(Pool *pool)
{
}

const char *storage_pool_name(const Pool *pool)
{
    return "p";
}

StorageTraits storage_pool_traits(const Pool *pool)
{
    return (StorageTraits){.atomic_snapshot = world.is_atomic}; /* without, it is the longer way */
}

char *storage_volume_data(const Pool *pool, const char *volume)
{
    return g_strdup(volume);
}

Error *storage_clone(Pool *pool, const char *snapshot, const char *volume, const Manifest *manifest)
{
    if (!world_has(world.snapshots, snapshot))
        return error_new(ERR_NOT_FOUND, "snapshot \"%s\" does not exist", snapshot);
    if (world_has(world.volumes, volume))
        return error_new(ERR_CONFLICT, "volume \"%s\" exists", volume);
    return world_change(world.volumes, volume, snapshot);
}

Error *storage_destroy_volume(Pool *pool, const char *volume)
{
    if (world_runs_on(volume))
        g_error("volume \"%s\" is destroyed while an instance runs on it", volume);
    return world_change(world.volumes, volume, NULL);
}

Error *storage_snapshot(Pool *pool, const char *volume, const char *snapshot,
                        const Manifest *manifest)
{
    if (!world.is_atomic && world_runs_on(volume))
        g_error("a snapshot of volume \"%s\" is taken while an instance writes to it", volume);
    if (world_has(world.snapshots, snapshot))
        return error_new(ERR_CONFLICT, "snapshot \"%s\" exists", snapshot);
    return world_change(world.snapshots, snapshot, volume);
}

Error *storage_destroy_snapshot(Pool *pool, const char *snapshot)
{
    return world_change(world.snapshots, snapshot, NULL);
}

Error *storage_create_volume(Pool *pool, const char *volume, const Manifest *manifest)
{
    if (world_has(world.volumes, volume))
        return error_new(ERR_CONFLICT, "volume \"%s\" exists", volume);
    return world_change(world.volumes, volume, "");
}

/* --- who makes what --- */

static bool storage_has(StorageKind kind, const char *name)
{
    return world_has(kind == STORAGE_VOLUME ? world.volumes : world.snapshots, name);
}

Error *storage_mark(Pool *pool, StorageKind kind, const char *name, const char *maker)
{
    return world_change(world.marks, name, maker);
}

Error *storage_unmark(Pool *pool, StorageKind kind, const char *name)
{
    return world_change(world.marks, name, NULL);
}

bool storage_is_finished(Pool *pool, StorageKind kind, const char *name)
{
    outside_call(__func__);
    return storage_has(kind, name) && !world_has(world.marks, name);
}

Error *storage_unmake(Pool *pool, StorageKind kind, const char *name, const char *maker,
                      bool *ret_is_kept)
{
    g_autofree char *marked_by = world_get(world.marks, name);

    *ret_is_kept = g_strcmp0(marked_by, maker) != 0 && storage_has(kind, name);
    if (*ret_is_kept)
        return NULL;
    TRY(kind == STORAGE_VOLUME ? storage_destroy_volume(pool, name)
                               : storage_destroy_snapshot(pool, name));
    return world_change(world.marks, name, NULL);
}

Error *storage_sweep_marks(Pool *pool, bool (*is_alive)(const char *maker, void *data), void *data)
{
    GHashTableIter iter;
    void *maker;

    TRY(world_touch());
    g_mutex_lock(&world.lock);
    g_hash_table_iter_init(&iter, world.marks);
    while (g_hash_table_iter_next(&iter, NULL, &maker))
        if (!is_alive(maker, data))
            g_hash_table_iter_remove(&iter);
    g_mutex_unlock(&world.lock);
    return NULL;
}

/* --- what else there is to a pool --- */

Error *storage_sync(Pool *pool, const char *volume)
{
    return world_touch();
}

Error *storage_mend_volume(Pool *pool, const char *volume)
{
    return world_touch();
}

Error *storage_snapshot_bytes(Pool *pool, const char *snapshot, uint64_t *ret_bytes)
{
    outside_call(__func__);
    *ret_bytes = 0;
    return NULL;
}

bool storage_is_foreign(const char *snapshot)
{
    return g_str_has_prefix(snapshot, STORAGE_FOREIGN_PREFIX);
}

Error *storage_diff_bytes(Pool *pool, const char *volume, uint64_t *ret_bytes, bool *ret_is_exact)
{
    return error_new(ERR_EXTERNAL, "nothing is measured");
}

Error *storage_list_aside(Pool *pool, GPtrArray *paths)
{
    return NULL;
}

char *storage_pool_owner(const char *mount)
{
    return NULL;
}

bool storage_is_pool(const char *mount)
{
    return false;
}

static void storage_free_entry(void *data)
{
    StorageEntry *entry = data;

    g_free(entry->name);
    g_free(entry);
}

static void storage_list_table(GHashTable *table, bool is_snapshot, GPtrArray *entries)
{
    GHashTableIter iter;
    void *name;

    g_hash_table_iter_init(&iter, table);
    while (g_hash_table_iter_next(&iter, &name, NULL)) {
        StorageEntry *entry = g_new0(StorageEntry, 1);
        entry->name = g_strdup(name);
        entry->is_snapshot = is_snapshot;
        g_ptr_array_add(entries, entry);
    }
}

Error *storage_list(Pool *pool, GPtrArray **ret_entries)
{
    outside_call(__func__);
    *ret_entries = g_ptr_array_new_with_free_func(storage_free_entry);
    g_mutex_lock(&world.lock);
    storage_list_table(world.volumes, false, *ret_entries);
    storage_list_table(world.snapshots, true, *ret_entries);
    g_mutex_unlock(&world.lock);
    return NULL;
}

/* --- the set of pools: there is one, "p" --- */

Error *engine_find_pool(Engine *engine, const char *name, Pool **ret_pool)
{
    *ret_pool = &the_pool;
    return NULL;
}

Error *engine_await_pool(Engine *engine, const char *name, Pool **ret_pool)
{
    return engine_find_pool(engine, name, ret_pool);
}

Error *engine_need_pool(Engine *engine, const char *name)
{
    void (*meanwhile)(void) = g_steal_pointer(&world_meanwhile);

    if (meanwhile)
        meanwhile();
    return NULL;
}

bool engine_has_pool(Engine *engine, const char *name)
{
    return true;
}

static GPtrArray *pools_list(void)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(g_free);
    PoolStatus *status = g_new0(PoolStatus, 1);

    status->name = (char *)(uintptr_t) "p";
    status->pool = &the_pool;
    g_ptr_array_add(list, status);
    return list;
}

GPtrArray *pools_statuses(Pools *pools, bool with_left_out)
{
    return pools_list();
}

Error *engine_list_all_pools(Engine *engine, GPtrArray **ret_pools)
{
    *ret_pools = pools_list();
    return NULL;
}

Error *engine_active_pool(Engine *engine, Pool **ret_pool)
{
    return engine_find_pool(engine, "p", ret_pool);
}

Error *engine_refresh_pool(Engine *engine, Pool **ret_pool)
{
    return engine_find_pool(engine, "p", ret_pool);
}

Error *engine_latest_snapshot(Engine *engine, const char *branch, Snapshot **ret_snapshot)
{
    return store_latest_snapshot(engine->store, branch, ret_snapshot);
}

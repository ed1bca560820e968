/*
 * A table from names to ZFS snapshots, filled by one listing. DBLab makes and destroys snapshots
 * meanwhile: a name that is not in the table is asked for anew, and a clone of one that is gone
 * fails with ZFS's own words.
 */
#include "storage/zfs/foreign.h"

#include "base/fs.h"
#include "storage/layout.h"
#include "storage/loopfile.h"

#define MARK_MODE 0711

struct ZfsForeign {
    char *dataset;
    char *mount;
    bool is_to_look;
    GMutex lock;
    GHashTable *snapshots; /* name → ZFS snapshot */
};

ZfsForeign *zfs_foreign_new(const char *dataset, const char *mount, bool is_to_look)
{
    ZfsForeign *foreign = g_new0(ZfsForeign, 1);

    foreign->dataset = g_strdup(dataset);
    foreign->mount = g_strdup(mount);
    foreign->is_to_look = is_to_look;
    foreign->snapshots = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_mutex_init(&foreign->lock);
    return foreign;
}

void zfs_foreign_free(ZfsForeign *foreign)
{
    g_free(foreign->dataset);
    g_free(foreign->mount);
    g_hash_table_unref(foreign->snapshots);
    g_mutex_clear(&foreign->lock);
    g_free(foreign);
}

/* --- marks --- */

static char *mark_parent(const char *mount)
{
    return g_build_filename(mount, LAYOUT_SNAPSHOTS, NULL);
}

/* Those that are not in the table go. What a killed run was looking at is hidden again. */
static Error *mark_remove_others(const char *mount, GHashTable *snapshots)
{
    g_autofree char *parent = mark_parent(mount);
    g_auto(GStrv) names = NULL;

    TRY(fs_list_dir(parent, &names));
    for (char **name = names; *name; name++) {
        g_autofree char *path = g_build_filename(parent, *name, NULL);

        if (!storage_is_foreign(*name) || g_hash_table_contains(snapshots, *name))
            continue;
        if (loopfile_is_mounted(path))
            TRY(loopfile_unmount(path));
        TRY(fs_remove_dir(path));
    }
    return NULL;
}

static Error *mark_make(const char *mount, const char *name)
{
    g_autofree char *parent = mark_parent(mount);
    g_autofree char *path = g_build_filename(parent, name, NULL);

    return fs_exists(path) ? NULL : fs_make_dir(path, MARK_MODE, NULL);
}

Error *zfs_foreign_unmark_all(const char *mount)
{
    g_autoptr(GHashTable) none = g_hash_table_new(g_str_hash, g_str_equal);

    return mark_remove_others(mount, none);
}

/* --- the table; called with the lock --- */

static Error *foreign_fill(ZfsForeign *foreign, GPtrArray **ret_snapshots)
{
    g_autoptr(GPtrArray) snapshots = NULL;

    TRY(zfs_dblab_list(foreign->dataset, &snapshots));
    g_hash_table_remove_all(foreign->snapshots);
    for (guint i = 0; i < snapshots->len; i++) {
        const DblabSnapshot *snapshot = g_ptr_array_index(snapshots, i);

        g_hash_table_insert(foreign->snapshots, g_strdup(snapshot->name),
                            g_strdup(snapshot->snapshot));
        if (!foreign->is_to_look)
            TRY(mark_make(foreign->mount, snapshot->name));
    }
    if (!foreign->is_to_look)
        TRY(mark_remove_others(foreign->mount, foreign->snapshots));
    *ret_snapshots = g_steal_pointer(&snapshots);
    return NULL;
}

/* --- what the driver asks for --- */

Error *zfs_foreign_refresh(ZfsForeign *foreign)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&foreign->lock);
    g_autoptr(GPtrArray) snapshots = NULL;

    return foreign_fill(foreign, &snapshots);
}

Error *zfs_foreign_find(ZfsForeign *foreign, const char *name, char **ret_snapshot)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&foreign->lock);
    g_autoptr(GPtrArray) snapshots = NULL;

    if (!g_hash_table_contains(foreign->snapshots, name))
        TRY(foreign_fill(foreign, &snapshots));

    const char *snapshot = g_hash_table_lookup(foreign->snapshots, name);

    if (!snapshot)
        return error_hint(error_new(ERR_NOT_FOUND, "snapshot \"%s\" is gone", name),
                          "The program that made it has destroyed it.");
    *ret_snapshot = g_strdup(snapshot);
    return NULL;
}

static StorageEntry *foreign_entry_take(DblabSnapshot *snapshot)
{
    StorageEntry *entry = g_new0(StorageEntry, 1);

    entry->name = g_strdup(snapshot->name);
    entry->is_snapshot = true;
    entry->manifest = g_steal_pointer(&snapshot->manifest);
    entry->foreign = g_memdup2(&snapshot->foreign, sizeof(snapshot->foreign));
    return entry;
}

Error *zfs_foreign_list(ZfsForeign *foreign, GPtrArray *entries)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&foreign->lock);
    g_autoptr(GPtrArray) snapshots = NULL;

    TRY(foreign_fill(foreign, &snapshots));
    for (guint i = 0; i < snapshots->len; i++)
        g_ptr_array_add(entries, foreign_entry_take(g_ptr_array_index(snapshots, i)));
    return NULL;
}

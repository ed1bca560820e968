/*
 * Ours say "snapshot"; what was made by hand has what it inherits from its volume, if anything.
 */
#include "storage/zfs/by_hand.h"

#include <string.h>

#include "storage/zfs/command.h"
#include "storage/zfs/kept.h"
#include "storage/zfs/mount.h"

enum {
    ROW_NAME,
    ROW_KIND,
    ROW_COLUMNS
};

/* "v@s" for a snapshot of a volume or of one that is kept aside; NULL for any other. */
static const char *by_hand_name(const char *dataset, char **row)
{
    static const char *const parents[] = {"/" ZFS_VOLUMES "/", "/" ZFS_KEPT "/"};
    const char *rest = row[ROW_NAME] + strlen(dataset);

    if (!g_str_has_prefix(row[ROW_NAME], dataset) || g_str_equal(row[ROW_KIND], "snapshot"))
        return NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(parents); i++)
        if (g_str_has_prefix(rest, parents[i]))
            return rest + strlen(parents[i]);
    return NULL;
}

GPtrArray *zfs_by_hand_find(const char *dataset, const GPtrArray *rows)
{
    g_autoptr(GHashTable) volumes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < rows->len; i++) {
        const char *name = by_hand_name(dataset, g_ptr_array_index(rows, i));

        if (name && g_hash_table_add(volumes, g_strndup(name, strcspn(name, "@"))))
            g_ptr_array_add(names, g_strdup(name));
    }
    return names;
}

Error *zfs_by_hand_list(const char *dataset, GPtrArray *entries)
{
    const char *const argv[] = {
        "zfs", "list", "-Hp", "-r", "-t", "snapshot", "-o", "name,ramet:kind", dataset, NULL};
    g_autoptr(GPtrArray) rows = NULL;
    g_autoptr(GPtrArray) names = NULL;

    TRY(zfs_list(argv, ROW_COLUMNS, &rows));
    names = zfs_by_hand_find(dataset, rows);
    for (guint i = 0; i < names->len; i++) {
        StorageEntry *entry = g_new0(StorageEntry, 1);

        entry->name = g_strdup(g_ptr_array_index(names, i));
        entry->is_snapshot = true;
        g_ptr_array_add(entries, entry);
    }
    return NULL;
}

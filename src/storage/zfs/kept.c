/*
 * Sweeping: destroying a kept volume may release the snapshot that it was a clone of, and with that
 * the volume before it, so it goes on until nothing more goes.
 */
#include "storage/zfs/kept.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "storage/zfs/command.h"
#include "storage/zfs/parse.h"

enum {
    KEPT_NAME,
    KEPT_WRITTEN,
    KEPT_KIND,
    KEPT_COLUMNS
};

typedef struct KeptVolume {
    const char *dataset;
    const char *newest; /* its newest snapshot; NULL for none                   */
    bool is_ours;       /* it says what it is, as all that we make does         */
    bool has_children;  /* datasets that somebody made in it: they are not ours */
    uint64_t written;   /* bytes that its head holds and its newest snapshot does not */
} KeptVolume;

static char *kept_parent(const char *pool_dataset)
{
    return g_strconcat(pool_dataset, "/" ZFS_KEPT, NULL);
}

Error *zfs_keep(const char *pool_dataset, const char *volume_dataset)
{
    g_autofree char *kept =
        g_strdup_printf("%s/" ZFS_KEPT "/%s.%" G_GINT64_MODIFIER "x", pool_dataset,
                        strrchr(volume_dataset, '/') + 1, (guint64)g_get_real_time());

    return zfs_do("zfs", "rename", volume_dataset, kept, NULL);
}

/* A row is a kept volume or something of the one before it: zfs sorts snapshots by their age. */
static Error *kept_add(GArray *volumes, size_t parent_length, char **row)
{
    const char *name = row[KEPT_NAME];
    char end = '\0';

    if (strlen(name) <= parent_length)
        return NULL;
    end = name[parent_length + 1 + strcspn(name + parent_length + 1, "@/")];
    if (end == '\0') {
        KeptVolume volume = {.dataset = name, .is_ours = !g_str_equal(row[KEPT_KIND], "-")};

        TRY(zfs_parse_number(row[KEPT_WRITTEN], &volume.written));
        g_array_append_val(volumes, volume);
    } else if (volumes->len > 0) {
        KeptVolume *volume = &g_array_index(volumes, KeptVolume, volumes->len - 1);

        if (end == '@')
            volume->newest = name;
        else
            volume->has_children = true;
    }
    return NULL;
}

static Error *kept_clean(const KeptVolume *volume, bool *ret_is_gone)
{
    *ret_is_gone = false;
    if (!volume->is_ours)
        return NULL;
    if (volume->newest && volume->written > 0)
        return zfs_do("zfs", "rollback", volume->newest, NULL);
    if (volume->newest || volume->has_children)
        return NULL;
    TRY(zfs_do("zfs", "destroy", volume->dataset, NULL));
    *ret_is_gone = true;
    return NULL;
}

static Error *kept_sweep_once(const char *parent, guint *ret_count, bool *ret_is_done)
{
    const char *const argv[] = {
        "zfs",  "list", "-Hp", "-r", "-t", "filesystem,snapshot", "-o", "name,written,ramet:kind",
        parent, NULL};
    g_autoptr(GPtrArray) rows = NULL;
    g_autoptr(GArray) volumes = g_array_new(FALSE, FALSE, sizeof(KeptVolume));
    guint ours = 0;
    guint gone = 0;

    TRY(zfs_list(argv, KEPT_COLUMNS, &rows));
    for (guint i = 0; i < rows->len; i++)
        TRY(kept_add(volumes, strlen(parent), g_ptr_array_index(rows, i)));
    for (guint i = 0; i < volumes->len; i++) {
        const KeptVolume *volume = &g_array_index(volumes, KeptVolume, i);
        bool is_gone = false;

        TRY(kept_clean(volume, &is_gone));
        ours += volume->is_ours;
        gone += is_gone;
    }
    *ret_count = ours - gone;
    *ret_is_done = gone == 0;
    return NULL;
}

Error *zfs_sweep_kept(const char *pool_dataset, guint *ret_count)
{
    g_autofree char *parent = kept_parent(pool_dataset);
    bool is_done = false;

    while (!is_done)
        TRY(kept_sweep_once(parent, ret_count, &is_done));
    return NULL;
}

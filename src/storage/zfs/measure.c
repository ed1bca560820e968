/*
 * Two listings: one of the pool's own numbers, one of all its volumes.
 */
#include "storage/zfs/measure.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

#include "storage/zfs/command.h"
#include "storage/zfs/dblab.h"
#include "storage/zfs/kept.h"
#include "storage/zfs/mount.h"
#include "storage/zfs/parse.h"

#define MEASURE_AGE_MAX_US   G_USEC_PER_SEC
#define SNAPSHOTS_AGE_MAX_US (30 * G_USEC_PER_SEC) /* they are many, and change little */

enum {
    POOL_USED,
    POOL_AVAILABLE,
    POOL_RATIO,
    POOL_COLUMNS
};
enum {
    VOLUME_NAME,
    VOLUME_USED,
    VOLUME_COLUMNS
};

enum {
    SNAPSHOT_NAME,
    SNAPSHOT_USED,
    SNAPSHOT_GUID,
    SNAPSHOT_KIND,
    SNAPSHOT_COLUMNS
};

enum {
    HOLDER_NAME,
    HOLDER_USED,
    HOLDER_BY_SNAPSHOTS,
    HOLDER_COLUMNS
};

struct ZfsMeasure {
    char *dataset;
    char *mount;
    GMutex lock;
    int64_t pool_at_us; /* monotonic; 0 = not measured */
    SpaceUsage pool;
    int64_t volumes_at_us;
    GHashTable *volumes; /* name → uint64_t *, used bytes */
    int64_t snapshots_at_us;
    GHashTable *snapshots; /* our name → uint64_t *, used bytes */
};

ZfsMeasure *zfs_measure_new(const char *dataset, const char *mount)
{
    ZfsMeasure *measure = g_new0(ZfsMeasure, 1);

    measure->dataset = g_strdup(dataset);
    measure->mount = g_strdup(mount);
    g_mutex_init(&measure->lock);
    return measure;
}

void zfs_measure_free(ZfsMeasure *measure)
{
    g_free(measure->dataset);
    g_free(measure->mount);
    g_mutex_clear(&measure->lock);
    g_clear_pointer(&measure->volumes, g_hash_table_unref);
    g_clear_pointer(&measure->snapshots, g_hash_table_unref);
    g_free(measure);
}

void zfs_measure_forget(ZfsMeasure *measure)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&measure->lock);

    measure->pool_at_us = 0;
    measure->volumes_at_us = 0;
    measure->snapshots_at_us = 0;
}

static bool measure_is_fresh(int64_t at_us, int64_t age_max_us)
{
    return at_us != 0 && g_get_monotonic_time() - at_us < age_max_us;
}

/* The dataset's row, and that of the whole ZFS pool: the same one when that is its top. */
static Error *measure_list_pool(const ZfsMeasure *measure, GPtrArray **ret_rows)
{
    g_autofree char *top = zfs_pool_of(measure->dataset);
    const char *const argv[] = {
        "zfs", "list", "-Hp", "-d", "0", "-o", "used,available,compressratio", measure->dataset,
        top,   NULL};

    TRY(zfs_list(argv, POOL_COLUMNS, ret_rows));
    if ((*ret_rows)->len > 0)
        return NULL;
    return error_new(ERR_EXTERNAL, "zfs said nothing about \"%s\"", measure->dataset);
}

static Error *measure_pool(ZfsMeasure *measure)
{
    g_autoptr(GPtrArray) rows = NULL;
    SpaceUsage usage = {0};
    uint64_t top_used = 0;
    uint64_t top_available = 0;

    TRY(measure_list_pool(measure, &rows));

    char **top = g_ptr_array_index(rows, 0); /* zfs sorts by name */
    char **own = g_ptr_array_index(rows, rows->len - 1);

    TRY(zfs_parse_number(own[POOL_USED], &usage.used_bytes));
    TRY(zfs_parse_ratio(own[POOL_RATIO], &usage.compress_ratio));
    TRY(zfs_parse_number(top[POOL_USED], &top_used));
    TRY(zfs_parse_number(top[POOL_AVAILABLE], &top_available));
    usage.size_bytes = top_used + top_available;
    measure->pool = usage;
    measure->pool_at_us = g_get_monotonic_time();
    return NULL;
}

/* What is free costs no program, and a request to make a clone depends on it: it is always new. */
Error *zfs_measure_pool(ZfsMeasure *measure, SpaceUsage *ret_usage)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&measure->lock);
    struct statvfs status;

    if (statvfs(measure->mount, &status) < 0)
        return error_errno(errno, "could not look at \"%s\"", measure->mount);
    if (!measure_is_fresh(measure->pool_at_us, MEASURE_AGE_MAX_US))
        TRY(measure_pool(measure));
    *ret_usage = measure->pool;
    ret_usage->free_bytes = (uint64_t)status.f_bavail * status.f_frsize;
    return NULL;
}

static Error *measure_volumes(ZfsMeasure *measure)
{
    g_autofree char *parent = g_strconcat(measure->dataset, "/" ZFS_VOLUMES, NULL);
    const char *const argv[] = {"zfs", "list", "-Hp", "-d", "1", "-o", "name,used", parent, NULL};
    g_autoptr(GHashTable) volumes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autoptr(GPtrArray) rows = NULL;

    TRY(zfs_list(argv, VOLUME_COLUMNS, &rows));
    for (guint i = 0; i < rows->len; i++) {
        char **row = g_ptr_array_index(rows, i);
        g_autofree uint64_t *bytes = g_new0(uint64_t, 1);

        TRY(zfs_parse_number(row[VOLUME_USED], bytes));
        g_hash_table_insert(volumes, g_path_get_basename(row[VOLUME_NAME]),
                            g_steal_pointer(&bytes));
    }
    g_clear_pointer(&measure->volumes, g_hash_table_unref);
    measure->volumes = g_steal_pointer(&volumes);
    measure->volumes_at_us = g_get_monotonic_time();
    return NULL;
}

Error *zfs_measure_volume(ZfsMeasure *measure, const char *volume, uint64_t *ret_bytes)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&measure->lock);
    const uint64_t *bytes = NULL;

    if (measure_is_fresh(measure->volumes_at_us, MEASURE_AGE_MAX_US))
        bytes = g_hash_table_lookup(measure->volumes, volume);
    if (!bytes) { /* too old, or made since */
        TRY(measure_volumes(measure));
        bytes = g_hash_table_lookup(measure->volumes, volume);
    }
    if (!bytes)
        return error_new(ERR_NOT_FOUND, "there is no dataset for volume \"%s\"", volume);
    *ret_bytes = *bytes;
    return NULL;
}

/* Ours carry their names; those of others are known by their guids. Caller frees. */
static Error *measure_name_snapshot(char **row, char **ret_name)
{
    const char *at = strchr(row[SNAPSHOT_NAME], '@');
    uint64_t guid = 0;

    if (at && g_str_equal(row[SNAPSHOT_KIND], "snapshot")) {
        *ret_name = g_strdup(at + 1);
        return NULL;
    }
    TRY(zfs_parse_number(row[SNAPSHOT_GUID], &guid));
    *ret_name = zfs_foreign_name(guid);
    return NULL;
}

static Error *measure_all_snapshots(ZfsMeasure *measure)
{
    const char *const argv[] = {"zfs",
                                "list",
                                "-Hp",
                                "-r",
                                "-t",
                                "snapshot",
                                "-o",
                                "name,used,guid,ramet:kind",
                                measure->dataset,
                                NULL};
    g_autoptr(GHashTable) snapshots =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autoptr(GPtrArray) rows = NULL;

    TRY(zfs_list(argv, SNAPSHOT_COLUMNS, &rows));
    for (guint i = 0; i < rows->len; i++) {
        char **row = g_ptr_array_index(rows, i);
        g_autofree uint64_t *bytes = g_new0(uint64_t, 1);
        char *name = NULL;

        TRY(zfs_parse_number(row[SNAPSHOT_USED], bytes));
        TRY(measure_name_snapshot(row, &name));
        g_hash_table_insert(snapshots, name, g_steal_pointer(&bytes));
    }
    g_clear_pointer(&measure->snapshots, g_hash_table_unref);
    measure->snapshots = g_steal_pointer(&snapshots);
    measure->snapshots_at_us = g_get_monotonic_time();
    return NULL;
}

Error *zfs_measure_snapshot(ZfsMeasure *measure, const char *name, uint64_t *ret_bytes)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&measure->lock);
    const uint64_t *bytes = NULL;

    if (measure_is_fresh(measure->snapshots_at_us, SNAPSHOTS_AGE_MAX_US))
        bytes = g_hash_table_lookup(measure->snapshots, name);
    if (!bytes) { /* too old, or made since */
        TRY(measure_all_snapshots(measure));
        bytes = g_hash_table_lookup(measure->snapshots, name);
    }
    if (!bytes)
        return error_new(ERR_NOT_FOUND, "ZFS knows no snapshot \"%s\"", name);
    *ret_bytes = *bytes;
    return NULL;
}

/*
 * A living volume tells what its snapshots hold beside it; one that is kept aside is there for its
 * snapshots as a whole. What stands above them says nothing of its own.
 */
Error *zfs_measure_snapshots(const ZfsMeasure *measure, uint64_t *ret_bytes)
{
    g_autofree char *volumes = g_strconcat(measure->dataset, "/" ZFS_VOLUMES, NULL);
    g_autofree char *kept = g_strconcat(measure->dataset, "/" ZFS_KEPT, NULL);
    const char *const argv[] = {
        "zfs", "list", "-Hp", "-d", "1", "-o", "name,used,usedbysnapshots", volumes, kept, NULL};
    g_autofree char *within_kept = g_strconcat(kept, "/", NULL);
    g_autofree char *within_volumes = g_strconcat(volumes, "/", NULL);
    g_autoptr(GPtrArray) rows = NULL;
    uint64_t sum = 0;

    TRY(zfs_list(argv, HOLDER_COLUMNS, &rows));
    for (guint i = 0; i < rows->len; i++) {
        char **row = g_ptr_array_index(rows, i);
        bool is_kept = g_str_has_prefix(row[HOLDER_NAME], within_kept);
        uint64_t bytes = 0;

        if (!is_kept && !g_str_has_prefix(row[HOLDER_NAME], within_volumes))
            continue;
        TRY(zfs_parse_number(row[is_kept ? HOLDER_USED : HOLDER_BY_SNAPSHOTS], &bytes));
        sum += bytes;
    }
    *ret_bytes = sum;
    return NULL;
}

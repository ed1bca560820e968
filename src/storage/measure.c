#include "storage/measure.h"

#include "base/fs.h"
#include "base/outside.h"
#include "base/text.h"
#include "storage/driver.h"
#include "storage/names.h"
#include "storage/pool.h"
#include "storage/pool_space.h"

Error *storage_usage(Pool *pool, SpaceUsage *ret_usage)
{
    SpaceUsage usage = {0};

    outside_call(__func__);
    TRY(storage_check_pool(pool));

    Error *e = pool->driver->usage ? pool->driver->usage(pool->driver_private, &usage)
                                   : pool_space_ask(pool->mount, &usage);

    TRY(error_wrap(e, "measuring pool \"%s\"", pool->name));
    TRY(pool_space_subtract_missing(pool->image, &usage));
    usage.free_bytes = MIN(usage.free_bytes, usage.size_bytes);
    usage.used_bytes = usage.size_bytes - usage.free_bytes;
    *ret_usage = usage;
    return NULL;
}

Error *storage_snapshots_bytes(Pool *pool, uint64_t *ret_bytes)
{
    uint64_t bytes = 0;

    outside_call(__func__);
    if (pool->driver->snapshots_bytes)
        TRY(error_wrap(pool->driver->snapshots_bytes(pool->driver_private, &bytes),
                       "measuring the snapshots of pool \"%s\"", pool->name));
    *ret_bytes = bytes;
    return NULL;
}

/* Where it is; ERR_NOT_FOUND. */
static Error *measure_find(const Pool *pool, const char *kind, const char *dir, const char *name,
                           char **ret_path)
{
    g_autofree char *path = g_build_filename(pool->mount, dir, name, NULL);

    TRY(names_check(kind, name));
    TRY(storage_check_pool(pool));
    if (!fs_exists(path))
        return error_new(ERR_NOT_FOUND, "the %s does not exist", kind);
    *ret_path = g_steal_pointer(&path);
    return NULL;
}

Error *storage_diff_bytes(Pool *pool, const char *volume, uint64_t *ret_bytes, bool *ret_is_exact)
{
    g_autofree char *path = NULL;

    outside_call(__func__);
    TRY(measure_find(pool, "volume", LAYOUT_VOLUMES, volume, &path));
    return error_wrap(pool->driver->diff_bytes(pool->driver_private, path, ret_bytes, ret_is_exact),
                      "measuring the volume");
}

static Error *limit_refuse(const Pool *pool)
{
    return error_hint(error_new(ERR_INVALID, "pool \"%s\" (%s) cannot limit what a clone may write",
                                pool->name, pool->driver->name),
                      "zfs can, and btrfs in a pool that Ramet made on Linux 6.7 or later: leave "
                      "\"disk\" out of the limits here.");
}

static Error *limit_check(Pool *pool, const char *path, uint64_t bytes)
{
    uint64_t held = 0;
    bool is_exact = false;

    TRY(pool->driver->diff_bytes(pool->driver_private, path, &held, &is_exact));
    if (!is_exact)
        return limit_refuse(pool);
    if (held <= bytes)
        return NULL;

    g_autofree char *has = text_format_size(held);
    g_autofree char *wanted = text_format_size(bytes);

    return error_hint(
        error_new(ERR_CONFLICT, "it holds %s already, and %s were to be the most", has, wanted),
        "Give it more, or reset it.");
}

Error *storage_limit_volume(Pool *pool, const char *volume, uint64_t bytes)
{
    g_autofree char *path = NULL;

    outside_call(__func__);
    TRY(measure_find(pool, "volume", LAYOUT_VOLUMES, volume, &path));
    TRY(pool_check_at_work(pool));
    if (!pool->driver->traits.limits_volumes)
        return bytes > 0 ? limit_refuse(pool) : NULL;
    if (bytes > 0)
        TRY(limit_check(pool, path, bytes));
    return error_wrap(pool->driver->limit(pool->driver_private, path, bytes),
                      "limiting the volume");
}

Error *storage_snapshot_bytes(Pool *pool, const char *snapshot, uint64_t *ret_bytes)
{
    g_autofree char *path = NULL;
    uint64_t bytes = 0;

    outside_call(__func__);
    TRY(measure_find(pool, "snapshot", LAYOUT_SNAPSHOTS, snapshot, &path));
    if (pool->driver->snapshot_bytes)
        TRY(error_wrap(pool->driver->snapshot_bytes(pool->driver_private, path, &bytes),
                       "measuring the snapshot"));
    *ret_bytes = bytes;
    return NULL;
}

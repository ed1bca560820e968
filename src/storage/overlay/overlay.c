/*
 * overlay: like reflink, on the same file systems, but a clone is a mount of an empty layer over
 * the snapshot, and costs the same for ten files and for a hundred thousand. overlayfs copies a file
 * up when PostgreSQL first opens it to write, by a reflink within one file system: no data moves
 * then, either. Taking a snapshot still copies the directory, file by file, from where each lies.
 *
 * A clone lies on its snapshot. To the caller the two are independent: a snapshot that is destroyed
 * while volumes lie on it is kept aside until the last of them is gone (overlay_layer.c).
 */
#include <errno.h>
#include <string.h>

#include "base/fs.h"
#include "storage/driver.h"
#include "storage/layout.h"
#include "storage/loopfile.h"
#include "storage/overlay/layer.h"
#include "storage/reflink/reflink.h"

#define VOLUME_MODE 0711

typedef struct OverlayPool {
    char *mount;
    GMutex links; /* held while links to snapshots are made, changed or counted */
} OverlayPool;

/* --- images --- */

/* Nothing on the disk tells it from a pool of reflink: pool.json does, and our records. */
static bool overlay_image_recognise(const char *image)
{
    return false;
}

static Error *overlay_image_unmount(const char *mount)
{
    TRY(layer_unmount_all(mount));
    return loopfile_unmount(mount);
}

static const ImageOps overlay_image_ops = {
    .takes_device = true,
    .recognise = overlay_image_recognise,
    .create = loopfile_create,
    .mount = loopfile_mount,
    .unmount = overlay_image_unmount,
    .detach = loopfile_detach,
    .grow = loopfile_grow,
};

/* --- opening --- */

/* These would end a directory in the options of a mount. */
static Error *overlay_check_mount(const char *mount)
{
    if (!strpbrk(mount, ",:\\\""))
        return NULL;
    return error_hint(error_new(ERR_INVALID, "an overlay cannot lie at \"%s\"", mount),
                      "Choose poolManager.mountDir without comma, colon, backslash and quote, or "
                      "driver reflink.");
}

static Error *overlay_prepare(const char *mount)
{
    TRY(reflink_prepare(mount));
    TRY(layer_prepare(mount));
    error_ignore(layer_collect(mount), "snapshots kept aside go when a volume does");
    return layer_mount_all(mount);
}

static Error *overlay_open(const char *mount, bool is_to_look, void **ret_private)
{
    TRY(overlay_check_mount(mount));
    if (!is_to_look)
        TRY(overlay_prepare(mount));

    OverlayPool *pool = g_new0(OverlayPool, 1);

    pool->mount = g_strdup(mount);
    g_mutex_init(&pool->links);
    *ret_private = pool;
    return NULL;
}

static void overlay_close(void *private)
{
    OverlayPool *pool = private;

    g_free(pool->mount);
    g_mutex_clear(&pool->links);
    g_free(pool);
}

/* --- making --- */

static const char *overlay_name(const char *path)
{
    return strrchr(path, '/') + 1;
}

static Error *overlay_lay(OverlayPool *pool, const char *volume, const char *snapshot)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&pool->links);

    return layer_make(pool->mount, volume, snapshot, VOLUME_MODE);
}

static Error *overlay_clone(void *private, const char *snapshot_path, const char *volume_path,
                            const Manifest *manifest)
{
    OverlayPool *pool = private;
    const char *volume = overlay_name(volume_path);

    TRY(layer_remove(pool->mount, volume)); /* what a crash left before the volume was there */
    TRY(overlay_lay(pool, volume, overlay_name(snapshot_path)));

    Error *e = layer_mount(pool->mount, volume);

    if (!e)
        return reflink_sync_dir_of(volume_path);
    error_ignore(fs_remove_dir(volume_path), "an empty directory is left");
    error_ignore(layer_remove(pool->mount, volume), "empty layers are left");
    return e;
}

static Error *overlay_snapshot(void *private, const char *volume_path, const char *snapshot_path,
                               const Manifest *manifest)
{
    const OverlayPool *pool = private;
    const char *volume = overlay_name(volume_path);
    g_autofree char *upper = layer_part(pool->mount, volume, "upper");
    g_autofree char *lower = layer_part(pool->mount, volume, "lower");
    const char *const plain[] = {volume_path, NULL};
    const char *const layers[] = {upper, lower, NULL};

    if (!layer_exists(pool->mount, volume))
        return reflink_make_snapshot(pool->mount, volume_path, plain, snapshot_path);
    if (!loopfile_is_mounted(volume_path))
        return error_new(ERR_EXTERNAL, "volume \"%s\" is not mounted", volume);
    return reflink_make_snapshot(pool->mount, volume_path, layers, snapshot_path);
}

/* --- destroying --- */

static Error *overlay_collect(OverlayPool *pool)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&pool->links);

    return layer_collect(pool->mount);
}

static Error *overlay_destroy_volume(OverlayPool *pool, const char *path)
{
    const char *volume = overlay_name(path);

    if (!layer_exists(pool->mount, volume))
        return reflink_remove(pool->mount, path);
    TRY(layer_unmount(pool->mount, volume));
    TRY(layer_remove(pool->mount, volume));
    TRY(fs_remove_dir(path));
    error_ignore(overlay_collect(pool), "snapshots kept aside go when another volume does");
    return NULL;
}

static Error *overlay_keep_snapshot(OverlayPool *pool, const char *snapshot, bool *ret_is_kept)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&pool->links);

    return layer_keep_snapshot(pool->mount, snapshot, ret_is_kept);
}

static Error *overlay_destroy_snapshot(OverlayPool *pool, const char *path)
{
    bool is_kept = false;

    if (fs_exists(path))
        TRY(overlay_keep_snapshot(pool, overlay_name(path), &is_kept));
    return is_kept ? NULL : reflink_remove(pool->mount, path);
}

static Error *overlay_destroy(void *private, const char *path)
{
    OverlayPool *pool = private;
    g_autofree char *snapshots = g_build_filename(pool->mount, LAYOUT_SNAPSHOTS "/", NULL);

    return g_str_has_prefix(path, snapshots) ? overlay_destroy_snapshot(pool, path)
                                             : overlay_destroy_volume(pool, path);
}

/* --- measuring --- */

static Error *overlay_diff_bytes(void *private, const char *volume_path, uint64_t *ret_bytes,
                                 bool *ret_is_exact)
{
    const OverlayPool *pool = private;
    const char *volume = overlay_name(volume_path);
    g_autofree char *upper = layer_part(pool->mount, volume, "upper");

    TRY(reflink_unshared_tree_bytes(layer_exists(pool->mount, volume) ? upper : volume_path,
                                    ret_bytes));
    *ret_is_exact = true;
    return NULL;
}

const StorageDriver overlay_driver = {
    .name = "overlay",
    .traits = {.atomic_snapshot = false, .exact_diff = false, .constant_cost = true},
    .format_argv = reflink_format_argv,
    .size_min = UINT64_C(512) << 20,
    .image_ops = &overlay_image_ops,
    .open = overlay_open,
    .close = overlay_close,
    .dismantle = layer_dismantle,
    .create_volume = reflink_create_volume,
    .snapshot = overlay_snapshot,
    .clone = overlay_clone,
    .destroy = overlay_destroy,
    .diff_bytes = overlay_diff_bytes,
    .grow = reflink_grow,
};

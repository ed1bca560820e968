/*
 * ZFS pools in image files. ZFS opens files by itself, so there is no loop device. The ZFS pool has
 * a name of its own, made up once: which pool an image holds is asked by the image's path. It is
 * kept out of the system's list of pools (cachefile=none): it is imported when it is opened.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fs.h"
#include "storage/image.h"
#include "storage/loopfile.h"
#include "storage/zfs/command.h"
#include "storage/zfs/mount.h"
#include "storage/zfs/parse.h"

/* On the disk: each label has a ring of uberblocks, which begin with a magic number. */
#define UBERBLOCK_MAGIC UINT64_C(0x00bab10c)
#define UBERBLOCK_RING  (128 << 10) /* in the first label; the ring is as long as its offset */
#define UBERBLOCK_STEP  1024        /* the least distance                                    */

static bool zfs_image_is_uberblock(const char *block)
{
    uint64_t magic = 0;

    memcpy(&magic, block, sizeof(magic));
    return magic == UBERBLOCK_MAGIC || magic == GUINT64_SWAP_LE_BE(UBERBLOCK_MAGIC);
}

static bool zfs_image_recognise(const char *image)
{
    g_autofree char *ring = g_malloc0(UBERBLOCK_RING);
    AUTO_FD fd = open(image, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || pread(fd, ring, UBERBLOCK_RING, UBERBLOCK_RING) != UBERBLOCK_RING)
        return false;
    for (size_t i = 0; i < UBERBLOCK_RING; i += UBERBLOCK_STEP)
        if (zfs_image_is_uberblock(ring + i))
            return true;
    return false;
}

/* The imported pool that lives in the image; NULL when it is not imported. */
static Error *zfs_image_pool(const char *image, char **ret_pool)
{
    const char *const argv[] = {"zpool", "list", "-HvP", NULL};
    g_autofree char *listing = NULL;

    TRY(zfs_run(argv, &listing));
    *ret_pool = zfs_parse_pool_on(listing, image);
    return NULL;
}

/* By its image: a pool of another that has the made-up name is not ours. */
static void zfs_image_discard(const char *image)
{
    g_autofree char *pool = NULL;
    Error *e = zfs_image_pool(image, &pool);

    if (!e && pool)
        e = zfs_do("zpool", "destroy", pool, NULL);
    error_ignore(e, "what is left of the pool needs a \"zpool destroy\"");
    error_ignore(fs_remove(image), "the image is of no use");
}

/*
 * recordsize: two of PostgreSQL's pages, so that a changed page costs little more than itself and
 * there is something to compress. xattr=sa: no blocks of their own for attributes. ashift=12: disks
 * have sectors of 4 kB, and so has the file system under the image. canmount=noauto: setting the
 * mount point is not mounting.
 */
static Error *zfs_image_create(const char *image, uint64_t size_bytes,
                               const char *const *format_argv)
{
    g_autofree char *pool = g_strdup_printf("ramet-%08x", g_random_int());

    TRY(zfs_check_version());
    TRY(loopfile_make_sparse(image, size_bytes));

    const char *const argv[] = {"zpool", "create",          "-o", "cachefile=none",
                                "-o",    "ashift=12",       "-O", "mountpoint=none",
                                "-O",    "canmount=noauto", "-O", "recordsize=16K",
                                "-O",    "compression=lz4", "-O", "atime=off",
                                "-O",    "xattr=sa",        pool, image,
                                NULL};
    Error *e = zfs_run(argv, NULL);

    if (!e)
        e = zfs_do("zpool", "export", pool, NULL);
    if (e)
        zfs_image_discard(image);
    return error_wrap(e, "making a ZFS pool in image \"%s\"", image);
}

static Error *zfs_image_export(const char *pool)
{
    Error *e = zfs_do("zpool", "export", pool, NULL);

    if (!e || e->code != ERR_BUSY)
        return e;
    return error_hint(e, "See \"fuser -vm\" on what is mounted below for the processes, and stop "
                         "them.");
}

/* Imports it without mounting anything, unless a killed run left it so. */
static Error *zfs_image_import(const char *image, char **ret_pool)
{
    TRY(zfs_image_pool(image, ret_pool));
    if (*ret_pool)
        return NULL;
    TRY(zfs_do("zpool", "import", "-d", image, "-o", "cachefile=none", "-N", "-a", NULL));
    TRY(zfs_image_pool(image, ret_pool));
    if (*ret_pool)
        return NULL;
    return error_new(ERR_EXTERNAL, "image \"%s\" holds no ZFS pool that can be imported", image);
}

static Error *zfs_image_check_not_mounted(const char *image, const char *pool)
{
    const char *const argv[] = {"zfs", "list", "-H", "-o", "mounted,mountpoint", pool, NULL};
    g_autoptr(GPtrArray) rows = NULL;

    TRY(zfs_list(argv, 2, &rows));
    for (guint i = 0; i < rows->len; i++) {
        char **row = g_ptr_array_index(rows, i);

        if (g_str_equal(row[0], "yes"))
            return error_new(ERR_BUSY, "image \"%s\" is mounted at \"%s\"", image, row[1]);
    }
    return NULL;
}

/*
 * Since 2.2, setting it mounts what is below, before the pool itself, which hides that then: -u says
 * not to, and is unknown to older ones, which do not.
 */
static Error *zfs_image_set_mountpoint(const char *pool, const char *mount)
{
    g_autofree char *mountpoint = g_strconcat("mountpoint=", mount, NULL);
    Error *e = zfs_do("zfs", "set", "-u", mountpoint, pool, NULL);

    if (!e || !e->detail || !strstr(e->detail, "invalid option"))
        return e;
    error_free(e);
    return zfs_do("zfs", "set", mountpoint, pool, NULL);
}

static Error *zfs_image_mount_pool(const char *pool, const char *mount)
{
    TRY(zfs_image_set_mountpoint(pool, mount));
    return zfs_do("zfs", "mount", pool, NULL);
}

static Error *zfs_image_mount(const char *image, const char *mount)
{
    g_autofree char *pool = NULL;

    TRY(error_wrap(zfs_image_import(image, &pool), "importing image \"%s\"", image));
    TRY(zfs_image_check_not_mounted(image, pool));

    Error *e = zfs_image_mount_pool(pool, mount);

    if (e)
        error_ignore(zfs_image_export(pool), "the image could not be mounted");
    return error_wrap(e, "mounting image \"%s\" at \"%s\"", image, mount);
}

/* Exporting unmounts one file system after the other: a busy one leaves the rest unmounted. */
static Error *zfs_image_unmount(const char *mount)
{
    g_autofree char *dataset = NULL;

    TRY(zfs_mounted_at(mount, &dataset));
    if (!dataset)
        return loopfile_unmount(mount);

    Error *e = zfs_image_export(dataset);

    if (e)
        error_ignore(zfs_mount_all(dataset, mount), "the pool could not be exported");
    return error_wrap(e, "unmounting \"%s\"", mount);
}

static Error *zfs_image_detach(const char *image)
{
    g_autofree char *pool = NULL;

    if (!fs_exists(image))
        return NULL;
    TRY(zfs_image_pool(image, &pool));
    return pool ? zfs_image_export(pool) : NULL;
}

static Error *zfs_image_grow(const char *image, uint64_t size_bytes)
{
    g_autofree char *pool = NULL;

    TRY(zfs_image_pool(image, &pool));
    if (!pool)
        return error_new(ERR_NOT_FOUND, "image \"%s\" is not imported", image);
    TRY(loopfile_extend(image, size_bytes));
    return zfs_do("zpool", "online", "-e", pool, image, NULL);
}

const ImageOps zfs_image_ops = {
    .recognise = zfs_image_recognise,
    .create = zfs_image_create,
    .mount = zfs_image_mount,
    .unmount = zfs_image_unmount,
    .detach = zfs_image_detach,
    .grow = zfs_image_grow,
};

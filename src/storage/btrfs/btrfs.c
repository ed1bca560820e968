/*
 * btrfs: a volume is a subvolume, a snapshot a read-only one, and cloning writes the same small
 * root of a tree whatever the size of the data. Each verb is one ioctl, so nothing is ever half
 * made; snapshots and clones are durable when it returns.
 */
#include <btrfsutil.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/fs.h"
#include "storage/aside.h"
#include "storage/btrfs/care.h"
#include "storage/btrfs/quota.h"
#include "storage/btrfs/usage.h"
#include "storage/driver.h"
#include "storage/layout.h"

#define VOLUME_MODE       0711
#define LOW_SPACE_DIVISOR 20 /* less than a 20th free is low */

typedef struct BtrfsPool {
    char *mount;
    int fd; /* of it */
} BtrfsPool;

static const char *const btrfs_format_argv[] = {"mkfs.btrfs", "--quiet", NULL};

/* libbtrfsutil leaves the kernel's reason in errno. */
static Error *btrfs_error(enum btrfs_util_error status, const char *path)
{
    int err = errno;

    if (status == BTRFS_UTIL_OK)
        return NULL;
    if (err == EEXIST)
        return error_new(ERR_CONFLICT, "subvolume \"%s\" exists", path);
    return error_errno(err, "subvolume \"%s\": %s", path, btrfs_util_strerror(status));
}

/*
 * The library's own way from a path to descriptors forgets O_CLOEXEC: a program started at that
 * moment would keep the pool busy. So it gets descriptors of ours.
 */
static Error *btrfs_open_dir(const char *path, int *ret_fd)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return error_errno(errno, "could not open \"%s\"", path);
    *ret_fd = fd;
    return NULL;
}

static Error *btrfs_open_parent(const char *path, int *ret_fd)
{
    g_autofree char *parent = g_path_get_dirname(path);

    return btrfs_open_dir(parent, ret_fd);
}

static const char *btrfs_name_of(const char *path)
{
    return strrchr(path, '/') + 1;
}

static Error *btrfs_open_mount(const char *mount, int *ret_fd)
{
    struct statfs status;
    AUTO_FD fd = -1;

    TRY(btrfs_open_dir(mount, &fd));
    if (fstatfs(fd, &status) < 0)
        return error_errno(errno, "could not look at \"%s\"", mount);
    if (status.f_type != BTRFS_SUPER_MAGIC)
        return error_hint(error_new(ERR_INVALID, "\"%s\" is not on btrfs", mount),
                          "Give the pool an image, mount a btrfs file system there, or choose "
                          "another driver.");
    *ret_fd = fd;
    fd = -1;
    return NULL;
}

/*
 * Quotas are for images alone: they mark the file system as unreadable for older kernels and tools,
 * which is not ours to decide for a file system that was there before us.
 */
static Error *btrfs_prepare(const char *mount)
{
    AUTO_FD fd = -1;

    TRY(btrfs_open_mount(mount, &fd));
    error_free(btrfs_quota_enable(fd)); /* older kernels have none: diff_bytes is unknown there */
    return NULL;
}

static Error *btrfs_open(const char *mount, bool is_to_look, void **ret_private)
{
    AUTO_FD fd = -1;

    TRY(btrfs_open_mount(mount, &fd));
    if (!is_to_look)
        error_free(btrfs_quota_collect(fd)); /* no quotas, or no space for less: both do no harm */

    BtrfsPool *pool = g_new0(BtrfsPool, 1);

    pool->mount = g_strdup(mount);
    pool->fd = fd;
    fd = -1;
    *ret_private = pool;
    return NULL;
}

static void btrfs_close(void *private)
{
    BtrfsPool *pool = private;

    close(pool->fd);
    g_free(pool->mount);
    g_free(pool);
}

static Error *btrfs_create_volume(void *private, const char *volume_path, const Manifest *manifest)
{
    AUTO_FD parent = -1;

    TRY(btrfs_open_parent(volume_path, &parent));
    TRY(btrfs_error(
        btrfs_util_create_subvolume_fd(parent, btrfs_name_of(volume_path), 0, NULL, NULL),
        volume_path));
    if (chmod(volume_path, VOLUME_MODE) < 0)
        return error_errno(errno, "could not prepare subvolume \"%s\"", volume_path);
    return NULL;
}

static Error *btrfs_copy(const char *from_path, const char *to_path, int flags)
{
    AUTO_FD from = -1;
    AUTO_FD parent = -1;

    TRY(btrfs_open_dir(from_path, &from));
    TRY(btrfs_open_parent(to_path, &parent));
    return btrfs_error(
        btrfs_util_create_snapshot_fd2(from, parent, btrfs_name_of(to_path), flags, NULL, NULL),
        to_path);
}

static Error *btrfs_snapshot(void *private, const char *volume_path, const char *snapshot_path,
                             const Manifest *manifest)
{
    return btrfs_copy(volume_path, snapshot_path, BTRFS_UTIL_CREATE_SNAPSHOT_READ_ONLY);
}

static Error *btrfs_clone(void *private, const char *snapshot_path, const char *volume_path,
                          const Manifest *manifest)
{
    return btrfs_copy(snapshot_path, volume_path, 0);
}

/*
 * The kernel gives the space of destroyed subvolumes back when it next commits, in up to 30 s.
 * Where space is short, that is too late: BTRFS_IOC_SYNC commits and wakes the cleaner.
 */
static void btrfs_hurry_when_full(const BtrfsPool *pool)
{
    struct statfs status;

    if (fstatfs(pool->fd, &status) == 0 && status.f_bavail < status.f_blocks / LOW_SPACE_DIVISOR)
        (void)btrfs_util_sync_fd(pool->fd); /* it comes later, then */
}

/*
 * The name goes at once, the space is given back in the background. Whoever owns a data directory
 * may have made subvolumes in it, without any privilege: they go too, and where the library finds
 * their paths too long, one by one.
 */
static Error *btrfs_destroy(void *private, const char *path)
{
    const BtrfsPool *pool = private;
    const char *name = btrfs_name_of(path);
    AUTO_FD parent = -1;

    TRY(btrfs_open_parent(path, &parent));

    enum btrfs_util_error status = btrfs_util_delete_subvolume_fd(parent, name, 0);

    if (status != BTRFS_UTIL_OK && errno == ENOTEMPTY)
        status =
            btrfs_util_delete_subvolume_fd(parent, name, BTRFS_UTIL_DELETE_SUBVOLUME_RECURSIVE);
    if (status != BTRFS_UTIL_OK && errno != ENOENT)
        return aside_remove(pool->mount, path);
    btrfs_hurry_when_full(private);
    return NULL;
}

static Error *btrfs_diff_bytes(void *private, const char *volume_path, uint64_t *ret_bytes,
                               bool *ret_is_exact)
{
    const BtrfsPool *pool = private;
    uint64_t id = 0;
    uint64_t bytes = 0;
    AUTO_FD fd = -1;

    TRY(btrfs_open_dir(volume_path, &fd));
    TRY(btrfs_error(btrfs_util_subvolume_id_fd(fd, &id), volume_path));

    Error *e = btrfs_quota_read(pool->fd, id, &bytes);
    bool has_quota = !e;

    if (e && e->code != ERR_NOT_FOUND)
        return e;
    error_free(e);
    *ret_bytes = bytes;
    *ret_is_exact = has_quota;
    return NULL;
}

static Error *btrfs_limit(void *private, const char *volume_path, uint64_t bytes)
{
    AUTO_FD fd = -1;

    TRY(btrfs_open_dir(volume_path, &fd));

    Error *e = btrfs_quota_limit(fd, bytes);

    if (bytes > 0 || !e || e->code != ERR_NOT_FOUND)
        return e;
    error_free(e);
    return NULL;
}

static Error *btrfs_usage(void *private, SpaceUsage *ret_usage)
{
    const BtrfsPool *pool = private;

    return btrfs_usage_read(pool->fd, pool->mount, ret_usage);
}

/*
 * Simple quotas charge whoever wrote an extent, and go on doing so when that subvolume is gone:
 * what no living volume is charged with is there for snapshots.
 */
static Error *btrfs_snapshots_bytes(void *private, uint64_t *ret_bytes)
{
    const BtrfsPool *pool = private;
    g_autofree char *volumes = g_build_filename(pool->mount, LAYOUT_VOLUMES, NULL);
    g_auto(GStrv) names = NULL;
    uint64_t total = 0;

    Error *e = btrfs_quota_sum(pool->fd, &total);
    if (e && e->code == ERR_NOT_FOUND) {
        error_free(e);
        return NULL;
    }
    TRY(e);
    TRY(fs_list_dir(volumes, &names));
    for (char **name = names; *name; name++) {
        g_autofree char *path = g_build_filename(volumes, *name, NULL);
        uint64_t bytes = 0;
        bool is_exact = false;

        /* One that has gone meanwhile holds nothing. */
        error_free(btrfs_diff_bytes(private, path, &bytes, &is_exact));
        total -= MIN(total, bytes);
    }
    *ret_bytes = total;
    return NULL;
}

const StorageDriver btrfs_driver = {
    .name = "btrfs",
    .traits = {.atomic_snapshot = true,
               .exact_diff = true,
               .limits_volumes = true,
               .constant_cost = true},
    .format_argv = btrfs_format_argv,
    .file_system = BTRFS_SUPER_MAGIC,
    .size_min = UINT64_C(256) << 20,
    .prepare = btrfs_prepare,
    .open = btrfs_open,
    .close = btrfs_close,
    .create_volume = btrfs_create_volume,
    .snapshot = btrfs_snapshot,
    .clone = btrfs_clone,
    .destroy = btrfs_destroy,
    .usage = btrfs_usage,
    .diff_bytes = btrfs_diff_bytes,
    .limit = btrfs_limit,
    .grow = btrfs_grow,
    .check = btrfs_check,
    .snapshots_bytes = btrfs_snapshots_bytes,
};

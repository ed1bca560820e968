/*
 * The lock is flock(2) on the pool's private directory: it needs no space in a full pool, and the
 * kernel takes it back whatever happens to us.
 */
#include "storage/pool_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "storage/layout.h"

static Error *guard_lock(const char *mount, int *ret_fd)
{
    g_autofree char *path = g_build_filename(mount, LAYOUT_PRIVATE, NULL);
    AUTO_FD fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return error_errno(errno, "could not open \"%s\"", path);
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK)
            return error_errno(errno, "could not lock \"%s\"", path);
        return error_hint(error_new(ERR_BUSY, "the pool is in use by another rametd"),
                          "A pool has one server. Stop the other one, or give each its own pools.");
    }
    *ret_fd = fd;
    fd = -1;
    return NULL;
}

static Error *guard_measure_image(const char *image, uint64_t *ret_bytes)
{
    struct stat status;

    if (stat(image, &status) == 0) {
        *ret_bytes = (uint64_t)status.st_size;
        return NULL;
    }
    if (errno != ENOENT)
        return error_errno(errno, "could not look at image \"%s\"", image);
    return error_hint(error_new(ERR_EXTERNAL, "image \"%s\" was deleted while in use", image),
                      "Its data lives until the pool is unmounted: copy what is needed out of the "
                      "clones now.");
}

Error *pool_guard_take(const char *mount, const char *image, bool is_locking, PoolGuard *ret_guard)
{
    struct stat status;
    PoolGuard guard = {.lock_fd = -1};

    if (stat(mount, &status) < 0)
        return error_errno(errno, "could not look at \"%s\"", mount);
    guard.device = status.st_dev;
    guard.inode = status.st_ino;
    if (image)
        TRY(guard_measure_image(image, &guard.image_bytes));
    if (is_locking)
        TRY(guard_lock(mount, &guard.lock_fd));
    *ret_guard = guard;
    return NULL;
}

static Error *guard_check_image(const PoolGuard *guard, const char *image)
{
    uint64_t bytes = 0;

    TRY(guard_measure_image(image, &bytes));
    if (bytes >= guard->image_bytes)
        return NULL;
    return error_hint(
        error_new(ERR_EXTERNAL, "image \"%s\" was truncated while in use", image),
        "Data may be lost. Stop writing to it, copy what is needed out of the clones, "
        "and restore the image from a backup.");
}

Error *pool_guard_check(const PoolGuard *guard, const char *mount, const char *image)
{
    struct stat status;

    if (stat(mount, &status) < 0)
        return error_errno(errno, "could not look at \"%s\"", mount);
    if (status.st_dev != guard->device || status.st_ino != guard->inode)
        return error_hint(
            error_new(ERR_EXTERNAL, "the pool is not mounted at \"%s\" any more", mount),
            "Mount it again; nothing is written there meanwhile.");
    return image ? guard_check_image(guard, image) : NULL;
}

void pool_guard_release(PoolGuard *guard)
{
    fs_close_fd(&guard->lock_fd);
    guard->lock_fd = -1;
}

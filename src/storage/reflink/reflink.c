/*
 * reflink: a volume is a plain directory, and a copy of it shares the bytes of every file. Where a
 * copy or a removal takes many steps, it happens under a name of its own, and a rename is the
 * moment of truth: a crash leaves a whole volume under its name or none.
 */
#include "storage/reflink/reflink.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "storage/aside.h"
#include "storage/driver.h"
#include "storage/layout.h"
#include "storage/names.h"
#include "storage/program.h"
#include "storage/reflink/copy.h"
#include "storage/tree.h"

#define GROW_TIMEOUT_MS 60000

#define VOLUME_MODE      0711
#define EXTENTS_PER_CALL 128

/* Nobody but us may enter: nothing else keeps a snapshot from changing. */
#define SNAPSHOT_MODE 0700

const char *const reflink_format_argv[] = {"mkfs.xfs", "-q", "-m", "reflink=1", NULL};

/* Two files without a name are enough to ask; that a full pool cannot have them is no answer. */
static Error *reflink_probe(const char *mount)
{
    AUTO_FD from = open(mount, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    AUTO_FD to = open(mount, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (from >= 0 && to >= 0 && ioctl(to, FICLONE, from) == 0)
        return NULL;
    if (errno == ENOSPC)
        return NULL;
    return error_hint(error_errno(errno, "files at \"%s\" cannot share their data", mount),
                      "Give the pool an image, mount XFS with reflink=1 or btrfs there, or choose "
                      "another driver.");
}

/* What a crash left half removed. */
static Error *reflink_collect(const char *mount, const char *dir)
{
    g_autofree char *parent = g_build_filename(mount, dir, NULL);
    g_auto(GStrv) names = NULL;

    TRY(fs_list_dir(parent, &names));
    for (char **name = names; *name; name++) {
        g_autofree char *path = g_build_filename(parent, *name, NULL);

        if (names_is_deleted(*name))
            error_ignore(aside_remove(mount, path), "it goes when the pool is opened again");
    }
    return NULL;
}

Error *reflink_prepare(const char *mount)
{
    TRY(reflink_probe(mount));
    TRY(reflink_collect(mount, LAYOUT_VOLUMES));
    return reflink_collect(mount, LAYOUT_SNAPSHOTS);
}

/* Private is the mount point. */
static Error *reflink_open(const char *mount, bool is_to_look, void **ret_private)
{
    if (!is_to_look)
        TRY(reflink_prepare(mount));
    *ret_private = g_strdup(mount);
    return NULL;
}

static void reflink_close(void *private)
{
    g_free(private);
}

Error *reflink_create_volume(void *private, const char *volume_path, const Manifest *manifest)
{
    if (mkdir(volume_path, VOLUME_MODE) == 0 && chmod(volume_path, VOLUME_MODE) == 0)
        return NULL;
    if (errno == EEXIST)
        return error_new(ERR_CONFLICT, "\"%s\" exists", volume_path);
    return error_errno(errno, "could not make \"%s\"", volume_path);
}

Error *reflink_sync_dir_of(const char *path)
{
    g_autofree char *dir = g_path_get_dirname(path);
    AUTO_FD fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || fsync(fd) < 0)
        return error_errno(errno, "could not sync \"%s\"", dir);
    return NULL;
}

static Error *reflink_publish(const char *partial, const char *to)
{
    if (renameat2(AT_FDCWD, partial, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return reflink_sync_dir_of(to);
    if (errno == EEXIST)
        return error_new(ERR_CONFLICT, "\"%s\" exists", to);
    return error_errno(errno, "could not rename \"%s\"", partial);
}

static Error *reflink_copy_whole(const char *mount, const char *from, const char *const *layers,
                                 const char *to, mode_t mode)
{
    g_autofree char *partial = names_partial_path(to);

    TRY(aside_remove(mount, partial));

    Error *e = reflink_copy(from, layers, partial, mode);

    if (!e)
        e = reflink_publish(partial, to);
    if (e)
        error_ignore(aside_remove(mount, partial),
                     "it goes when the name is used or destroyed next");
    return e;
}

Error *reflink_make_snapshot(const char *mount, const char *tree, const char *const *layers,
                             const char *snapshot_path)
{
    return reflink_copy_whole(mount, tree, layers, snapshot_path, SNAPSHOT_MODE);
}

static Error *reflink_snapshot(void *private, const char *volume_path, const char *snapshot_path,
                               const Manifest *manifest)
{
    const char *const layers[] = {volume_path, NULL};

    return reflink_make_snapshot(private, volume_path, layers, snapshot_path);
}

static Error *reflink_clone(void *private, const char *snapshot_path, const char *volume_path,
                            const Manifest *manifest)
{
    const char *const layers[] = {snapshot_path, NULL};

    return reflink_copy_whole(private, snapshot_path, layers, volume_path, VOLUME_MODE);
}

/* Gone with its name: what is left of it keeps nobody. */
static void reflink_remove_deleted(const char *mount, const char *deleted)
{
    error_ignore(aside_remove(mount, deleted), "it goes when the pool is opened");
}

/* Without the rename, too: a full pool may have no block for a longer directory. */
Error *reflink_remove(const char *mount, const char *path)
{
    g_autofree char *partial = names_partial_path(path);
    g_autofree char *deleted = names_deleted_path(path);

    TRY(aside_remove(mount, partial));
    reflink_remove_deleted(mount, deleted);
    if (rename(path, deleted) < 0)
        return errno == ENOENT ? NULL : aside_remove(mount, path);
    reflink_remove_deleted(mount, deleted);
    return NULL;
}

static Error *reflink_destroy(void *private, const char *path)
{
    return reflink_remove(private, path);
}

/* Bytes of one file that no other file shares. */
static Error *reflink_unshared_bytes(int fd, uint64_t *bytes)
{
    size_t size = sizeof(struct fiemap) + EXTENTS_PER_CALL * sizeof(struct fiemap_extent);
    g_autofree struct fiemap *map = g_malloc0(size);
    bool is_last = false;

    while (!is_last) {
        map->fm_length = FIEMAP_MAX_OFFSET - map->fm_start;
        map->fm_extent_count = EXTENTS_PER_CALL;
        if (ioctl(fd, FS_IOC_FIEMAP, map) < 0)
            return error_errno(errno, "could not map a file's extents");
        is_last = map->fm_mapped_extents == 0;
        for (size_t i = 0; i < map->fm_mapped_extents; i++) {
            const struct fiemap_extent *extent = &map->fm_extents[i];

            if (!(extent->fe_flags & FIEMAP_EXTENT_SHARED))
                *bytes += extent->fe_length;
            map->fm_start = extent->fe_logical + extent->fe_length;
            is_last = (extent->fe_flags & FIEMAP_EXTENT_LAST) != 0;
        }
    }
    return NULL;
}

static Error *reflink_add_file(TreeAt *at, const TreeEntry *entry, uint64_t *bytes)
{
    const char *path = entry->path;
    AUTO_FD fd = tree_open(at, entry, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);

    if (fd < 0) /* a running PostgreSQL removes files while we look */
        return errno == ENOENT ? NULL : error_errno(errno, "could not open \"%s\"", path);
    return error_wrap(reflink_unshared_bytes(fd, bytes), "looking at \"%s\"", path);
}

Error *reflink_unshared_tree_bytes(const char *path, uint64_t *ret_bytes)
{
    g_autoptr(GPtrArray) entries = NULL;
    uint64_t bytes = 0;
    AUTO_FD root_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g_auto(TreeAt) at = {.root_fd = root_fd};

    if (root_fd < 0)
        return error_errno(errno, "could not open \"%s\"", path);
    TRY(tree_list(root_fd, &entries));
    for (guint i = 0; i < entries->len; i++) {
        const TreeEntry *entry = g_ptr_array_index(entries, i);

        if (entry->type == DT_REG)
            TRY(reflink_add_file(&at, entry, &bytes));
    }
    *ret_bytes = bytes;
    return NULL;
}

static Error *reflink_diff_bytes(void *private, const char *volume_path, uint64_t *ret_bytes,
                                 bool *ret_is_exact)
{
    TRY(reflink_unshared_tree_bytes(volume_path, ret_bytes));
    *ret_is_exact = true;
    return NULL;
}

Error *reflink_grow(const char *mount)
{
    const char *const argv[] = {"xfs_growfs", mount, NULL};

    return program_run(argv, GROW_TIMEOUT_MS, NULL);
}

const StorageDriver reflink_driver = {
    .name = "reflink",
    .traits = {.atomic_snapshot = false, .exact_diff = false, .constant_cost = false},
    .format_argv = reflink_format_argv,
    .file_system = XFS_SUPER_MAGIC,
    .size_min = UINT64_C(512) << 20,
    .open = reflink_open,
    .close = reflink_close,
    .create_volume = reflink_create_volume,
    .snapshot = reflink_snapshot,
    .clone = reflink_clone,
    .destroy = reflink_destroy,
    .diff_bytes = reflink_diff_bytes,
    .grow = reflink_grow,
};

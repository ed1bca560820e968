/*
 * Snapshots are mounted with mount(2) rather than seen through .zfs/snapshot: that directory is in
 * the dataset, which need not be mounted any more, and is filled by a program that the kernel
 * starts in the first mount namespace.
 */
#include "storage/zfs/mount.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>

#include "base/fs.h"
#include "storage/layout.h"
#include "storage/loopfile.h"
#include "storage/names.h"
#include "storage/storage_foreign.h"
#include "storage/zfs/command.h"

#define SNAPSHOT_DIR_MODE 0711
#define SNAPSHOT_FLAGS    (MS_RDONLY | MS_NOATIME | MS_NODEV | MS_NOSUID)

/* Columns of a listing of everything. */
enum {
    ALL_NAME,
    ALL_MOUNTED,
    ALL_CANMOUNT,
    ALL_DEFERRED,
    ALL_KIND,
    ALL_COLUMNS
};
#define ALL_FORMAT "name,mounted,canmount,defer_destroy,ramet:kind"

static Error *mount_list(const char *dataset, const char *types, GPtrArray **ret_rows)
{
    const char *const argv[] = {"zfs", "list", "-Hp",      "-r",    "-t",
                                types, "-o",   ALL_FORMAT, dataset, NULL};

    return zfs_list(argv, ALL_COLUMNS, ret_rows);
}

/* The name that a row's snapshot has for us; NULL when it is none of ours, or already destroyed. */
static const char *mount_snapshot_name(char **row)
{
    const char *at = strchr(row[ALL_NAME], '@');

    if (!at || !g_str_equal(row[ALL_KIND], "snapshot") || g_str_equal(row[ALL_DEFERRED], "on"))
        return NULL;

    g_autoptr(Error) invalid = names_check("snapshot", at + 1);

    return invalid ? NULL : at + 1;
}

Error *zfs_make_mount_point(const char *path)
{
    return fs_make_dir(path, SNAPSHOT_DIR_MODE, NULL);
}

Error *zfs_mount_snapshot(const char *snapshot, const char *path)
{
    TRY(zfs_make_mount_point(path));
    if (mount(snapshot, path, "zfs", SNAPSHOT_FLAGS, NULL) == 0)
        return NULL;
    return error_errno(errno, "could not mount ZFS snapshot \"%s\"", snapshot);
}

Error *zfs_find_snapshot(const char *dataset, const char *path, char **ret_snapshot)
{
    g_autofree char *name = g_path_get_basename(path);
    g_autoptr(GPtrArray) rows = NULL;

    TRY(zfs_mounted_at(path, ret_snapshot));
    if (*ret_snapshot || !fs_exists(path))
        return NULL;
    TRY(mount_list(dataset, "snapshot", &rows));
    for (guint i = 0; i < rows->len && !*ret_snapshot; i++) {
        char **row = g_ptr_array_index(rows, i);

        if (g_strcmp0(mount_snapshot_name(row), name) == 0)
            *ret_snapshot = g_strdup(row[ALL_NAME]);
    }
    return NULL;
}

static Error *mount_one_snapshot(const char *mount, char **row)
{
    const char *name = mount_snapshot_name(row);

    if (!name)
        return NULL;

    g_autofree char *path = g_build_filename(mount, LAYOUT_SNAPSHOTS, name, NULL);

    return loopfile_is_mounted(path) ? NULL : zfs_mount_snapshot(row[ALL_NAME], path);
}

static Error *mount_one_volume(const char *dataset, char **row)
{
    g_autofree char *parent = g_strconcat(dataset, "/" ZFS_VOLUMES "/", NULL);

    if (!g_str_has_prefix(row[ALL_NAME], parent) || !g_str_equal(row[ALL_MOUNTED], "no") ||
        !g_str_equal(row[ALL_CANMOUNT], "on"))
        return NULL;
    return zfs_do("zfs", "mount", row[ALL_NAME], NULL);
}

/* Only empty directories go: what somebody put there stays. */
static Error *mount_remove_leftovers(const char *mount)
{
    g_autofree char *parent = g_build_filename(mount, LAYOUT_SNAPSHOTS, NULL);
    g_auto(GStrv) names = NULL;

    TRY(fs_list_dir(parent, &names));
    for (char **name = names; *name; name++) {
        g_autofree char *path = g_build_filename(parent, *name, NULL);

        if (!storage_is_foreign(*name) && !loopfile_is_mounted(path))
            error_free(fs_remove_dir(path));
    }
    return NULL;
}

Error *zfs_mount_all(const char *dataset, const char *mount)
{
    g_autoptr(GPtrArray) rows = NULL;

    TRY(mount_list(dataset, "filesystem,snapshot", &rows));
    for (guint i = 0; i < rows->len; i++) {
        char **row = g_ptr_array_index(rows, i);

        TRY(strchr(row[ALL_NAME], '@') ? mount_one_snapshot(mount, row)
                                       : mount_one_volume(dataset, row));
    }
    return mount_remove_leftovers(mount);
}

/*
 * Where the parts of a pool on ZFS are mounted: a volume by ZFS itself, by inheritance; a snapshot
 * by us, read-only, at <mount>/snapshots/<name>. The mount table is the only record of which
 * ZFS snapshot has which name: the kernel keeps it true when datasets are renamed.
 */
#pragma once

#include "base/error.h"

#define ZFS_VOLUMES "volumes" /* the dataset <pool dataset>/volumes: the parent of all volumes */

/*
 * zfs_mount_all - mount what belongs to a pool and is not mounted: after a reboot, an import, a
 * crash. Directories for snapshots that are no longer there go.
 *
 *   dataset   the pool's
 *   mount     where it is mounted
 */
MUST_CHECK Error *zfs_mount_all(const char *dataset, const char *mount);

/* Makes the directory that a snapshot will be mounted at. Undo: fs_remove(). */
MUST_CHECK Error *zfs_make_mount_point(const char *path);

/* Mounts a ZFS snapshot ("pool/volumes/v@s") at a directory, which is made if it is missing. */
MUST_CHECK Error *zfs_mount_snapshot(const char *snapshot, const char *path);

/*
 * zfs_find_snapshot - the ZFS snapshot behind <mount>/snapshots/<name>; NULL when there is none.
 *
 * By the mount table, or, when a crash left it unmounted, by looking through the pool.
 */
MUST_CHECK Error *zfs_find_snapshot(const char *dataset, const char *path, char **ret_snapshot);

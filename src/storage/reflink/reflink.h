/*
 * What the driver overlay has in common with reflink: its volumes and snapshots are the same, but
 * for clones.
 */
#pragma once

#include <sys/types.h>

#include "storage/storage.h"

extern const char *const reflink_format_argv[]; /* XFS that can share files' data */

/* Can files at the mount point share their data? Collects what a crash left half removed. */
MUST_CHECK Error *reflink_prepare(const char *mount);

MUST_CHECK Error *reflink_create_volume(void *private, const char *volume_path,
                                        const Manifest *manifest);

/*
 * reflink_make_snapshot - a copy of a tree at a path, whole or not at all.
 *
 *   layers   directories that the tree's files really lie in, as for reflink_copy()
 */
MUST_CHECK Error *reflink_make_snapshot(const char *mount, const char *tree,
                                        const char *const *layers, const char *snapshot_path);

/*
 * A directory goes, first by its name; what cannot be removed is set aside. A missing one is success.
 */
MUST_CHECK Error *reflink_remove(const char *mount, const char *path);

/* Bytes in a tree that no file outside of it shares; looks at every file. */
MUST_CHECK Error *reflink_unshared_tree_bytes(const char *path, uint64_t *ret_bytes);

/* XFS takes all of its device. */
MUST_CHECK Error *reflink_grow(const char *mount);

/* One fsync puts all that was done before it in the same directory's file system into the log. */
MUST_CHECK Error *reflink_sync_dir_of(const char *path);

/*
 * Volumes that the caller destroyed while snapshots of them live: kept aside, unmounted, emptied
 * down to what those snapshots hold, until the last of them goes.
 */
#pragma once

#include "base/error.h"

#define ZFS_KEPT "kept" /* the dataset <pool dataset>/kept: their parent, never mounted */

/* Renames a volume's dataset away. Atomic: afterwards the volume's name is free. */
MUST_CHECK Error *zfs_keep(const char *pool_dataset, const char *volume_dataset);

/*
 * zfs_sweep_kept - destroy what nothing needs any more, and give back what only the head of a kept
 * volume holds.
 *
 *   ret_count   kept volumes that are left
 */
MUST_CHECK Error *zfs_sweep_kept(const char *pool_dataset, guint *ret_count);

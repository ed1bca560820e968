/*
 * Simple quotas of btrfs (Linux 6.7): each extent is charged, once and for all, to the subvolume
 * that wrote it first. What a clone is charged is what was written in it, known at no cost.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

/* Marks the file system: older kernels cannot mount it any more. ERR_EXTERNAL without support. */
MUST_CHECK Error *btrfs_quota_enable(int mount_fd);

/* As of the last commit (at most 30 s ago). ERR_NOT_FOUND without quotas or such a subvolume. */
MUST_CHECK Error *btrfs_quota_read(int mount_fd, uint64_t subvolume_id, uint64_t *ret_bytes);

/*
 * What the subvolume that fd is open in may be charged; 0 = no limit. ERR_NOT_FOUND without quotas.
 */
MUST_CHECK Error *btrfs_quota_limit(int fd, uint64_t bytes);

/*
 * Removes the accounts of destroyed subvolumes that are down to 0: those whose extents were in use
 * elsewhere when the subvolume went are left behind by the kernel. Walks all accounts: not for a
 * busy path.
 */
MUST_CHECK Error *btrfs_quota_collect(int mount_fd);

/* What all accounts hold together, those of subvolumes that are gone too. ERR_NOT_FOUND: none. */
MUST_CHECK Error *btrfs_quota_sum(int mount_fd, uint64_t *ret_bytes);

/*
 * The space of a btrfs, as it will be: statvfs(2) knows only what the last commit knew.
 */
#pragma once

#include "storage/measure.h"

/* mount_fd: open on the file system; mount: a path in it. */
MUST_CHECK Error *btrfs_usage_read(int mount_fd, const char *mount, SpaceUsage *ret_usage);

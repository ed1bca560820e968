/*
 * The file systems in logical volumes: ext4 or XFS. Which one a volume has is read from it; new
 * volumes get the one that the pool's root has.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/* What the file system mounted there is, for lvm_fs_format(): "ext4" unless it is XFS. */
const char *lvm_fs_of(const char *mount);

/* Makes a file system for a volume in a new device. ERR_EXTERNAL (detail: its stderr). */
MUST_CHECK Error *lvm_fs_format(const char *fs, const char *device);

/* The same for the root of a pool: ext4, small. */
MUST_CHECK Error *lvm_fs_format_root(const char *device);

/*
 * lvm_fs_mount - mount the file system in a device.
 *
 *   is_snapshot   read-only, and without replaying its journal, which was written out in full when
 *                 it was taken
 *
 * Errors: ERR_NOT_FOUND there is no file system that we know in it; ERR_EXTERNAL.
 * Undo:   loopfile_unmount().
 */
MUST_CHECK Error *lvm_fs_mount(const char *device, const char *path, bool is_snapshot);

/*
 * Where the parts of a pool on LVM are mounted: each volume and snapshot is a logical volume of its
 * own, mounted by us.
 */
#pragma once

#include <stdbool.h>

#include "storage/lvm/command.h"

/* Makes the directory that a logical volume will be mounted at. Undo: fs_remove(). */
MUST_CHECK Error *lvm_make_mount_point(const char *path);

/* Mounts the logical volume for <mount>/volumes/<name> or <mount>/snapshots/<name> there. */
MUST_CHECK Error *lvm_mount(const LvmPlace *place, const char *path);

/*
 * lvm_mount_all - activate and mount what belongs to a pool and is not mounted: after a reboot, a
 * crash, or somebody's umount. What has no file system yet (a killed run left it) stays as it is.
 */
MUST_CHECK Error *lvm_mount_all(const LvmPlace *place, const char *mount);

/*
 * lvm_mount_mend - mount a volume that is not mounted, or that cannot be written to any more: the
 * file system gave up when the pool had no space. ERR_BUSY: something still uses it (hint).
 */
MUST_CHECK Error *lvm_mount_mend(const LvmPlace *place, const char *path);

/* Unmounts all volumes and snapshots. ERR_BUSY: some may be unmounted; lvm_mount_all() undoes. */
MUST_CHECK Error *lvm_unmount_all(const char *mount);

/*
 * lvm_take_turns - keep other processes from mounting what we have in work.
 *
 * Verbs hold it shared, lvm_mount_all() alone: who opens the pool beside a server that is ending must
 * not mount what that is just removing.
 *
 *   ret_fd   holds it until it is closed
 */
MUST_CHECK Error *lvm_take_turns(const char *mount, bool is_exclusive, int *ret_fd);

/*
 * The layers of a volume that is an overlay mount: what is written in it, and the snapshot under it.
 *
 *   <mount>/.ramet/layers/<volume>/upper   what the volume has of its own
 *   <mount>/.ramet/layers/<volume>/work    overlayfs' own
 *   <mount>/.ramet/layers/<volume>/lower   link to the snapshot, or to where it is kept aside
 *   <mount>/.ramet/kept/<snapshot>.<time>  a destroyed snapshot that volumes still lie on
 *
 * The mount is made by us, at <mount>/volumes/<volume>.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

/* Makes the directories of the two; and takes them away again when they are empty. */
MUST_CHECK Error *layer_prepare(const char *mount);
MUST_CHECK Error *layer_dismantle(const char *mount);

/* Absolute path of a part ("upper", "lower") of a volume's layers; caller frees. */
char *layer_part(const char *mount, const char *volume, const char *part);

/* True when the volume has layers: it is an overlay, mounted or not. */
bool layer_exists(const char *mount, const char *volume);

/*
 * layer_make - empty layers over a snapshot. Whole or not at all.
 *
 *   root_mode   of the volume's root directory
 *
 * Errors: ERR_CONFLICT the volume has layers; ERR_NO_SPACE; ERR_EXTERNAL.
 * Undo:   layer_remove().
 */
MUST_CHECK Error *layer_make(const char *mount, const char *volume, const char *snapshot,
                             mode_t root_mode);

/* Removes what the volume, which must be unmounted, has of its own. Missing layers are success. */
MUST_CHECK Error *layer_remove(const char *mount, const char *volume);

/* Mounts the volume at its place, which is made; one that is mounted is success. */
MUST_CHECK Error *layer_mount(const char *mount, const char *volume);

/* ERR_BUSY (hint) while somebody uses it; one that is not mounted is success. */
MUST_CHECK Error *layer_unmount(const char *mount, const char *volume);

/*
 * layer_mount_all - mount what is not mounted: after a reboot. A volume that cannot be mounted is
 * logged and does not keep the others down. Removes what a crash left half removed.
 */
MUST_CHECK Error *layer_mount_all(const char *mount);
MUST_CHECK Error *layer_unmount_all(const char *mount);

/*
 * layer_keep_snapshot - take a snapshot that volumes lie on out of its place.
 *
 *   ret_is_kept   false when no volume lies on it: nothing was done
 *
 * It goes when layer_collect() finds that its last volume is gone.
 */
MUST_CHECK Error *layer_keep_snapshot(const char *mount, const char *snapshot, bool *ret_is_kept);
MUST_CHECK Error *layer_collect(const char *mount);

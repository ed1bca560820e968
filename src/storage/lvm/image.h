/*
 * Making the volume group, the thin pool and the root of a pool on LVM.
 */
#pragma once

#include "storage/lvm/command.h"

/* The logical volume that pools of ours have for a root, and the thin pool that we make. */
#define LVM_ROOT      "ramet"
#define LVM_THIN_POOL "pool"

/*
 * lvm_make_group - make a volume group of this name on a device, a thin pool in it and a root.
 *
 * Undo: vgremove; the device is of no use after an error.
 */
MUST_CHECK Error *lvm_make_group(const char *vg, const char *device, uint64_t size_bytes);

/* Makes the root of a pool in a thin pool that exists. ERR_CONFLICT there is one. */
MUST_CHECK Error *lvm_make_root(const LvmPlace *place);

/*
 * Growing and checking a pool on LVM: the driver's operations of that name.
 */
#pragma once

#include <glib.h>

#include "base/error.h"
#include "storage/lvm/command.h"

#define LVM_TAG_IMAGE "ramet.image" /* of volume groups that we made, in images */

/* Gives the thin pool what its volume group has free. ERR_INVALID a group of the user's (hint). */
MUST_CHECK Error *lvm_grow(const char *mount);

/*
 * lvm_relieve_metadata - let a pool with full metadata, which is read-only, be written to again: so
 * that something can be destroyed. In a group that we made, by the extents that were kept for it.
 *
 * Errors: ERR_NO_SPACE in a group of somebody else, or when nothing is left (hint).
 */
MUST_CHECK Error *lvm_relieve_metadata(const LvmPlace *place);

MUST_CHECK Error *lvm_check(const char *mount, GPtrArray *problems);

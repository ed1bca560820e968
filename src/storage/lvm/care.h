/*
 * Growing and checking a pool on LVM: the driver's operations of that name.
 */
#pragma once

#include <glib.h>

#include "base/error.h"

#define LVM_TAG_IMAGE "ramet.image" /* of volume groups that we made, in images */

/* Gives the thin pool what its volume group has free. ERR_INVALID a group of the user's (hint). */
MUST_CHECK Error *lvm_grow(const char *mount);

MUST_CHECK Error *lvm_check(const char *mount, GPtrArray *problems);

/*
 * Checking a ZFS pool: the driver's operation of that name.
 */
#pragma once

#include <glib.h>

#include "base/error.h"

MUST_CHECK Error *zfs_check(const char *mount, GPtrArray *problems);

/* Of "zpool status -x": nothing when it is healthy, else its state and what it says. */
void zfs_parse_health(const char *output, GPtrArray *problems);

/*
 * Growing and checking a mounted btrfs: the driver's operations of these names.
 */
#pragma once

#include <glib.h>

#include "base/error.h"

MUST_CHECK Error *btrfs_grow(const char *mount);
MUST_CHECK Error *btrfs_check(const char *mount, GPtrArray *problems);

/* Of "btrfs device stats": a problem for each counter that is not 0. */
void btrfs_parse_device_stats(const char *output, GPtrArray *problems);

/* Of "btrfs scrub status": a problem when it found errors; one that never ran found none. */
void btrfs_parse_scrub_status(const char *output, GPtrArray *problems);

/*
 * The space of a pool, as far as it needs no driver.
 */
#pragma once

#include "storage/measure.h"

/* What statvfs(3) says of the file system mounted there. */
MUST_CHECK Error *pool_space_ask(const char *mount, SpaceUsage *ret_usage);

/* Of a sparse image, only that is free which its own disk still has. NULL = no image. */
MUST_CHECK Error *pool_space_subtract_missing(const char *image, SpaceUsage *usage);

/* Is there enough for something new? The last hundredth is for what lives: ERR_NO_SPACE (hint). */
MUST_CHECK Error *pool_space_check(const SpaceUsage *usage);

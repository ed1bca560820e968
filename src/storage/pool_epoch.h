/*
 * What a pool remembers of the store that works with it: the number of the last change that it was
 * told, in <mount>/.ramet/epoch. A store that comes back older is found out by that.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "storage/storage.h"

/* 0 = it was told nothing, or what it was told is lost. Cost: one small file. */
MUST_CHECK Error *storage_epoch_seen(Pool *pool, int64_t *ret_epoch);

/* For destroying a pool; a missing file is success. */
MUST_CHECK Error *pool_epoch_remove(const char *mount);

/* Without fsync, and without space once it was told before. */
MUST_CHECK Error *storage_epoch_tell(Pool *pool, int64_t epoch);

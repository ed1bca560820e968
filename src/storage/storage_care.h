/*
 * A part of storage.h: what is done with pools beside making and destroying them: looking,
 * checking, mending, growing.
 */
#pragma once

#include <glib.h>

#include "storage/storage.h"

/* What the storage itself says is wrong with it: adds char * to problems, none when it is well. */
MUST_CHECK Error *storage_check_health(Pool *pool, GPtrArray *problems);

/*
 * What was to be removed and could not be: adds paths, char *. It is tried again when the pool is
 * opened, and can be removed by hand.
 */
MUST_CHECK Error *storage_list_aside(Pool *pool, GPtrArray *paths);

/*
 * storage_mend_volume - make a volume that nobody uses fit for an instance: one that a full pool
 * has made read-only is mounted anew, and so is one that was unmounted. May be repeated.
 *
 * Errors: ERR_NOT_FOUND no such volume; ERR_BUSY something still uses what is to be mounted anew
 *         (hint); ERR_EXTERNAL.
 */
MUST_CHECK Error *storage_mend_volume(Pool *pool, const char *volume);

/*
 * storage_grow_pool - make a pool larger, also while it is in use. It must be mounted.
 *
 *   size_bytes   of its image; 0 = it has none, and takes what its device has got
 *
 * Errors: ERR_INVALID smaller than it is, or a size for no image (hint); ERR_NOT_FOUND not mounted
 *         (hint); ERR_CONFLICT it is another pool; ERR_EXTERNAL.
 * Undo:   none; a call that was cut short is repeated.
 */
MUST_CHECK Error *storage_grow_pool(const PoolSpec *spec, uint64_t size_bytes);

/* Identity of the server that the pool at this mount point belongs to: "" none yet, NULL unknown. Caller frees. */
char *storage_pool_owner(const char *mount);

/* The driver for a file system that is mounted exactly there, NULL = none or nothing mounted. */
const char *storage_suggest_driver(const char *mount);

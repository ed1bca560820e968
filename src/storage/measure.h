/*
 * How much space pools, volumes and snapshots take, and what a volume may take.
 */
#pragma once

#include "storage/storage.h"

typedef struct SpaceUsage {
    uint64_t size_bytes;
    uint64_t used_bytes; /* as storage_usage() says it: size - free */
    uint64_t free_bytes;
    double compress_ratio; /* 1.0 without compression */
} SpaceUsage;

/*
 * What is not free is used, by whomever: metadata that btrfs has set apart, others on the same file
 * system, what a sparse image lacks on its own disk. So size is used + free with every driver.
 */
MUST_CHECK Error *storage_usage(Pool *pool, SpaceUsage *ret_usage);

/*
 * Bytes that are there for the sake of snapshots only: volumes that are gone wrote them. 0 = the
 * driver cannot tell. Looks at each volume: not for a request that makes a clone.
 */
MUST_CHECK Error *storage_snapshots_bytes(Pool *pool, uint64_t *ret_bytes);

/* Bytes that a snapshot alone holds: what destroying it gives back. 0 = nothing, or unknown. */
MUST_CHECK Error *storage_snapshot_bytes(Pool *pool, const char *snapshot, uint64_t *ret_bytes);

/* Bytes that a volume alone holds; *ret_is_exact false: an estimate, 0 = unknown. ERR_NOT_FOUND. */
MUST_CHECK Error *storage_diff_bytes(Pool *pool, const char *volume, uint64_t *ret_bytes,
                                     bool *ret_is_exact);

/*
 * storage_limit_volume - what a volume may hold alone, as storage_diff_bytes() counts it; on zfs with
 * the snapshots of it. Who writes beyond it gets ENOSPC or EDQUOT.
 *
 *   bytes   0 = no limit
 *
 * Errors: ERR_INVALID the pool's storage cannot (hint); ERR_CONFLICT it holds more already;
 *         ERR_NOT_FOUND; ERR_EXTERNAL.
 */
MUST_CHECK Error *storage_limit_volume(Pool *pool, const char *volume, uint64_t bytes);

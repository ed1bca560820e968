/*
 * Sizes, from ZFS's own books. Programs answer them, so the answers are kept for a second: a
 * listing of a thousand clones asks once.
 */
#pragma once

#include "storage/measure.h"

typedef struct ZfsMeasure ZfsMeasure;

/* For the pool in this dataset, mounted there. */
ZfsMeasure *zfs_measure_new(const char *dataset, const char *mount);
void zfs_measure_free(ZfsMeasure *measure);

/* Forgets what was measured: something is known to have changed. */
void zfs_measure_forget(ZfsMeasure *measure);

/* Size of the whole ZFS pool; used by, and free for, this dataset and what is below it. */
MUST_CHECK Error *zfs_measure_pool(ZfsMeasure *measure, SpaceUsage *ret_usage);

/* Bytes that a volume alone holds, exact as of ZFS's last write to the disk (5 s at most). */
MUST_CHECK Error *zfs_measure_volume(ZfsMeasure *measure, const char *volume, uint64_t *ret_bytes);

/* Bytes that a snapshot alone holds, ours or one of others; as old as half a minute. */
MUST_CHECK Error *zfs_measure_snapshot(ZfsMeasure *measure, const char *name, uint64_t *ret_bytes);

/* Bytes that are there for the sake of snapshots only. */
MUST_CHECK Error *zfs_measure_snapshots(const ZfsMeasure *measure, uint64_t *ret_bytes);

/*
 * Sizes. The pool's come from the kernel at once. What a volume alone holds is known to nobody:
 * thin_ls(8) counts it for all volumes in one walk through the pool's metadata. The answer is kept
 * for a second, and for as much longer as the walk took long.
 */
#pragma once

#include "storage/lvm/command.h"
#include "storage/measure.h"

typedef struct LvmMeasure LvmMeasure;

/*
 * For the pool at this place, mounted there. Both are borrowed. To look, the sizes of volumes are not
 * known: measuring them takes something of the pool that a server beside may have.
 */
LvmMeasure *lvm_measure_new(const LvmPlace *place, const char *mount, bool is_to_look);
void lvm_measure_free(LvmMeasure *measure);

/* Forgets what was measured: something is known to have changed. */
void lvm_measure_forget(LvmMeasure *measure);

/* Of the thin pool. As much is free as both its data and its metadata have room for. */
MUST_CHECK Error *lvm_measure_pool(const LvmPlace *place, SpaceUsage *ret_usage);

/* The same, to decide on a new volume: ERR_NO_SPACE when the metadata is nearly full (hint). */
MUST_CHECK Error *lvm_measure_space(const LvmPlace *place, SpaceUsage *ret_usage);

/*
 * Bytes that a volume or snapshot alone holds; *ret_is_exact false and 0 where thin_ls is missing or does not
 * work. ERR_NOT_FOUND no such volume.
 */
MUST_CHECK Error *lvm_measure_volume(LvmMeasure *measure, const char *path, uint64_t *ret_bytes,
                                     bool *ret_is_exact);

/* Lets go of the snapshot of the metadata that a killed measurement has left. */
MUST_CHECK Error *lvm_measure_recover(const LvmPlace *place, const char *mount);

/*
 * The sizes of pools, volumes and snapshots, measured in the background. Whoever asks reads memory,
 * however long the storage takes: what is read says how old it is, and asks for a new look. A pool
 * is looked at by a thread of its own, so one whose storage hangs makes no other older.
 */
#pragma once

#include "engine/engine.h"
#include "storage/measure.h"
#include "store/clone.h"
#include "store/snapshot.h"

typedef struct Gauge Gauge;

typedef struct PoolSizes {
    SpaceUsage usage;
    uint64_t snapshots_bytes; /* storage_snapshots_bytes() */
    int64_t measured_at_ms;   /* clock_now_ms(); 0 = not yet, and all else is 0 */
} PoolSizes;

/* Each pool on record is looked at now, and from then on every half a minute and when asked. */
MUST_CHECK Error *gauge_start(Engine *engine, Gauge **ret_gauge);

/* Programs that measure are stopped. NULL is fine. */
void gauge_stop(Gauge *gauge);

/*
 * The latest numbers; zeros where nothing is known, also for a NULL gauge. An answer that is older
 * than a second has the pool looked at again: at once, or where its looks take long when four times
 * as long has gone by.
 */
void gauge_pool(Gauge *gauge, const char *pool, PoolSizes *ret_sizes);
uint64_t gauge_clone_bytes(Gauge *gauge, const Clone *clone, bool *ret_is_exact);
uint64_t gauge_snapshot_bytes(Gauge *gauge, const Snapshot *snapshot);

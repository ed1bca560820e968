/*
 * Golden data: the volume of a pool that the last good refresh has made, and that snapshots are
 * taken of. Kept as facts of the store: "golden.<pool>" is the volume's name, "golden_state.<pool>"
 * what is known of it.
 */
#pragma once

#include <stdint.h>

#include "store/store.h"

typedef struct Golden {
    char *volume;
    int64_t data_state_at_ms;
    int64_t logical_size;
} Golden;

void golden_free(Golden *golden);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Golden, golden_free)

/* ERR_NOT_FOUND `pool "x" has no data yet` (hint). Caller frees. */
MUST_CHECK Error *golden_load(Store *store, const char *pool, Golden **ret_golden);

/* May be part of a transaction. Borrows all. */
MUST_CHECK Error *golden_save(Store *store, const char *pool, const Golden *golden);

/*
 * Golden data: the volume of a pool that the last good refresh has made, and that snapshots are
 * taken of.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "store/store.h"

typedef struct Golden {
    char *pool;
    char *volume;
    int64_t data_state_at_ms;
    int64_t logical_size; /* bytes; 0 = unknown */
} Golden;

void golden_free(Golden *golden);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Golden, golden_free)

/* Takes the place of the pool's golden data of before. */
MUST_CHECK Error *store_set_golden(Store *store, const Golden *golden);

/* ERR_NOT_FOUND `pool "x" has no data yet` (hint). Caller frees. */
MUST_CHECK Error *store_get_golden(Store *store, const char *pool, Golden **ret_golden);

MUST_CHECK Error *store_is_golden(Store *store, const char *pool, const char *volume,
                                  bool *ret_is_golden);

/*
 * The order of the pools, and the choice of one for a refresh.
 */
#pragma once

#include "engine/pool/pools.h"

/* Sorts PoolStatus *: available ones first, by data, the latest first; then by name. */
void pool_choice_sort(GPtrArray *statuses);

/* What the choice looks at. */
typedef struct PoolCandidate {
    const PoolStatus *status;
    uint64_t free_bytes;
} PoolCandidate;

/*
 * pool_choice_for_refresh - where new data should be built.
 *
 *   candidates     in the order of the rotation: the first is the active one
 *   needed_bytes   size of the data as known from the last refresh; 0 = unknown
 *
 * Best is a pool that nobody uses: no clones, and not the active one; of several that whose data is
 * oldest. Then the active one, if it has no clones. Else the data is built beside that of a pool
 * with clones, where most space is free: users keep their clones, and a refresh is not skipped. A
 * pool too small for the data comes after all others. Returns the index, or n when n is 0.
 */
size_t pool_choice_for_refresh(const PoolCandidate *candidates, size_t n, uint64_t needed_bytes);

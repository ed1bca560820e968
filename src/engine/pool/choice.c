/*
 * Pure decisions: what is, goes in; which pool, comes out.
 */
#include "engine/pool/choice.h"

#include <string.h>

static int choice_compare(gconstpointer left, gconstpointer right)
{
    const PoolStatus *a = *(PoolStatus *const *)left;
    const PoolStatus *b = *(PoolStatus *const *)right;

    if (!a->pool != !b->pool)
        return a->pool ? -1 : 1;
    if (a->data_state_at_ms != b->data_state_at_ms)
        return a->data_state_at_ms > b->data_state_at_ms ? -1 : 1;
    return strcmp(a->name, b->name);
}

void pool_choice_sort(GPtrArray *statuses)
{
    g_ptr_array_sort(statuses, choice_compare);
}

enum {
    RANK_UNUSED,
    RANK_ACTIVE,
    RANK_HAS_CLONES,
    N_RANKS,
};

static int choice_rank(const PoolCandidate *candidate, bool is_first, uint64_t needed_bytes)
{
    const PoolStatus *status = candidate->status;
    bool is_active = is_first && status->data_state_at_ms > 0;
    int rank = status->n_clones > 0 ? RANK_HAS_CLONES : is_active ? RANK_ACTIVE : RANK_UNUSED;

    return candidate->free_bytes < needed_bytes ? rank + N_RANKS : rank;
}

/* Within a rank: most space where it is shared with clones, else the end of the rotation. */
static bool choice_is_better(const PoolCandidate *candidate, const PoolCandidate *best, int rank)
{
    if (rank % N_RANKS == RANK_HAS_CLONES)
        return candidate->free_bytes > best->free_bytes;
    return candidate->status->data_state_at_ms < best->status->data_state_at_ms;
}

size_t pool_choice_for_refresh(const PoolCandidate *candidates, size_t n, uint64_t needed_bytes)
{
    size_t best = 0;
    int best_rank = 2 * N_RANKS;

    for (size_t i = 0; i < n; i++) {
        int rank = choice_rank(&candidates[i], i == 0, needed_bytes);
        bool is_better =
            rank < best_rank ||
            (rank == best_rank && choice_is_better(&candidates[i], &candidates[best], rank));

        if (is_better) {
            best = i;
            best_rank = rank;
        }
    }
    return n == 0 ? n : best;
}

/*
 * May this go? All rules about what keeps a clone, a snapshot or a pool from being removed. A
 * refusal names what stands in the way. To be asked inside the transaction that begins the removal.
 */
#pragma once

#include "engine/engine.h"
#include "store/clone.h"
#include "store/snapshot.h"

/* Protected now: the flag is set and has not expired. */
bool clone_is_protected_now(const Clone *clone);
bool snapshot_is_protected_now(const Snapshot *snapshot);

/* ERR_CONFLICT `clone is protected` (hint). A FATAL clone may always go. */
MUST_CHECK Error *clone_may_go(const Clone *clone);

/* Is it one that users delete? ERR_CONFLICT another program's, or made by a refresh (hint). */
MUST_CHECK Error *snapshot_is_for_users(const Snapshot *snapshot);

/*
 * snapshot_may_go - of those for users.
 *
 *   is_forced   clones that were made from it go, too, unless one is protected
 *
 * Errors: ERR_CONFLICT as above, protected, or with the clones that need it (the contract's messages).
 */
MUST_CHECK Error *snapshot_may_go(Store *store, const Snapshot *snapshot, bool is_forced);

/*
 * ERR_CONFLICT `pool "p" has 2 clones and 1 snapshots`; the detail names them. A pool that is away only
 * looks empty: what the store knows of it counts.
 */
MUST_CHECK Error *pool_may_go(Store *store, const char *pool, bool is_forced);

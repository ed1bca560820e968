/*
 * Starting clones that should run and do not.
 */
#pragma once

#include "engine/engine.h"
#include "store/clone.h"

/*
 * engine_start_clone - begin an operation that starts one, if that is still wanted: what is decided
 * here is decided in the transaction that records it.
 *
 *   from      the states that the caller expects, a set of CLONE_IN()
 *   message   for the clone's status from now on; NULL = as it is
 *   n_failed  starts of it that have failed one after the other: after each second one its
 *             postgresql.auto.conf is set aside, and stays so if that helps
 *
 * A clone that is in another state, is worked on, or is gone, is success.
 */
MUST_CHECK Error *engine_start_clone(Engine *engine, const char *uid, unsigned from,
                                     const char *message, int64_t n_failed);

/*
 * Begins an operation for each clone that was ready once, does not run, and is not worked on. Of
 * one pool, or of all (NULL); where the pool is not available, clones wait for it.
 */
MUST_CHECK Error *engine_start_stopped_clones(Engine *engine, const char *pool);

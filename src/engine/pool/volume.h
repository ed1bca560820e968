/*
 * Volumes that are no longer needed: destroyed by an operation of their own, so that nobody waits
 * for it and no crash forgets it.
 */
#pragma once

#include "engine/engine.h"
#include "operation/operation.h"

/* Called by finish() of another operation: the volume goes after it. */
void volume_discard_after(Operation *operation, const char *pool, const char *volume);

/*
 * volume_destroy_of - destroy the volume that an operation's args name, if they do.
 *
 *   pool_key, volume_key   the members that hold the two names
 *
 * Errors: those of engine_await_pool(), but a pool on no record is success, and of storage_destroy_volume().
 */
MUST_CHECK Error *volume_destroy_of(Engine *engine, const json_t *args, const char *pool_key,
                                    const char *volume_key);

/*
 * Volumes that are no longer needed: destroyed by an operation of their own, so that nobody waits
 * for it and no crash forgets it.
 */
#pragma once

#include "engine/operation.h"

extern const OperationKind volume_discard_kind;

/* Called by finish() of another operation: the volume goes after it. */
void volume_discard_after(Operation *operation, const char *pool, const char *volume);

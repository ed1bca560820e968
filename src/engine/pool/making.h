/*
 * What operations make in pools, and how far their undos may go: storage/mark.h.
 */
#pragma once

#include "engine/engine.h"
#include "operation/operation.h"
#include "storage/mark.h"

/*
 * For undos: destroys what this operation has not finished. What is finished stays, with a word in the
 * log: the journal is older than it.
 */
MUST_CHECK Error *operation_unmake(const Operation *operation, Pool *pool, StorageKind kind,
                                   const char *name);

/* For ended(): it is finished, and no undo may destroy it any more. */
void operation_made(Pool *pool, StorageKind kind, const char *name);

/* At the start: marks of operations that are over. */
void engine_sweep_marks(Engine *engine);

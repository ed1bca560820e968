/*
 * Starting clones that should run and do not.
 */
#pragma once

#include "engine/operation.h"
#include "store/clone.h"

extern const OperationKind clone_start_kind;

/* Begins an operation for one. */
MUST_CHECK Error *engine_start_clone(Engine *engine, const Clone *clone);

/*
 * Begins an operation for each clone that was ready once, does not run, and is not worked on. Of
 * one pool, or of all (NULL); where the pool is not available, clones wait for it.
 */
MUST_CHECK Error *engine_start_stopped_clones(Engine *engine, const char *pool);

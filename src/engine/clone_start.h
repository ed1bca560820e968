/*
 * Starting clones that should run and do not.
 */
#pragma once

#include "engine/operation.h"

extern const OperationKind clone_start_kind;

/* Begins one operation for each OK clone whose instance does not run and that nothing works on. */
MUST_CHECK Error *engine_start_stopped_clones(Engine *engine);

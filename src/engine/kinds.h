/*
 * The engine's kinds of operations. Their owner is the Engine.
 */
#pragma once

#include "engine/engine.h"
#include "operation/operation.h"

static inline Engine *operation_engine(const Operation *operation)
{
    return operation->owner;
}

extern const OperationKind clone_create_kind;    /* clone/create.c */
extern const OperationKind clone_reset_kind;     /* clone/reset.c */
extern const OperationKind clone_destroy_kind;   /* clone/destroy.c */
extern const OperationKind clone_start_kind;     /* clone/start.c */
extern const OperationKind snapshot_clone_kind;  /* snapshot/take.c */
extern const OperationKind snapshot_delete_kind; /* snapshot/delete.c */
extern const OperationKind volume_discard_kind;  /* pool/volume.c */

/* Makes all of them known to engine->operations. */
void engine_register_kinds(Engine *engine);

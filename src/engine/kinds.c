#include "engine/kinds.h"

void engine_register_kinds(Engine *engine)
{
    static const OperationKind *const kinds[] = {
        &clone_create_kind,   &clone_reset_kind,     &clone_destroy_kind,  &clone_start_kind,
        &snapshot_clone_kind, &snapshot_delete_kind, &volume_discard_kind,
    };

    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        operations_register(engine->operations, kinds[i], engine);
}

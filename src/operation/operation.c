/*
 * Rows for new operations.
 */
#include "operation/operation.h"

#include "base/clock.h"
#include "base/id.h"

OperationRow *operation_row(const OperationKind *kind, const char *target, const json_t *args)
{
    OperationRow *row = operation_row_new();

    row->uid = id_new();
    row->kind = g_strdup(kind->name);
    row->target = g_strdup(target);
    row->args = args ? json_dumps(args, JSON_COMPACT) : g_strdup("{}");
    row->error = g_strdup("");
    row->created_at_ms = clock_now_ms();
    return row;
}

void operation_follow(Operation *operation, const OperationKind *kind, const char *target,
                      const json_t *args)
{
    g_ptr_array_add(operation->next, operation_row(kind, target, args));
}

/*
 * The journal of operations.
 */
#include "store/operation.h"

#include "store/table.h"

static const char *const operation_words[] = {
    [OPERATION_RUNNING] = "RUNNING",
    [OPERATION_UNDOING] = "UNDOING",
    NULL,
};

static const Column operation_columns[] = {
    COLUMN(OperationRow, uid),
    COLUMN(OperationRow, kind, .is_fixed = true),
    COLUMN(OperationRow, target, .is_fixed = true),
    COLUMN(OperationRow, state, .words = operation_words),
    COLUMN(OperationRow, step),
    COLUMN(OperationRow, args),
    COLUMN(OperationRow, error),
    COLUMN(OperationRow, created_at_ms, .is_fixed = true),
    {0},
};

static const Table operation_table = {"operation", sizeof(OperationRow),
                                      (GDestroyNotify)operation_row_free, operation_columns};

OperationRow *operation_row_new(void)
{
    return g_new0(OperationRow, 1);
}

void operation_row_free(OperationRow *row)
{
    table_free_row(&operation_table, row);
}

Error *store_insert_operation(Store *store, const OperationRow *row)
{
    Error *e = table_insert(store, &operation_table, row);

    return e ? error_wrap(e, "recording operation \"%s\"", row->uid) : NULL;
}

Error *store_update_operation(Store *store, const OperationRow *row)
{
    bool is_found = false;

    TRY(table_update(store, &operation_table, row, &is_found));
    return is_found ? NULL : error_new(ERR_NOT_FOUND, "operation \"%s\" not found", row->uid);
}

Error *store_delete_operation(Store *store, const char *uid)
{
    return table_delete(store, &operation_table, uid);
}

Error *store_list_operations(Store *store, GPtrArray **ret_rows)
{
    return table_list(store, &operation_table, "ORDER BY created_at_ms, uid", DB_END, ret_rows);
}

/*
 * The journal of operations: which multi-step work is under way, and at which step. A row is
 * written before the work begins and goes when it is over; what remains after a crash is what
 * recovery works on.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "store/store.h"

typedef enum OperationState {
    OPERATION_RUNNING,
    OPERATION_UNDOING, /* it failed; its undo is under way or waits to be tried again */
} OperationState;

typedef struct OperationRow {
    char *uid;
    char *kind;   /* "create", "reset", "destroy", "snapshot", "refresh", … */
    char *target; /* what must not be worked on twice at a time: a clone's uid, … */
    OperationState state;
    int64_t step; /* index into the kind's table: the step under way */
    char *args;   /* JSON object: what the steps need beyond the target's row */
    char *error;  /* message of the failure that is being undone; "" = none */
    int64_t created_at_ms;
} OperationRow;

OperationRow *operation_row_new(void);
void operation_row_free(OperationRow *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OperationRow, operation_row_free)

MUST_CHECK Error *store_insert_operation(Store *store, const OperationRow *row);

/* Writes state, step, args and error. ERR_NOT_FOUND. */
MUST_CHECK Error *store_update_operation(Store *store, const OperationRow *row);

/* A missing row is success. */
MUST_CHECK Error *store_delete_operation(Store *store, const char *uid);

/* All, oldest first: GPtrArray of OperationRow *; caller unrefs. */
MUST_CHECK Error *store_list_operations(Store *store, GPtrArray **ret_rows);

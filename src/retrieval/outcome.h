/*
 * How operations of retrieval end: what the store says afterwards, and what people are told.
 */
#pragma once

#include "operation/operation.h"

/* Inside the accepting transaction: the operation's row, and that it is the latest. */
MUST_CHECK Error *outcome_record(Store *store, const OperationRow *row);

/* Inside the concluding transaction: the snapshot is offered, alerts are gone but for a new warning. */
MUST_CHECK Error *outcome_finish_snapshot(Operation *operation);

/*
 * Inside the concluding transaction: alert refresh_failed and the fact of it, once an operation;
 * none of an operation that is not the latest.
 */
MUST_CHECK Error *outcome_fail(Operation *operation, const Error *cause);

/* Afterwards: the state in memory, a log line; on success older snapshots are retired. */
void outcome_ended(Operation *operation, const Error *cause);

/* type "refresh_failed", "refresh_skipped" or "roles_incomplete". */
MUST_CHECK Error *outcome_raise_alert(Store *store, const char *type, const Error *cause);

/* Facts of the store. */
#define FACT_FAILED       "retrieval.failed"          /* uid of what failed last; "" = a success */
#define FACT_LATEST       "retrieval.latest"          /* uid of the operation accepted last      */
#define FACT_LAST_REFRESH "retrieval.last_refresh_ms" /* start of the last one                   */

/*
 * A runner over a real store, and kinds whose steps only write down that they ran.
 */
#pragma once

#include "operation/operation.h"

#define N_WORKERS 4

typedef struct Fixture {
    char *dir;
    Store *store;
    Operations *operations;
} Fixture;

/* What happened, in order: "a", "b", "-b" (undo of b), "finish", "fail:<message>". */
extern GMutex trace_lock; /* for all of these */
extern GCond trace_changed;
extern GString *trace;
extern const char *failing_step, *failing_undo;
extern int n_ended;
extern int n_writes_to_skip,
    n_failing_writes; /* after so many writes into the store, so many fail */

/* Of the steps a, b and c: the first two can be undone. */
extern const OperationKind resuming_kind, undone_kind, retrying_kind;
extern const OperationKind misled_kind;  /* plans what follows, then its end is refused */
extern const OperationKind leaving_kind; /* has a drop() */
extern const OperationKind polite_kind;  /* gives way */
extern const OperationKind leading_kind; /* step c, and a "resuming" on "other" that follows */
extern const OperationKind destroy_kind; /* takes over */

void trace_add(const char *text);
Error *trace_step(const char *name);
Error *trace_undo(const char *name);
Error *undo_a(Operation *operation);
Error *run_c(Operation *operation);

/* For kinds of a test's own; "gone" is a target that does not exist. */
Error *load(Operation *operation);
void unload(Operation *operation);
Error *finish(Operation *operation);
Error *fail(Operation *operation, const Error *cause);

void check(Error *e);
void start_runner(Fixture *f);
void set_up(Fixture *f, const void *unused);
void tear_down(Fixture *f, const void *unused);
void on_ended(const Error *cause, void *data);
OperationRow *record(Fixture *f, const OperationKind *kind, const char *target);
void run_to_end(Fixture *f, const OperationKind *kind, const char *target);
void wait_for(const char *text);
/* Rows left in the journal once all that runs has ended. */
unsigned journal_length(Fixture *f);

/* Until one of this kind on "t" waits for its next try; and that is now. */
void wait_until_owed(Fixture *f, const char *kind);
void try_again(Fixture *f, const char *kind);

#define ADD(name, function)                                                                        \
    g_test_add("/operation/" name, Fixture, NULL, set_up, function, tear_down)

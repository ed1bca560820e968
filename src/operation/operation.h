/*
 * Operations: durable multi-step work. A kind is a table of steps; each step is entered in the
 * store before it runs. On failure the undos run in reverse, the failed step included, and each is
 * entered when it is done. A failed undo stays on record and is tried again from there. After a
 * crash a kind that resumes undoes the step that was under way, runs it again and goes on; any
 * other kind is undone. Operations on one target are serial, on different ones parallel; one that
 * waits for its next try keeps its place, unless its kind gives way.
 *
 * This folder knows the store's journal and nothing of what the kinds are about.
 */
#pragma once

#include <gio/gio.h>
#include <jansson.h>
#include <stdbool.h>

#include "store/operation.h"
#include "store/store.h"

typedef struct Operations Operations; /* the runner */
typedef struct Step Step;

typedef struct Operation {
    Store *store;
    void *owner; /* what its kind was registered with; borrowed */
    OperationRow *row;
    const Step *step;     /* that runs */
    void *work;           /* the kind's own, made by load() */
    GCancellable *cancel; /* steps that take long watch it; checked before each step */
    GCancellable *stop;   /* the server stops: what an undo waits for is waited for by the next */
    GPtrArray *next;      /* of OperationRow *: entered with the end of this one, run after it */
    const Error *owed;    /* in fail(): why an undo has not succeeded yet; NULL = all is undone */
} Operation;

typedef struct OperationKind OperationKind;
typedef Error *(*OperationStep)(Operation *operation);

struct Step {
    const char *text; /* "cloning the volume": progress, and the prefix of its error */
    OperationStep run;
    OperationStep undo; /* may be repeated, copes with a step half done; NULL = nothing to undo */
    int phase;          /* the kind's own: what its owner is in meanwhile */
    double until;       /* how much of the whole is done after it, in percent; 0 = not told */
};

struct OperationKind {
    const char *name;  /* as in the journal and in RAMET_FAULT */
    const Step *steps; /* ended by a NULL text */
    bool resumes;      /* after a crash: go on (true) or undo (false) */
    bool is_long;      /* minutes rather than milliseconds: runs on a thread of its own */
    bool retries;      /* never undone: after a failure the same step is tried again later */
    bool takes_over;   /* goes before what waits for another try on its target: a destruction */
    bool gives_way;    /* what it has left undone is nobody else's: others wait for its end alone */
    Error *(*load)(Operation *operation); /* reads what the steps need from the store */
    void (*unload)(Operation *operation);
    void (*entered)(Operation *operation); /* before each step: operation->step; may be NULL */
    /*
     * Before it goes on after a crash, or goes on undoing: may set the row's step back (forward, when it is
     * undone) to one whose result is gone. May be NULL.
     */
    void (*rewind)(Operation *operation, const OperationKind *kind);
    /* The last word, inside the durable transaction that also removes the operation's row. */
    Error *(*finish)(Operation *operation);
    /* After the undos, and after each failed try of them: operation->owed. */
    Error *(*fail)(Operation *operation, const Error *cause);
    /*
     * When load() says ERR_NOT_FOUND: removes what only the row knows to be left, with no work
     * loaded. May be repeated; NULL = all of it went with the target.
     */
    Error *(*drop)(Operation *operation);
    /* After that transaction, and after each failed try of one that retries; may be NULL. */
    void (*ended)(Operation *operation, const Error *cause);
};

/* For finish(): plans what follows, in the transaction that ends this one. args is borrowed. */
void operation_follow(Operation *operation, const OperationKind *kind, const char *target,
                      const json_t *args);

/*
 * Called once, on the worker's thread: with NULL on success, else with the cause at the first
 * failure, when an undo or a retry may still be to come. Not at all when the server stops before.
 */
typedef void (*OperationEnded)(const Error *cause, void *data);

/*
 * operations_new - a runner. So many operations run at a time, and as many more as take longer than
 * slow_ms: what hangs keeps nobody else waiting.
 *
 * Errors: those of thread_start(). Later a thread that cannot be had is waited for.
 */
MUST_CHECK Error *operations_new(Store *store, int n_workers, int64_t slow_ms,
                                 Operations **ret_operations);

/* Cuts short what is long or resumes, and waits for the steps under way to end. */
void operations_free(Operations *operations);

/* Before recovery. owner is borrowed until it is released. */
void operations_register(Operations *operations, const OperationKind *kind, void *owner);

/*
 * From now on nothing of this owner's begins; what runs is cancelled, and waited for until it has ended or been
 * undone, however long that takes. What has not begun stays in the journal.
 */
void operations_release(Operations *operations, const void *owner);

/*
 * A row for a new operation; insert it in the same transaction as the change that begins the work,
 * commit durably, then submit it. args (may be NULL) is borrowed. Caller frees.
 */
OperationRow *operation_row(const OperationKind *kind, const char *target, const json_t *args);

/* Takes the row, which is in the store already. ended may be NULL. */
void operations_submit_take(Operations *operations, OperationRow *row, OperationEnded ended,
                            void *data);

/*
 * Asks what runs on this target, and what waits there, to stop, at its next step at the latest, and be
 * undone. What retries (a destruction) has no way back and goes on.
 */
void operations_cancel(Operations *operations, const char *target);

/* What waits for its next try is tried now: its cause may be gone. */
void operations_hurry(Operations *operations);

/*
 * operations_check_settled - may work on this target be begun? For requests that would have to wait for
 * something that may never succeed.
 *
 * Errors: ERR_CONFLICT an operation on it has failed and waits for its next try: `a failed "reset" of it
 *         is not undone yet: …` (hint).
 */
MUST_CHECK Error *operations_check_settled(Operations *operations, const char *target);

/*
 * True while an operation of this kind (NULL = any) is queued, runs or keeps its place on the target
 * (NULL = any). One that has given way does not count.
 */
bool operations_is_busy(Operations *operations, const char *kind, const char *target);

/* Is it usual that an operation of this kind takes hours? False for a kind that nobody knows. */
bool operations_may_last(Operations *operations, const char *kind);

/* Queues all that the journal still holds; a row of an unknown kind is logged and left alone. */
MUST_CHECK Error *operations_recover(Operations *operations);

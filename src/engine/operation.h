/*
 * Operations: durable multi-step work. A kind is a table of steps; each step is entered in the
 * store before it runs. On failure the undos run in reverse, the failed step included; a failed
 * undo stays on record and is tried again. After a crash a kind that resumes undoes the step that
 * was under way, runs it again and goes on; any other kind is undone. Operations on one target are
 * serial; on different ones parallel.
 */
#pragma once

#include <gio/gio.h>
#include <jansson.h>
#include <stdbool.h>

#include "engine/engine.h"
#include "store/operation.h"

typedef struct Operation {
    Engine *engine;
    OperationRow *row;
    void *work;           /* the kind's own, made by load() */
    GCancellable *cancel; /* steps that take long watch it; checked before each step */
    GPtrArray *next;      /* of OperationRow *: entered with the end of this one, run after it */
} Operation;

typedef struct OperationKind OperationKind;
typedef Error *(*OperationStep)(Operation *operation);

typedef struct Step {
    const char *text; /* "cloning the volume": progress, and the prefix of its error */
    OperationStep run;
    OperationStep undo; /* may be repeated, copes with a step half done; NULL = nothing to undo */
} Step;

struct OperationKind {
    const char *name;  /* as in the journal and in RAMET_FAULT */
    const Step *steps; /* ended by a NULL text */
    bool resumes;      /* after a crash: go on (true) or undo (false) */
    bool is_long;      /* minutes rather than milliseconds: runs on a thread of its own */
    bool retries;      /* never undone: after a failure the same step is tried again later */
    Error *(*load)(Operation *operation); /* reads what the steps need from the store */
    void (*unload)(Operation *operation);
    /* After a crash, before it goes on: may set the row's step back. May be NULL. */
    void (*rewind)(Operation *operation, const OperationKind *kind);
    /* The last word, inside the durable transaction that also removes the operation's row. */
    Error *(*finish)(Operation *operation);
    Error *(*fail)(Operation *operation, const Error *cause); /* after the undos */
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

Operations *operations_new(Engine *engine, int n_workers);

/* Cuts short what is long or resumes, and waits for the steps under way to end. */
void operations_free(Operations *operations);

/* Kinds must be registered before recovery. */
void operations_register(Operations *operations, const OperationKind *kind);

/*
 * A row for a new operation; insert it in the same transaction as the change that begins the work,
 * commit durably, then submit it. args (may be NULL) is borrowed. Caller frees.
 */
OperationRow *operation_row(const OperationKind *kind, const char *target, const json_t *args);

/* Takes the row, which is in the store already. ended may be NULL. */
void operations_submit_take(Operations *operations, OperationRow *row, OperationEnded ended,
                            void *data);

/*
 * Asks what runs on this target to stop, at its next step at the latest, and be undone. What retries (a
 * destruction) has no way back and goes on.
 */
void operations_cancel(Operations *operations, const char *target);

/* What waits for its next try is tried now: its cause may be gone. */
void operations_hurry(Operations *operations);

/*
 * True while an operation of this kind (NULL = any) is queued or runs on the target (NULL = any).
 * One that waits for its next try does not count.
 */
bool operations_is_busy(Operations *operations, const char *kind, const char *target);

/* Queues all that the journal still holds; a row of an unknown kind is logged and left alone. */
MUST_CHECK Error *operations_recover(Operations *operations);

/*
 * One operation at work: the journal, the steps, the undos. For the runner, runner.c, alone.
 */
#pragma once

#include "operation/operation.h"

/* A kind, and whose it is. The runner's own, under its lock, but for the kind. */
typedef struct Registration {
    const OperationKind *kind;
    void *owner;
    unsigned n_running;
    bool is_released; /* none begins any more */
} Registration;

typedef struct Job {
    Operation operation; /* first: a Job is its Operation */
    const OperationKind *kind;
    Registration *registration;
    OperationEnded ended;
    void *ended_data;
    bool was_interrupted; /* its step may be half done: after a crash, or a failed try       */
    bool is_step_done;    /* the step that the row names is done, the next is not entered     */
    bool is_at_end;       /* the steps are done, and the end is to be recorded               */
    bool is_unrecorded;   /* the store refused an entry                                      */
    Error *cause;         /* it has failed, and the journal does not say so yet; else NULL   */
    char *failure;        /* of the try that has just stopped before the end; else NULL      */
    /* The runner's own, under its lock. */
    char *why;        /* the failure of a try before this one; NULL = none */
    bool is_waiting;  /* for its next try, at due_ms */
    bool is_away;     /* it waits outside of its target's queue */
    int64_t began_ms; /* while it runs; else 0 */
    int64_t due_ms;
} Job;

typedef enum JobResult {
    JOB_ENDED,
    JOB_LEFT,  /* in the journal, for the next start */
    JOB_RETRY, /* in the journal, for later          */
} JobResult;

/* Runs an operation from where its row says, to its end or as far as it gets. */
JobResult job_run(Operations *operations, Job *job);

void job_free(Job *job);

/* True when the server stops: no further step is begun. */
bool operations_is_stopping(Operations *operations);

/*
 * One operation at work: the journal, the steps, the undos. For the runner, operation.c, alone.
 */
#pragma once

#include "engine/operation.h"

typedef struct Job {
    Operation operation; /* first: a Job is its Operation */
    const OperationKind *kind;
    OperationEnded ended;
    void *ended_data;
    bool was_interrupted; /* its step may be half done: after a crash, or a failed try */
    bool is_unrecorded;   /* the store refused an entry                              */
    int64_t due_ms;       /* when to try again                                        */
} Job;

typedef enum JobResult {
    JOB_ENDED,
    JOB_LEFT,  /* in the journal, for the next start */
    JOB_RETRY, /* in the journal, for later          */
} JobResult;

/* Runs an operation from where its row says, to its end or as far as it gets. */
JobResult job_run(Operations *operations, Job *job);

/* True when the server stops: no further step is begun. */
bool operations_is_stopping(Operations *operations);

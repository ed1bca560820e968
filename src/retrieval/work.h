/*
 * What the files of this folder share: the one Retrieval, and the work of one of its operations.
 */
#pragma once

#include "engine/instance/instance.h"
#include "operation/operation.h"
#include "retrieval/progress.h"
#include "retrieval/retrieval.h"
#include "retrieval/source.h"

#define RETRIEVAL_TARGET "retrieval" /* of all its operations: one at a time */

typedef enum RetrievalState {
    RETRIEVAL_INACTIVE,
    RETRIEVAL_PENDING,
    RETRIEVAL_FAILED,
    RETRIEVAL_REFRESHING,
    RETRIEVAL_RENEWED,
    RETRIEVAL_SNAPSHOTTING,
    RETRIEVAL_FINISHED,
} RetrievalState;

typedef enum RetrievalSide {
    RETRIEVAL_SOURCE,
    RETRIEVAL_TARGET_SIDE,
} RetrievalSide;

struct Retrieval {
    Engine *engine; /* borrowed */
    Progress *progress;
    GMutex accepting; /* of many requests at once, one begins; its look at pools may be slow */
    GMutex lock;      /* for all below: memory alone */
    RetrievalState state;
    int64_t last_refresh_ms;
    char *pool;          /* name of the one that a refresh begun here goes to; NULL = none begun */
    char *current;       /* uid of the operation begun last; NULL = none since the start */
    json_t *activity[2]; /* by RetrievalSide: sessions that a sampler saw last; NULL = none runs */
};

/* The work of a refresh, or of a snapshot of golden data: what its steps hand on to each other. */
typedef struct Work {
    Config *config;       /* a reference: as it was when the work was loaded    */
    Retrieval *retrieval; /* borrowed: it waits for its operations              */
    Engine *engine;
    Pool *pool;           /* a reference                                        */
    GCancellable *cancel; /* borrowed from the operation                        */
    json_t *args;         /* pool, volume, snapshot; dumps: what undo must know */
    const char *volume;   /* of the golden data; borrowed from args             */
    const char *snapshot_uid;
    char *data_dir;
    Source *source;             /* from the first step on      */
    Installation *installation; /* that the data will run with */
    int64_t data_state_at_ms;
    int64_t logical_size;
    Error *roles_warning; /* what of the source's roles is missing; NULL = nothing */
} Work;

/* Loading for the operations of this folder, whose owner is the Retrieval. */
MUST_CHECK Error *work_load(Operation *operation);
void work_unload(Operation *operation);

/* Before each step: the state and the phase of progress that go with it. */
void work_entered(Operation *operation);

/* Writes work->args into the journal row: they are stored when the next step is entered. */
void work_save_args(Operation *operation);

/* The golden instance of this work, for instance_*(), which come as OWNERS_SYSTEM. */
EngineInstance work_instance(const Work *work);

/* conf_take_over() of the golden data, with access as manager for PostgreSQL's own tools. */
MUST_CHECK Error *work_take_over(const Work *work, const char *manager);

/* An error with the end of the instance's log as its detail. NULL for NULL. */
MUST_CHECK Error *work_with_log(const Work *work, Error *e);

const Config *work_config(const Work *work);

RetrievalState retrieval_state(Retrieval *retrieval);
void retrieval_set_state(Retrieval *retrieval, RetrievalState state);

/* An operation is at a step: from now on the state is its own, whichever was accepted last. */
void retrieval_enter(Retrieval *retrieval, const char *uid, RetrievalState state);

/* An operation is accepted, and the state is its own from now on. pool: a refresh's, else NULL. */
void retrieval_begin(Retrieval *retrieval, const OperationRow *row, RetrievalState state,
                     const char *pool);

/* An operation has ended: its state counts unless a later one has begun. */
void retrieval_end(Retrieval *retrieval, const char *uid, RetrievalState state);
const char *retrieval_state_name(RetrievalState state);

/* Sessions of a side, as PGEvent objects. Takes events; NULL = the side is not looked at any more. */
void retrieval_publish_activity(Retrieval *retrieval, RetrievalSide side, json_t *events);

/* The refresh of the start, for retrieval_start(): recovery may still be at work. */
MUST_CHECK Error *refresh_at_start(Retrieval *retrieval);

/* Which jobs are configured, or ERR_INVALID why no refresh can be made of them. */
MUST_CHECK Error *jobs_check(const Config *config);
bool jobs_has(const Config *config, const char *job);
const char *jobs_mode(const Config *config);

/* Removes all dumps of this work; those that are gone are fine. */
MUST_CHECK Error *dump_discard_all(const Work *work);

/*
 * Asks about each set of PostgreSQL settings in the configuration that is not empty. The first error
 * is returned, with the place of the settings before it.
 */
typedef Error *(*SettingsAsk)(const json_t *settings, void *data);
MUST_CHECK Error *settings_check_all(const Config *config, SettingsAsk ask, void *data);

/* Steps, in the files named after them. */
MUST_CHECK Error *step_check(Operation *operation);          /* check.c    */
MUST_CHECK Error *step_dump(Operation *operation);           /* dump.c     */
MUST_CHECK Error *undo_dump(Operation *operation);           /* dump.c     */
MUST_CHECK Error *step_create_volume(Operation *operation);  /* cluster.c  */
MUST_CHECK Error *undo_create_volume(Operation *operation);  /* cluster.c  */
MUST_CHECK Error *step_create_cluster(Operation *operation); /* cluster.c  */
MUST_CHECK Error *step_start(Operation *operation);          /* cluster.c  */
MUST_CHECK Error *undo_start(Operation *operation);          /* cluster.c  */
MUST_CHECK Error *step_analyze(Operation *operation);        /* cluster.c  */
MUST_CHECK Error *step_stop(Operation *operation);           /* cluster.c  */
MUST_CHECK Error *step_restore(Operation *operation);        /* restore.c  */
MUST_CHECK Error *step_make_ready(Operation *operation);     /* golden.c   */
MUST_CHECK Error *step_take_snapshot(Operation *operation);  /* golden.c   */
MUST_CHECK Error *undo_take_snapshot(Operation *operation);  /* golden.c   */

extern const OperationKind refresh_kind; /* refresh.c  */
extern const OperationKind golden_kind;  /* golden.c   */

/*
 * Retrieval: renews the golden data of a pool from the source, by the jobs of the configuration,
 * and takes snapshots of it. A refresh builds the new data beside the old: clones and the last good
 * snapshot stay in service until the new one is ready, and also when it fails.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"
#include "operation/operation.h"
#include "store/snapshot.h"

typedef struct Retrieval Retrieval;

/*
 * retrieval_check_config - what a refresh would refuse of a configuration, as far as that can be
 * told without a server and a source. PostgreSQL is asked about its settings, and not started.
 *
 *   ret_left_out   why settings were not asked about; NULL = they were. Constant
 *
 * Errors: ERR_INVALID jobs that make no refresh, a setting that no PostgreSQL here takes;
 *         ERR_NOT_FOUND none in one of postgres.binDirs.
 */
MUST_CHECK Error *retrieval_check_config(const Config *config, const char **ret_left_out);

/* Registers the kinds of operations that retrieval brings: call it before engine_recover(). */
MUST_CHECK Error *retrieval_open(Engine *engine, Retrieval **ret_retrieval);

/*
 * retrieval_start - after recovery: begin the refresh of the start. None when the configuration
 * skips it, when it has no jobs, when there is a snapshot already, or while the store is held. One
 * that cannot begin is no error: the state is "failed", and an alert says why.
 */
MUST_CHECK Error *retrieval_start(Retrieval *retrieval);

/*
 * retrieval_close - stop what runs (its tools are stopped, its steps undone) and wait for that.
 * Call it before engine_close(). What could not be undone stays in the journal.
 */
void retrieval_close(Retrieval *retrieval);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Retrieval, retrieval_close)

/*
 * retrieval_refresh - begin a full refresh; it goes on by itself.
 *
 * Errors: ERR_CONFLICT one is under way (the contract's message; alert refresh_skipped is raised);
 *         ERR_INVALID no jobs, or jobs that make no refresh (hint); ERR_NOT_FOUND `no available
 *         pools`.
 */
MUST_CHECK Error *retrieval_refresh(Retrieval *retrieval);

/*
 * retrieval_snapshot - begin a new snapshot of a pool's golden data.
 *
 *   pool_name      "" or NULL = the active pool
 *   ended          told when it is over; may be NULL
 *   ret_snapshot   the row that will be ready then; caller frees
 *
 * Errors: ERR_NOT_FOUND no such pool, or no data in it; ERR_INVALID `no jobs to snapshot pool
 *         data`; ERR_CONFLICT `pool is not ready to take a snapshot: <status>`, `snapshot <id>
 *         already exists`.
 */
MUST_CHECK Error *retrieval_snapshot(Retrieval *retrieval, const char *pool_name,
                                     OperationEnded ended, void *data, Snapshot **ret_snapshot);

/* True while a refresh runs that goes to this pool. */
bool retrieval_is_refreshing(Retrieval *retrieval, const char *pool);

typedef struct RetrievalProgress {
    char *phase;                       /* text of the step: "restoring" */
    char *database;                    /* the one worked on; "" = none */
    char *object;                      /* the last table or index begun; "" = none */
    double percent;                    /* of the whole refresh, 0..100; never goes back */
    int64_t bytes_done, bytes_total;   /* of this phase, in bytes as the source counts them */
    int64_t tables_done, tables_total; /* of this phase */
    int64_t started_at_ms;
} RetrievalProgress;

typedef struct RetrievalStatus {
    const char *mode;        /* "logical", "physical", "unknown"  */
    const char *status;      /* a word of the contract: status.c  */
    int64_t last_refresh_ms; /* start of the last one; 0 = never  */
    int64_t next_refresh_ms; /* by the timetable; 0 = none        */
    bool has_progress;       /* a job runs: progress is filled in */
    RetrievalProgress progress;
} RetrievalStatus;

void retrieval_status_clear(RetrievalStatus *status);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RetrievalStatus, retrieval_status_clear)

/* From memory, at once. Alerts are in the store. Clear it with retrieval_status_clear(). */
void retrieval_status(Retrieval *retrieval, RetrievalStatus *ret_status);

/*
 * retrieval_activity - the job's own sessions at the source and in the data being loaded, as they were a second ago at
 * most: {"source": [PGEvent…], "target": [PGEvent…]}. A side that is not in use or does not answer is [].
 *
 *   ret_activity   caller decrefs; NULL while no job runs
 *
 * Cost: none; from memory.
 */
void retrieval_activity(Retrieval *retrieval, json_t **ret_activity);

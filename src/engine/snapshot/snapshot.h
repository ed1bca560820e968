/*
 * Snapshots: naming, taking one of a clone, deleting, retiring old ones.
 */
#pragma once

#include "engine/engine.h"
#include "operation/operation.h"
#include "store/snapshot.h"

/* "<place>@snapshot_<stamp of that time>"; place: a pool, or a clone in one. Caller frees. */
char *snapshot_public_id(const char *place, int64_t at_ms);

/*
 * snapshot_insert - enter one under an id of its place and the time of its data. Stamps have
 * seconds and are used once on a server: the next free second is taken, so that nobody has to wait.
 *
 *   snapshot   gets the id, and the time that is in it
 *
 * Errors: ERR_CONFLICT none is free within a minute.
 */
MUST_CHECK Error *snapshot_insert(Store *store, Snapshot *snapshot, const char *place);

/* ERR_INVALID `invalid snapshot ID given: "<id>"`. */
MUST_CHECK Error *snapshot_check_id(const char *id);

/* Is the pool that a well-formed id begins with available? ERR_INVALID `pool manager not …`. */
MUST_CHECK Error *snapshot_check_pool(Engine *engine, const char *id);

/* Of a request: the id, then the pool. */
MUST_CHECK Error *snapshot_check_request(Engine *engine, const char *id);

/*
 * Public ids of the clones that need it: those made from it, and those that a reset under way leads
 * to it, or may lead back. GPtrArray of char *; caller unrefs.
 */
MUST_CHECK Error *snapshot_list_users(Store *store, const char *uid, GPtrArray **ret_ids);

/* The manifest of a snapshot about to be taken. Caller frees. */
Manifest *snapshot_manifest(const Snapshot *snapshot);

/*
 * engine_snapshot_clone - begin to take a snapshot of a clone's present data.
 *
 *   ended          told when it is done; may be NULL
 *   ret_snapshot   the row that will be ready then; caller frees
 *
 * Errors: ERR_NOT_FOUND `clone not found`; ERR_CONFLICT the clone is not OK, or a snapshot of this
 *         second exists.
 */
MUST_CHECK Error *engine_snapshot_clone(Engine *engine, const char *clone_id, const char *message,
                                        OperationEnded ended, void *data, Snapshot **ret_snapshot);

/*
 * engine_delete_snapshot - begin to destroy a snapshot: from now on it is not offered any more.
 *
 *   is_forced   with the clones that were made of it, unless one is protected
 *   ended       told when it is done, or has failed for the first time; may be NULL
 *
 * Errors: ERR_INVALID no id of a snapshot; ERR_NOT_FOUND; ERR_CONFLICT automatic, protected, or
 *         clones depend on it (the contract's messages).
 */
MUST_CHECK Error *engine_delete_snapshot(Engine *engine, const char *id, bool is_forced,
                                         OperationEnded ended, void *data);

/* Inside a transaction: from here on no clone can be made of it. Submit the row when it is committed. */
MUST_CHECK Error *snapshot_begin_delete(Engine *engine, const Snapshot *snapshot,
                                        OperationRow **ret_row);

/* Is it offered, and has the time come that it is to be deleted at? */
bool snapshot_is_due(const Snapshot *snapshot);

/*
 * engine_delete_due_snapshot - the same without force for one that was seen to be due, if it still is:
 * its time may have been taken back.
 *
 * Errors: ERR_CONFLICT as above; those of engine_need_pool().
 */
MUST_CHECK Error *engine_delete_due_snapshot(Engine *engine, const Snapshot *seen,
                                             bool *ret_is_begun);

/*
 * After a new snapshot is ready: begins to destroy the older automatic ones of its pool that nobody
 * uses or protects.
 */
MUST_CHECK Error *engine_retire_snapshots(Engine *engine, const Snapshot *newest);

typedef struct SnapshotUpdate {
    bool has_protected, is_protected;
    bool has_duration;
    int64_t duration_minutes;
    bool has_delete_at;
    int64_t delete_at_ms;
} SnapshotUpdate;

/*
 * engine_update_snapshot - protect, unprotect, or schedule the deletion, which end each other.
 *
 *   ret_snapshot   as it is now; caller frees
 *
 * Errors: ERR_INVALID nothing to change, or both at once; ERR_NOT_FOUND; ERR_CONFLICT a deletion of
 *         an automatic snapshot, or of another program's.
 */
MUST_CHECK Error *engine_update_snapshot(Engine *engine, const char *id,
                                         const SnapshotUpdate *update, Snapshot **ret_snapshot);

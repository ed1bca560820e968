/*
 * What can be asked of clones. Each call checks the request completely, records it durably and
 * returns; the work is an operation that goes on by itself.
 */
#pragma once

#include <jansson.h>

#include "engine/engine.h"
#include "engine/operation.h"
#include "store/clone.h"

extern const OperationKind clone_create_kind;
extern const OperationKind clone_reset_kind;
extern const OperationKind clone_destroy_kind;

typedef struct CloneRequest {
    const char *id;          /* "" = make one                       */
    const char *snapshot_id; /* "" = the head of the branch         */
    const char *branch;      /* "" = main                           */
    const char *username;
    const char *password;
    const char *db_name; /* "" = the management database        */
    bool is_restricted;
    const json_t *extra_conf; /* object of settings, or NULL        */
    bool is_protected;
    bool has_duration;
    int64_t duration_minutes;
} CloneRequest;

/*
 * Errors: ERR_INVALID what is wrong in the request (messages of the contract); ERR_NOT_FOUND no
 * such snapshot or branch; ERR_CONFLICT `clone with ID "x" already exists`; ERR_BUSY no free port;
 * ERR_NO_SPACE.
 */
MUST_CHECK Error *engine_create_clone(Engine *engine, const CloneRequest *request,
                                      Clone **ret_clone);

/* snapshot_id "" and not latest: the snapshot it was made from. */
MUST_CHECK Error *engine_reset_clone(Engine *engine, const char *id, const char *snapshot_id,
                                     bool latest);

/* ERR_NOT_FOUND `clone not found`; ERR_CONFLICT `clone is protected`. */
MUST_CHECK Error *engine_destroy_clone(Engine *engine, const char *id);

MUST_CHECK Error *engine_protect_clone(Engine *engine, const char *id, bool is_protected,
                                       bool has_duration, int64_t duration_minutes,
                                       Clone **ret_clone);

/* Protected now: the flag is set and has not expired. */
bool clone_is_protected_now(const Clone *clone);

/* Bytes that the clone alone holds, from the storage where that is cheap, else the last estimate.
 */
uint64_t engine_clone_diff_bytes(Engine *engine, const Clone *clone);

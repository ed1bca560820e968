/*
 * What can be asked of clones. Each call checks the request completely, records it durably and
 * returns; the work is an operation that goes on by itself.
 */
#pragma once

#include <jansson.h>

#include "engine/engine.h"
#include "operation/operation.h"
#include "store/clone.h"

typedef struct CloneRequest {
    const char *id;          /* "" = make one                 */
    const char *snapshot_id; /* "" = the newest of the branch */
    const char *branch;      /* "" = main                     */
    const char *username;
    const char *password;
    const char *db_name; /* "" = the management database */
    bool is_restricted;
    const json_t *extra_conf; /* object of settings, or NULL */
    const json_t *limits;     /* narrower than the configuration's, or NULL; see limits.h */
    bool is_protected;
    bool has_duration;
    int64_t duration_minutes;
} CloneRequest;

/*
 * engine_create_clone - check a request, record it durably, and let the work begin.
 *
 *   ret_clone   as recorded, CREATING; caller frees
 *
 * Errors: ERR_INVALID what is wrong in the request, no such branch (messages of the contract);
 *         ERR_NOT_FOUND no such snapshot, its pool or its PostgreSQL is not here; ERR_CONFLICT
 *         `clone with ID "x" already exists`; ERR_BUSY no free port; ERR_NO_SPACE.
 */
MUST_CHECK Error *engine_create_clone(Engine *engine, const CloneRequest *request,
                                      Clone **ret_clone);

/*
 * engine_reset_clone - put a clone on a fresh volume; its id, port and users stay.
 *
 *   snapshot_id   "" = the snapshot it was made from
 *   latest        the newest of all in its place
 *
 * Errors: ERR_NOT_FOUND no such clone or snapshot; ERR_CONFLICT the clone is not OK; ERR_INVALID
 *         the snapshot is in another pool (hint).
 */
MUST_CHECK Error *engine_reset_clone(Engine *engine, const char *id, const char *snapshot_id,
                                     bool latest);

/*
 * engine_destroy_clone - protection does not keep a FATAL clone. One that goes already is success.
 *
 * Errors: ERR_NOT_FOUND `clone not found`; ERR_CONFLICT `clone is protected` (hint).
 */
MUST_CHECK Error *engine_destroy_clone(Engine *engine, const char *id);

/* Is what was seen of a clone still so? seen is the caller's. Asked in the transaction that decides. */
typedef Error *(*CloneStill)(Engine *engine, const Clone *clone, const void *seen, bool *ret_is_so);

/*
 * engine_destroy_clone_if - for those who go by an earlier look, after which another clone may have got
 * the id: this one, by its uid, if what was seen is still so. Else nothing is done.
 *
 * Errors: ERR_CONFLICT `clone is protected` (hint).
 */
MUST_CHECK Error *engine_destroy_clone_if(Engine *engine, const char *uid, CloneStill is_so,
                                          const void *seen, bool *ret_is_begun);

/*
 * engine_protect_clone - protect or unprotect; the configured maximum cuts the duration.
 *
 *   has_duration       false = the configured lease
 *   duration_minutes   0 = no end
 *   ret_clone          as it is now; caller frees
 *
 * Errors: ERR_NOT_FOUND.
 */
MUST_CHECK Error *engine_protect_clone(Engine *engine, const char *id, bool is_protected,
                                       bool has_duration, int64_t duration_minutes,
                                       Clone **ret_clone);

/* Its data can be used: it is OK, or its reset has failed, and its postgres runs. */
bool engine_clone_serves(Engine *engine, const Clone *clone);

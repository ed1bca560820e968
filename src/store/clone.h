/*
 * Clones as the store knows them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "store/store.h"

typedef enum CloneState {
    CLONE_CREATING,
    CLONE_OK,
    CLONE_RESETTING,
    CLONE_DELETING,
    CLONE_FATAL,
} CloneState;

/* "CREATING", "OK", …: the words of the API. */
const char *clone_state_name(CloneState state);

/* Sets of states, for what a caller expects: CLONE_IN(OK) | CLONE_IN(FATAL). */
#define CLONE_IN(state) (1u << CLONE_##state)

/* One row; strings are owned by it. */
typedef struct Clone {
    char *uid; /* ours, never reused: names the instance, its directories and its first volume */
    char *id;  /* the user's name for it, unique */
    CloneState state;
    char *message; /* of the state: the cause of FATAL; a remark about what is OK */
    char *
        reset_error; /* why its last reset has failed: it stays FATAL, and is run; "" = it has not */
    char *snapshot_uid; /* it was made from this one */
    char *pool;
    char *volume; /* name in the pool; changes with each reset */
    char *branch;
    int64_t revision;
    int64_t port;
    char *db_user;
    char *db_secret; /* SCRAM-SHA-256 verifier (9.6: md5); the password itself is kept nowhere */
    char *db_name;   /* as requested; "" = the management database */
    bool is_restricted;
    char *extra_conf; /* JSON object of PostgreSQL settings */
    bool is_protected;
    int64_t protected_till_ms; /* 0 = no expiry */
    int64_t created_at_ms;
    int64_t started_at_ms; /* last time it became OK; 0 = never */
    double cloning_time_s; /* 0 until OK */
    char *limits;          /* JSON object: its own, in the words of provision.containerConfig */
} Clone;

Clone *clone_new(void);
void clone_free(Clone *clone);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Clone, clone_free)

/*
 * Errors: ERR_CONFLICT the id or the port is taken (message: which; port 0 is none yet);
 *         ERR_NOT_FOUND no snapshot of snapshot_uid.
 */
MUST_CHECK Error *store_insert_clone(Store *store, const Clone *clone);

/* By the user's id or by uid. ERR_NOT_FOUND `clone not found`. Caller frees. */
MUST_CHECK Error *store_get_clone(Store *store, const char *id, Clone **ret_clone);
MUST_CHECK Error *store_get_clone_by_uid(Store *store, const char *uid, Clone **ret_clone);

/* All, newest first: GPtrArray of Clone * (frees its elements); caller unrefs. */
MUST_CHECK Error *store_list_clones(Store *store, GPtrArray **ret_clones);

/*
 * What changes of a clone, each in a statement of its own: what another request has set meanwhile
 * stays. Errors of all: ERR_NOT_FOUND `clone not found`.
 */

/* It serves from now on; what it was made of is known from before. cloning_time_s < 0 = as it is. */
MUST_CHECK Error *store_start_clone(Store *store, const char *uid, int64_t started_at_ms,
                                    double cloning_time_s);

/* Its data. ERR_NOT_FOUND no such snapshot, too. */
MUST_CHECK Error *store_set_clone_volume(Store *store, const char *uid, const char *pool,
                                         const char *volume, const char *snapshot_uid);

MUST_CHECK Error *store_set_clone_protection(Store *store, const char *uid, bool is_protected,
                                             int64_t protected_till_ms);

/* limits: JSON object. */
MUST_CHECK Error *store_set_clone_limits(Store *store, const char *uid, const char *limits);

/* A message of the state that it is in: the state stays. */
MUST_CHECK Error *store_set_clone_message(Store *store, const char *uid, const char *message);

/* Why its last reset has failed; "" = it has not. */
MUST_CHECK Error *store_set_clone_reset_error(Store *store, const char *uid, const char *reason);

/*
 * store_move_clone - the one way to change a state, checked against the table of allowed moves.
 *
 *   from      the states that the caller expects, a set of CLONE_IN()
 *   message   of the new state; NULL = ""
 *
 * Errors: ERR_CONFLICT `clone "ci-7" is DELETING and cannot become RESETTING`, also when the table
 *         allows it and the caller does not expect it; ERR_NOT_FOUND; ERR_BUSY another process was
 *         quicker.
 */
MUST_CHECK Error *store_move_clone(Store *store, const char *uid, unsigned from, CloneState to,
                                   const char *message);

/* Does a clone, of whatever state, have its data in this volume? */
MUST_CHECK Error *store_is_clone_volume(Store *store, const char *pool, const char *volume,
                                        bool *ret_is);

typedef enum CloneWanted {
    CLONE_WANTED_GONE, /* it is being destroyed                                                      */
    CLONE_WANTED_REST, /* not made yet, or given up: nobody starts it but an operation on it         */
    CLONE_WANTED_SWAP, /* being reset: what runs serves on until the new data does                   */
    CLONE_WANTED_RUN, /* OK, or FATAL as a reset has failed, whose data of before serves on         */
} CloneWanted;

/* What is wanted of its postgres, for all who start, watch, let in or judge it. */
CloneWanted clone_wanted(const Clone *clone);

/* A missing row is success. */
MUST_CHECK Error *store_delete_clone(Store *store, const char *uid);

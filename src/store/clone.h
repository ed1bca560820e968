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

/* One row; strings are owned by it. */
typedef struct Clone {
    char *uid; /* ours, never reused: names the instance, its directories and its first volume */
    char *id;  /* the user's name for it, unique */
    CloneState state;
    char *message;      /* of the state: the cause of FATAL */
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
    int64_t active_at_ms;  /* last seen in use */
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
 * Writes all fields of an existing row but uid, id, created_at_ms, and state and message: those are
 * for store_move_clone().
 *
 * Errors: ERR_NOT_FOUND no such clone, or snapshot; ERR_CONFLICT the port is taken.
 */
MUST_CHECK Error *store_update_clone(Store *store, const Clone *clone);

/* Only the activity time: for many clones, often. A missing clone is success. */
MUST_CHECK Error *store_touch_clone(Store *store, const char *uid, int64_t active_at_ms);

/*
 * store_move_clone - the one way to change a state, checked against the table of allowed moves.
 *
 *   message   of the new state; NULL = ""
 *
 * Errors: ERR_CONFLICT `clone "ci-7" is DELETING and cannot become RESETTING`; ERR_NOT_FOUND;
 *         ERR_BUSY another process was quicker.
 */
MUST_CHECK Error *store_move_clone(Store *store, const char *uid, CloneState to,
                                   const char *message);

/* Does a clone, of whatever state, have its data in this volume? */
MUST_CHECK Error *store_is_clone_volume(Store *store, const char *pool, const char *volume,
                                        bool *ret_is);

/* A missing row is success. */
MUST_CHECK Error *store_delete_clone(Store *store, const char *uid);

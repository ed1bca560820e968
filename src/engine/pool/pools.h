/*
 * The set of pools. On record are those that were made with "rametd pool create"; each is available
 * or it is not (not mounted, image missing, damaged), and what is in it waits. A pool that has gone
 * is noticed at the next use, which asks for a look, and by a look every 30 s, which also takes what
 * was mounted meanwhile. An image is mounted at the start and on SIGHUP alone: it may be out of use
 * because somebody mends it.
 */
#pragma once

#include "engine/engine.h"
#include "store/clone.h"
#include "store/snapshot.h"

typedef struct Pools Pools;

/* A pool on record as it was a moment ago. Its strings and its pool are the status's own. */
typedef struct PoolStatus {
    char *name;
    char *driver;
    char *image; /* "" = somebody else mounts it */
    Pool *pool;  /* NULL = not available */
    char *error; /* why it is not; "" when it is */
    char *hint;
    bool is_left_out; /* by poolManager.selectedPool: not an error */
    unsigned n_clones;
    int64_t data_state_at_ms; /* of its latest golden snapshot; 0 = it has none */
    int64_t logical_size;     /* of that */
} PoolStatus;

Pools *pools_new(Engine *engine);

/* Ends the background looks; what operations use stays open until pools_free(). */
void pools_stop(Pools *pools);
void pools_free(Pools *pools);

/* The first look, when nothing runs yet. A pool that cannot be opened is logged and waited for. */
MUST_CHECK Error *pools_open(Pools *pools);

/* From now on looks are taken in the background; not for an engine that only looks. */
MUST_CHECK Error *pools_watch(Pools *pools);

/* Asks for a look now, with all that the start does; it says in the log what it found. */
void engine_reload_pools(Engine *engine);

/* For rotation.c: the statuses without what the store knows, in no order. Caller unrefs. */
GPtrArray *pools_statuses(Pools *pools, bool with_left_out);

/*
 * engine_list_pools - all pools on record but those left out, in the order of the rotation: latest
 * data first, so the first is the active one; those not available at the end.
 *
 *   ret_pools   GPtrArray of PoolStatus *; caller unrefs
 */
MUST_CHECK Error *engine_list_pools(Engine *engine, GPtrArray **ret_pools);

/* The same as the last look found it: from memory, for requests. */
MUST_CHECK Error *engine_show_pools(Engine *engine, GPtrArray **ret_pools);

/* The same with those left out, for the doctor. */
MUST_CHECK Error *engine_list_all_pools(Engine *engine, GPtrArray **ret_pools);

/*
 * engine_find_pool - one pool, if it is available.
 *
 *   ret_pool   a reference; caller closes with storage_close_pool()
 *
 * Errors: ERR_NOT_FOUND `pool "x" is not available: …` (hint).
 */
MUST_CHECK Error *engine_find_pool(Engine *engine, const char *name, Pool **ret_pool);

/*
 * The same for operations: ERR_EXTERNAL, as a pool may come back and its operations wait for it;
 * ERR_NOT_FOUND when it is on no record any more.
 */
MUST_CHECK Error *engine_await_pool(Engine *engine, const char *name, Pool **ret_pool);

/*
 * For a request that needs the pool of a clone: ERR_CONFLICT with a hint when it is not available,
 * as the clone is not gone.
 */
MUST_CHECK Error *engine_need_pool(Engine *engine, const char *name);

/* Is it available? Cost: two stat(2). */
bool engine_has_pool(Engine *engine, const char *name);

/* Was it at the last look? From memory. */
bool engine_had_pool(Engine *engine, const char *name);

/* The first pool of the rotation, a reference. ERR_NOT_FOUND `no available pools` (hint). */
MUST_CHECK Error *engine_active_pool(Engine *engine, Pool **ret_pool);

/* The pool that a refresh goes to (pool/choice.h), a reference. ERR_NOT_FOUND as above. */
MUST_CHECK Error *engine_refresh_pool(Engine *engine, Pool **ret_pool);

/*
 * engine_latest_snapshot - the latest golden data in a pool that is available.
 *
 *   branch   NULL = any
 *
 * Errors: ERR_NOT_FOUND `no snapshot found` (hint when it is in a pool that is not available).
 */
MUST_CHECK Error *engine_latest_snapshot(Engine *engine, const char *branch,
                                         Snapshot **ret_snapshot);

/* The same as the last look found the pools: from memory and the store; NULL = there is none. */
MUST_CHECK Error *engine_show_latest_snapshot(Engine *engine, const char *branch,
                                              Snapshot **ret_snapshot);

/*
 * Why a clone that should run does not: its pool was not available at the last look. NULL = it was;
 * caller frees.
 */
char *engine_clone_waits_for(Engine *engine, const Clone *clone);

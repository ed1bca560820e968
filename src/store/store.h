/*
 * The store: what Ramet knows, in one SQLite file in WAL mode under the state directory. There is
 * one connection behind one recursive lock. Reads take microseconds, and writes are short. While a
 * transaction is open, nobody waits for anything outside: a program, a file, PostgreSQL.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

typedef struct Store Store;

typedef enum StoreMode {
    STORE_READ_WRITE, /* creates and migrates as needed; one server at a time (lock file) */
    STORE_SHARED,     /* read and write beside a running server (pool create); no migration */
    STORE_READ_ONLY,  /* for commands that only look: --doctor, pool list, check and grow */
} StoreMode;

/*
 * store_open - open <state_dir>/ramet.db (0600).
 *
 * If <state_dir>/ramet.epoch has seen a later store, this one is opened and refuses all changes:
 * see store_refusal().
 *
 * Errors: ERR_CONFLICT another rametd has it (STORE_READ_WRITE; hint); ERR_NOT_FOUND no such store
 *         (the other modes); ERR_EXTERNAL it is unreadable, damaged, of another program, from a
 *         newer version, or missing although ramet.epoch has seen one (hint: what to do).
 */
MUST_CHECK Error *store_open(const char *state_dir, StoreMode mode, Store **ret_store);

/*
 * store_accept - take the store for the truth as it is, however old. If it is missing, begin an
 * empty one. The epoch leaps over all that any witness can have seen. Call it while no server runs.
 *
 * Errors: those of store_open().
 */
MUST_CHECK Error *store_accept(const char *state_dir);
void store_close(Store *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Store, store_close)

/*
 * A transaction holds the store's lock from its begin to its end. Leaving the scope of the autoptr
 * without store_commit() rolls back. Transactions do not nest.
 *
 * What a durable transaction has changed is on disk when commit returns: use it for what a client
 * is told (accepted, OK, gone). What a quick one has changed survives the end of the process, but
 * not a power cut.
 *
 * A single call of another header takes part in the transaction that is open on this thread. If
 * none is open, the call is a quick transaction of its own.
 */
typedef enum StoreDurability {
    STORE_QUICK,
    STORE_DURABLE,
    STORE_ACCEPTING, /* durable, begins something new: ERR_NO_SPACE on a disk nearly full */
} StoreDurability;

typedef struct StoreTransaction StoreTransaction;
MUST_CHECK Error *store_begin(Store *store, StoreDurability durability, StoreTransaction **ret_tx);

/*
 * store_commit - end the transaction and keep its changes. *tx is NULL afterwards, also on failure.
 *
 * Errors: ERR_NO_SPACE; ERR_EXTERNAL, also when the store's files were deleted and could not be
 *         written anew: from then on the store refuses all changes.
 */
MUST_CHECK Error *store_commit(StoreTransaction **tx);
void store_rollback(StoreTransaction *tx);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreTransaction, store_rollback)

/*
 * The epoch is a number in the store that grows with each durable commit. A witness is a number
 * outside of the store that follows the epoch: <state_dir>/ramet.epoch, and one in each pool.
 */
MUST_CHECK Error *store_get_epoch(Store *store, int64_t *ret_epoch);

/*
 * store_heed - hear what a witness has seen. An older store refuses all changes from now on.
 *
 * Errors: db_query()'s.
 */
MUST_CHECK Error *store_heed(Store *store, const char *witness, int64_t seen);

/* Why the store takes no changes: message and hint; NULL = it takes them. Caller frees. */
Error *store_refusal(Store *store);

/*
 * store_look - check that the store's files are still there, and that their disk has room. Each
 * durable transaction does so, too.
 *
 * Files that were deleted are written anew from what the open store holds. If another ramet.db lies
 * in their place, the store refuses all changes and saves what it holds beside it.
 *
 *   ret_rescues   how often the files were written anew since the store was opened
 *
 * Cost: microseconds. Errors: ERR_NO_SPACE as STORE_ACCEPTING gives it.
 */
MUST_CHECK Error *store_look(Store *store, unsigned *ret_rescues);

/* Small facts by name ("instance_id", "started_at"): NULL value when absent. Caller frees. */
MUST_CHECK Error *store_get_fact(Store *store, const char *name, char **ret_value);
MUST_CHECK Error *store_set_fact(Store *store, const char *name, const char *value);

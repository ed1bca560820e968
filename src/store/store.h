/*
 * The store: what Ramet knows, in one SQLite file in WAL mode under the state directory. One
 * connection behind one recursive lock: reads take microseconds, writes are short. Nothing outside
 * (a program, a file, PostgreSQL) is ever waited for while a transaction is open.
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
 * A store that is older than <state_dir>/ramet.epoch says is opened, and refuses all changes:
 * store_refusal().
 *
 * Errors: ERR_CONFLICT another rametd has it (STORE_READ_WRITE; hint); ERR_NOT_FOUND no such store
 *         (the other modes); ERR_EXTERNAL unreadable, damaged, missing though there was one, of
 *         another program or from a newer version (hint: what to do).
 */
MUST_CHECK Error *store_open(const char *state_dir, StoreMode mode, Store **ret_store);

/*
 * store_accept - take the store as it is for the truth, however old, or begin an empty one where it
 * is missing. Its epoch leaps over all that any witness can have seen. Not beside a running server.
 *
 * Errors: those of store_open().
 */
MUST_CHECK Error *store_accept(const char *state_dir);
void store_close(Store *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Store, store_close)

/*
 * A transaction holds the store's lock from begin to its end. Leaving the scope of the autoptr
 * without store_commit() rolls back. Durable: what a client is told (accepted, OK, gone) is on disk
 * when commit returns; quick: it survives the end of the process, not of the power. Transactions do
 * not nest. Single calls of the other headers are quick transactions of their own when no
 * transaction is open on this thread, and part of it otherwise.
 */
typedef enum StoreDurability {
    STORE_QUICK,
    STORE_DURABLE,
    STORE_ACCEPTING, /* durable, and begins something new: ERR_NO_SPACE while the disk is nearly full */
} StoreDurability;

typedef struct StoreTransaction StoreTransaction;
MUST_CHECK Error *store_begin(Store *store, StoreDurability durability, StoreTransaction **ret_tx);

/*
 * Takes the transaction: *tx is NULL afterwards in any case.
 *
 * Errors: ERR_NO_SPACE; ERR_EXTERNAL, also when it was written to files that had been deleted, and
 *         they could not be written anew: the store is held then.
 */
MUST_CHECK Error *store_commit(StoreTransaction **tx);
void store_rollback(StoreTransaction *tx);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreTransaction, store_rollback)

/*
 * The epoch grows with each durable commit. A witness is a number outside of the store that follows
 * it: <state_dir>/ramet.epoch, and one in each pool.
 */
MUST_CHECK Error *store_get_epoch(Store *store, int64_t *ret_epoch);

/* What a witness has seen. Is the store older, it refuses all changes from now on. Errors: db_run()'s. */
MUST_CHECK Error *store_heed(Store *store, const char *witness, int64_t seen);

/* Why the store takes no changes: message and hint; NULL = it takes them. Caller frees. */
Error *store_refusal(Store *store);

/*
 * store_look - are the store's files still there, and is there room on their disk?
 *
 * Files that were deleted are written anew, from what the open store holds. Where another ramet.db
 * lies in its place the store refuses all changes, and what it holds is saved beside it. That is asked
 * with each durable transaction, too.
 *
 *   ret_rescues   how often the files were written anew since the store was opened
 *
 * Cost: microseconds. Errors: ERR_NO_SPACE as STORE_ACCEPTING gives it.
 */
MUST_CHECK Error *store_look(Store *store, unsigned *ret_rescues);

/* Small facts by name ("instance_id", "started_at"): NULL value when absent. Caller frees. */
MUST_CHECK Error *store_get_fact(Store *store, const char *name, char **ret_value);
MUST_CHECK Error *store_set_fact(Store *store, const char *name, const char *value);

/*
 * The store: what Ramet knows, in one SQLite file in WAL mode under the state directory. One
 * connection behind one recursive lock: reads take microseconds, writes are short. Nothing outside
 * (a program, a file, PostgreSQL) is ever waited for while a transaction is open.
 */
#pragma once

#include "base/error.h"

typedef struct Store Store;

typedef enum StoreMode {
    STORE_READ_WRITE, /* creates and migrates as needed; one server at a time (lock file) */
    STORE_SHARED,     /* read and write beside a running server (pool create); no migration */
    STORE_READ_ONLY,  /* for rametd --doctor */
} StoreMode;

/*
 * store_open - open <state_dir>/ramet.db (0600).
 *
 * Errors: ERR_CONFLICT another rametd has it (STORE_READ_WRITE; hint); ERR_NOT_FOUND no such store
 *         (the other modes); ERR_EXTERNAL unreadable, damaged or from a newer version (hint: what
 *         to do).
 */
MUST_CHECK Error *store_open(const char *state_dir, StoreMode mode, Store **ret_store);
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
} StoreDurability;

typedef struct StoreTransaction StoreTransaction;
MUST_CHECK Error *store_begin(Store *store, StoreDurability durability, StoreTransaction **ret_tx);

/* Takes the transaction: *tx is NULL afterwards in any case. Errors: ERR_NO_SPACE; ERR_EXTERNAL. */
MUST_CHECK Error *store_commit(StoreTransaction **tx);
void store_rollback(StoreTransaction *tx);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreTransaction, store_rollback)

/* Small facts by name ("instance_id", "started_at"): NULL value when absent. Caller frees. */
MUST_CHECK Error *store_get_fact(Store *store, const char *name, char **ret_value);
MUST_CHECK Error *store_set_fact(Store *store, const char *name, const char *value);

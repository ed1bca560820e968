/*
 * SQLite behind a small face: the only user of sqlite3.h. Statements are prepared once and cached
 * by the address of their (constant) text; values are always parameters.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "store/store.h"

typedef struct Db Db;
typedef struct DbRow DbRow; /* valid inside the callback only */

/* Errors: those of db_run(); ERR_EXTERNAL also when the file is damaged (hint). */
MUST_CHECK Error *db_open(const char *path, StoreMode mode, Db **ret_db);
void db_close(Db *db);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Db, db_close)

/*
 * One statement with its parameters, in order, ended by DB_END:
 *   db_run(db, "UPDATE clone SET port = ? WHERE uid = ?", DB_INT(port), DB_TEXT(uid), DB_END)
 */
typedef struct DbValue {
    enum {
        DB_TYPE_END,
        DB_TYPE_INT,
        DB_TYPE_TEXT,
        DB_TYPE_REAL
    } type;
    int64_t integer;
    double real;
    const char *text; /* NULL = SQL NULL */
} DbValue;

#define DB_INT(v)  ((DbValue){.type = DB_TYPE_INT, .integer = (int64_t)(v)})
#define DB_TEXT(v) ((DbValue){.type = DB_TYPE_TEXT, .text = (v)})
#define DB_REAL(v) ((DbValue){.type = DB_TYPE_REAL, .real = (v)})
#define DB_END     ((DbValue){.type = DB_TYPE_END})

/*
 * Errors: ERR_CONFLICT a unique or foreign key (detail: which, in SQLite's words); ERR_NO_SPACE
 *         disk full; ERR_BUSY another process is writing; ERR_EXTERNAL other (detail: SQLite's;
 *         hint).
 */
MUST_CHECK Error *db_run(Db *db, const char *sql, ...);

/* The same with its values in an array, ended by DB_END. */
MUST_CHECK Error *db_run_values(Db *db, const char *sql, const DbValue *values);

/* Calls each() for each row; its error stops the query and is returned. */
typedef Error *(*DbEach)(const DbRow *row, void *data);
MUST_CHECK Error *db_query(Db *db, const char *sql, DbEach each, void *data, ...);

int64_t db_row_int(const DbRow *row, int column);
double db_row_real(const DbRow *row, int column);
const char *db_row_text(const DbRow *row, int column); /* NULL for SQL NULL; borrowed */
char *db_row_dup(const DbRow *row, int column);        /* a copy; caller frees */

/* Rows changed by the last db_run on this connection. */
int db_changes(Db *db);

/* Runs text of several statements (migrations). */
MUST_CHECK Error *db_script(Db *db, const char *sql);

/*
 * A transaction takes the write lock of the file at once. Durable: commit waits until it is on
 * disk. When SQLite itself has given a transaction up (disk full), what follows fails until
 * db_rollback(). Errors: those of db_run().
 */
MUST_CHECK Error *db_begin(Db *db, bool is_durable);
MUST_CHECK Error *db_commit(Db *db); /* the transaction is over, in success and failure */
void db_rollback(Db *db);

/*
 * Writes all that the connection sees to a new database, durably: also when its own file is gone.
 * Errors: ERR_NO_SPACE; ERR_EXTERNAL.
 */
MUST_CHECK Error *db_save(Db *db, const char *path);

/* Closing leaves -wal and -shm as they lie there: they may be somebody else's by now. */
void db_keep_files(Db *db);

/* From now on what would change the database gives a copy of this error. Takes it. */
void db_refuse_take(Db *db, Error *why);
const Error *db_refusal(const Db *db); /* borrowed; NULL = none */

/* For the nouns of this folder: takes the store's lock, and gives the connection behind it. */
Db *store_lock(Store *store);
void store_unlock(Store *store);

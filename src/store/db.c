/*
 * SQLite behind a small face. Outside of transactions the connection is always in "synchronous =
 * NORMAL": a commit survives the end of the process and costs no fsync; db_begin() raises that for
 * one transaction.
 */
#include "store/db.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdarg.h>

#include "base/effect.h"

#define DB_BUSY_TIMEOUT_MS 5000

struct Db {
    sqlite3 *sqlite;
    char *path;
    GHashTable *statements; /* address of the SQL text → sqlite3_stmt *, owned */
    bool is_in_transaction; /* between db_begin() and its end                  */
    Error *refusal;         /* why nothing may be changed; NULL = it may       */
};

struct DbRow {
    sqlite3_stmt *statement;
};

/* What a result code of SQLite means to the caller and to a person; extended codes come first. */
typedef struct DbFailure {
    int status;
    ErrorCode code;
    const char *reason; /* NULL = in SQLite's words */
    const char *hint;
} DbFailure;

#define DB_HINT_DAMAGED                                                                            \
    "The data of snapshots and clones is not in this file. Put a backup of it back, or move it "   \
    "(with its -wal and -shm files) away to start with an empty store."

static const DbFailure db_failures[] = {
    {SQLITE_CONSTRAINT_UNIQUE, ERR_CONFLICT, "exists already", NULL},
    {SQLITE_CONSTRAINT_PRIMARYKEY, ERR_CONFLICT, "exists already", NULL},
    {SQLITE_CONSTRAINT_FOREIGNKEY, ERR_CONFLICT, "is in use, or does not exist", NULL},
    {SQLITE_CONSTRAINT, ERR_BUG, NULL, NULL},
    {SQLITE_FULL, ERR_NO_SPACE, "the disk is full",
     "Free some space where the state directory is."},
    {SQLITE_READONLY, ERR_EXTERNAL, "cannot be written",
     "Check the owner and mode of the file and its directory, and that the file system is not "
     "mounted read-only."},
    {SQLITE_CANTOPEN, ERR_EXTERNAL, "cannot be opened",
     "Check the owner and mode of the file and its directory; both must be writable."},
    {SQLITE_PERM, ERR_EXTERNAL, "cannot be opened", "Check the owner and mode of the file."},
    {SQLITE_CORRUPT, ERR_EXTERNAL, "is damaged", DB_HINT_DAMAGED},
    {SQLITE_NOTADB, ERR_EXTERNAL, "is damaged: this is not a SQLite file", DB_HINT_DAMAGED},
    {SQLITE_BUSY, ERR_BUSY, "another process is writing to it",
     "Try again; if it stays so, look for a program that has the file open."},
    {SQLITE_IOERR, ERR_EXTERNAL, "cannot be read or written",
     "Its file system may have turned read-only after an error of the disk: see dmesg and findmnt. "
     "When it is repaired and mounted again, restart rametd."},
};

/* --- errors --- */

static const DbFailure *db_find_failure(sqlite3 *sqlite, int status)
{
    static const DbFailure other = {SQLITE_ERROR, ERR_EXTERNAL, NULL, NULL};
    int err = sqlite3_system_errno(sqlite);

    if ((status & 0xff) == SQLITE_IOERR && (err == ENOSPC || err == EDQUOT))
        status = SQLITE_FULL;
    for (size_t i = 0; i < G_N_ELEMENTS(db_failures); i++)
        if (db_failures[i].status == status || db_failures[i].status == (status & 0xff))
            return &db_failures[i];
    return &other;
}

/* The error of the last call on this connection; sql is NULL when it was no statement's. */
static Error *db_error(const Db *db, const char *sql)
{
    int status = sqlite3_extended_errcode(db->sqlite);
    const DbFailure *failure = db_find_failure(db->sqlite, status);
    const char *words = sqlite3_errmsg(db->sqlite);
    Error *e = error_new(failure->code, "store \"%s\": %s", db->path,
                         failure->reason ? failure->reason : words);

    e = error_detail(e, "SQLite: %s (code %d)%s%s", words, status, sql ? ": " : "", sql ? sql : "");
    return failure->hint ? error_hint(e, "%s", failure->hint) : e;
}

/* --- statements --- */

static void db_finalize(void *statement)
{
    sqlite3_finalize(statement);
}

static Error *db_prepare(Db *db, const char *sql, sqlite3_stmt **ret_statement)
{
    sqlite3_stmt *statement = g_hash_table_lookup(db->statements, sql);

    /* Else the rest would commit one by one what was meant to be all or nothing. */
    if (db->is_in_transaction && sqlite3_get_autocommit(db->sqlite))
        return error_new(ERR_EXTERNAL, "store \"%s\": the transaction has failed before", db->path);
    if (!statement) {
        if (sqlite3_prepare_v3(db->sqlite, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL))
            return db_error(db, sql);
        g_hash_table_insert(db->statements, (void *)(uintptr_t)sql, statement);
    }
    g_assert(!sqlite3_stmt_busy(statement)); /* a query inside its own each() */
    if (db->refusal && !sqlite3_stmt_readonly(statement))
        return error_copy(db->refusal);
    *ret_statement = statement;
    return NULL;
}

static void db_bind(sqlite3_stmt *statement, int position, const DbValue *value)
{
    int status = SQLITE_OK;

    switch (value->type) {
    case DB_TYPE_INT:
        status = sqlite3_bind_int64(statement, position, value->integer);
        break;
    case DB_TYPE_REAL:
        status = sqlite3_bind_double(statement, position, value->real);
        break;
    case DB_TYPE_TEXT:
        status = sqlite3_bind_text(statement, position, value->text, -1, SQLITE_STATIC);
        break;
    case DB_TYPE_END:
        break;
    }
    g_assert(status == SQLITE_OK); /* more values than the statement has places */
}

static void db_bind_list(sqlite3_stmt *statement, va_list values)
{
    int position = 1;

    for (;;) {
        DbValue value = va_arg(values, DbValue);

        if (value.type == DB_TYPE_END)
            return;
        db_bind(statement, position++, &value);
    }
}

static Error *db_step(Db *db, sqlite3_stmt *statement, DbEach each, void *data)
{
    const DbRow row = {statement};
    Error *e = NULL;
    int status = SQLITE_DONE;

    while (!e && (status = sqlite3_step(statement)) == SQLITE_ROW)
        e = each ? each(&row, data) : NULL;
    if (!e && status != SQLITE_DONE)
        e = db_error(db, sqlite3_sql(statement));
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return e;
}

Error *db_run(Db *db, const char *sql, ...)
{
    sqlite3_stmt *statement = NULL;
    va_list values;

    TRY(effect_begin("store"));
    TRY(db_prepare(db, sql, &statement));
    va_start(values, sql);
    db_bind_list(statement, values);
    va_end(values);
    return db_step(db, statement, NULL, NULL);
}

Error *db_run_values(Db *db, const char *sql, const DbValue *values)
{
    sqlite3_stmt *statement = NULL;

    TRY(effect_begin("store"));
    TRY(db_prepare(db, sql, &statement));
    for (int i = 0; values[i].type != DB_TYPE_END; i++)
        db_bind(statement, i + 1, &values[i]);
    return db_step(db, statement, NULL, NULL);
}

Error *db_query(Db *db, const char *sql, DbEach each, void *data, ...)
{
    sqlite3_stmt *statement = NULL;
    va_list values;

    TRY(db_prepare(db, sql, &statement));
    va_start(values, data);
    db_bind_list(statement, values);
    va_end(values);
    return db_step(db, statement, each, data);
}

Error *db_script(Db *db, const char *sql)
{
    return sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL) ? db_error(db, NULL) : NULL;
}

int db_changes(Db *db)
{
    return sqlite3_changes(db->sqlite);
}

/* --- rows --- */

int64_t db_row_int(const DbRow *row, int column)
{
    return sqlite3_column_int64(row->statement, column);
}

double db_row_real(const DbRow *row, int column)
{
    return sqlite3_column_double(row->statement, column);
}

const char *db_row_text(const DbRow *row, int column)
{
    return (const char *)sqlite3_column_text(row->statement, column);
}

char *db_row_dup(const DbRow *row, int column)
{
    return g_strdup(db_row_text(row, column));
}

/* --- transactions --- */

static void db_end(Db *db)
{
    db->is_in_transaction = false;
    error_ignore(db_script(db, "PRAGMA synchronous = NORMAL"), "later commits only cost more");
}

Error *db_begin(Db *db, bool is_durable)
{
    if (is_durable && db->refusal)
        return error_copy(db->refusal);
    /* In a transaction the pragma has no effect: it must come first. */
    if (is_durable)
        TRY(db_script(db, "PRAGMA synchronous = FULL"));
    Error *e = db_script(db, "BEGIN IMMEDIATE");
    if (e) {
        db_end(db);
        return e;
    }
    db->is_in_transaction = true;
    return NULL;
}

Error *db_commit(Db *db)
{
    Error *e = db_run(db, "COMMIT", DB_END);

    if (e) {
        db_rollback(db);
        return e;
    }
    db_end(db);
    return NULL;
}

void db_rollback(Db *db)
{
    /* After some errors SQLite has rolled back by itself. */
    if (!sqlite3_get_autocommit(db->sqlite))
        error_ignore(db_script(db, "ROLLBACK"), "the transaction ends with the connection");
    db_end(db);
}

static Error *db_copy_to(Db *db, sqlite3 *target)
{
    sqlite3_backup *backup = sqlite3_backup_init(target, "main", db->sqlite, "main");

    if (backup)
        sqlite3_backup_step(backup, -1);
    sqlite3_backup_finish(backup);

    int status = sqlite3_errcode(target);

    if (status == SQLITE_OK)
        return NULL;
    return error_new(status == SQLITE_FULL ? ERR_NO_SPACE : ERR_EXTERNAL, "%s",
                     sqlite3_errmsg(target));
}

Error *db_save(Db *db, const char *path)
{
    sqlite3 *target = NULL;
    Error *e;

    if (sqlite3_open_v2(path, &target, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL))
        e = error_new(ERR_EXTERNAL, "%s", sqlite3_errmsg(target));
    else
        e = db_copy_to(db, target);
    sqlite3_close(target);
    return error_wrap(e, "writing the store to \"%s\"", path);
}

void db_keep_files(Db *db)
{
    int is_on = 1;

    sqlite3_file_control(db->sqlite, "main", SQLITE_FCNTL_PERSIST_WAL, &is_on);
}

void db_refuse_take(Db *db, Error *why)
{
    error_free(db->refusal);
    db->refusal = why;
}

const Error *db_refusal(const Db *db)
{
    return db->refusal;
}

/* --- connection --- */

static Error *db_check_page(const DbRow *row, void *data)
{
    const Db *db = data;
    const char *finding = db_row_text(row, 0);
    Error *e;

    if (g_strcmp0(finding, "ok") == 0)
        return NULL;
    e = error_new(ERR_EXTERNAL, "store \"%s\": is damaged", db->path);
    e = error_detail(e, "SQLite: %s", finding);
    return error_hint(e, "%s", DB_HINT_DAMAGED);
}

static Error *db_set_up(Db *db, StoreMode mode)
{
    sqlite3_extended_result_codes(db->sqlite, 1);
    sqlite3_busy_timeout(db->sqlite, DB_BUSY_TIMEOUT_MS);
    if (mode == STORE_READ_WRITE)
        TRY(db_script(db, "PRAGMA journal_mode = WAL"));
    TRY(db_script(db, "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON"));
    return db_query(db, "PRAGMA quick_check(1)", db_check_page, db, DB_END);
}

Error *db_open(const char *path, StoreMode mode, Db **ret_db)
{
    static const int flags[] = {
        [STORE_READ_WRITE] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
        [STORE_SHARED] = SQLITE_OPEN_READWRITE,
        [STORE_READ_ONLY] = SQLITE_OPEN_READONLY,
    };
    g_autoptr(Db) db = g_new0(Db, 1);

    db->path = g_strdup(path);
    db->statements = g_hash_table_new_full(NULL, NULL, NULL, db_finalize);
    /* The store's lock is ours, SQLite needs none. */
    if (sqlite3_open_v2(path, &db->sqlite, flags[mode] | SQLITE_OPEN_NOMUTEX, NULL))
        return db_error(db, NULL);
    TRY(db_set_up(db, mode));
    *ret_db = g_steal_pointer(&db);
    return NULL;
}

void db_close(Db *db)
{
    if (!db)
        return;
    g_hash_table_unref(db->statements);
    sqlite3_close(db->sqlite);
    error_free(db->refusal);
    g_free(db->path);
    g_free(db);
}

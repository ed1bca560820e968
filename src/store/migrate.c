/*
 * Migrations: SQLite's user_version counts the scripts that were applied.
 */
#include "store/migrate.h"

#include <stdbool.h>

#define MIGRATE_MARK 0x52616d65 /* application_id: "Rame" */

static Error *migrate_read_number(const DbRow *row, void *data)
{
    *(int64_t *)data = db_row_int(row, 0);
    return NULL;
}

static Error *migrate_version(Db *db, int64_t *ret_version)
{
    return db_query(db, "PRAGMA user_version", migrate_read_number, ret_version, DB_END);
}

static int64_t migrate_last_version(void)
{
    int64_t version = 0;

    while (migrations[version])
        version++;
    return version;
}

static Error *migrate_refuse_newer(int64_t version)
{
    Error *e = error_new(ERR_EXTERNAL,
                         "the store is of version %" G_GINT64_FORMAT
                         ", newer than this program knows (%" G_GINT64_FORMAT ")",
                         version, migrate_last_version());

    return error_hint(e, "A newer Ramet has written it: use that one, or another state directory.");
}

static Error *migrate_apply(Db *db, const char *script, int64_t version)
{
    g_autofree char *mark = g_strdup_printf("PRAGMA user_version = %" G_GINT64_FORMAT, version);

    TRY(db_begin(db, true));
    Error *e = db_script(db, script);
    if (!e)
        e = db_script(db, mark);
    if (e) {
        db_rollback(db);
        return error_wrap(e, "migrating the store to version %" G_GINT64_FORMAT, version);
    }
    return db_commit(db);
}

/* --- whose database it is --- */

/* Stores of earlier versions bear no mark, but all our tables; a new one has none at all. */
static Error *migrate_check_unmarked(Db *db, bool *ret_is_ours)
{
    int64_t n_tables = 0, n_ours = 0;

    TRY(db_query(db, "SELECT count(*) FROM sqlite_schema", migrate_read_number, &n_tables, DB_END));
    TRY(db_query(db,
                 "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN "
                 "('fact', 'pool', 'snapshot', 'clone', 'operation', 'alert')",
                 migrate_read_number, &n_ours, DB_END));
    *ret_is_ours = n_tables == 0 || n_ours == 6;
    return NULL;
}

static Error *migrate_check_owner(Db *db)
{
    int64_t mark = 0;
    bool is_ours = true;

    TRY(db_query(db, "PRAGMA application_id", migrate_read_number, &mark, DB_END));
    if (mark == 0)
        TRY(migrate_check_unmarked(db, &is_ours));
    if (is_ours && (mark == 0 || mark == MIGRATE_MARK))
        return NULL;
    return error_hint(error_new(ERR_EXTERNAL, "the database is not a store of Ramet"),
                      "Another program's ramet.db is in the state directory. Move it away with its "
                      "-wal and -shm files and put the right one back, or set another "
                      "server.stateDir.");
}

static Error *migrate_mark(Db *db)
{
    int64_t mark = 0;
    g_autofree char *pragma = g_strdup_printf("PRAGMA application_id = %d", MIGRATE_MARK);

    TRY(db_query(db, "PRAGMA application_id", migrate_read_number, &mark, DB_END));
    return mark == MIGRATE_MARK ? NULL : db_script(db, pragma);
}

/* --- both --- */

Error *migrate(Db *db)
{
    int64_t version = 0;

    TRY(migrate_check_owner(db));
    TRY(migrate_version(db, &version));
    if (version > migrate_last_version())
        return migrate_refuse_newer(version);
    for (; migrations[version]; version++)
        TRY(migrate_apply(db, migrations[version], version + 1));
    return migrate_mark(db);
}

Error *migrate_check(Db *db)
{
    int64_t version = 0;

    TRY(migrate_check_owner(db));
    TRY(migrate_version(db, &version));
    if (version > migrate_last_version())
        return migrate_refuse_newer(version);
    if (version < migrate_last_version())
        return error_hint(error_new(ERR_EXTERNAL,
                                    "the store is of the older version %" G_GINT64_FORMAT
                                    " (this program: %" G_GINT64_FORMAT ")",
                                    version, migrate_last_version()),
                          "Start rametd once: it brings the store up to date.");
    return NULL;
}

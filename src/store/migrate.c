/*
 * Migrations: SQLite's user_version counts the scripts that were applied.
 */
#include "store/migrate.h"

static Error *migrate_read_version(const DbRow *row, void *data)
{
    *(int64_t *)data = db_row_int(row, 0);
    return NULL;
}

static Error *migrate_version(Db *db, int64_t *ret_version)
{
    return db_query(db, "PRAGMA user_version", migrate_read_version, ret_version, DB_END);
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

Error *migrate(Db *db)
{
    int64_t version = 0;

    TRY(migrate_version(db, &version));
    if (version > migrate_last_version())
        return migrate_refuse_newer(version);
    for (; migrations[version]; version++)
        TRY(migrate_apply(db, migrations[version], version + 1));
    return NULL;
}

Error *migrate_check(Db *db)
{
    int64_t version = 0;

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

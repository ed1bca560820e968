/*
 * The epoch is one of the facts.
 */
#include "store/epoch.h"

static Error *epoch_read_row(const DbRow *row, void *data)
{
    *(int64_t *)data = db_row_int(row, 0);
    return NULL;
}

Error *epoch_read(Db *db, int64_t *ret_epoch)
{
    int64_t epoch = 0;

    TRY(db_query(db, "SELECT CAST(value AS INTEGER) FROM fact WHERE name = 'epoch'", epoch_read_row,
                 &epoch, DB_END));
    *ret_epoch = epoch;
    return NULL;
}

Error *epoch_advance(Db *db, int64_t steps, int64_t *ret_epoch)
{
    return db_query(db,
                    "INSERT INTO fact (name, value) VALUES ('epoch', CAST(?1 AS TEXT)) "
                    "ON CONFLICT (name) DO UPDATE "
                    "SET value = CAST(CAST(value AS INTEGER) + ?1 AS TEXT) "
                    "RETURNING CAST(value AS INTEGER)",
                    epoch_read_row, ret_epoch, DB_INT(steps), DB_END);
}

Error *epoch_refuse(const char *state_dir, int64_t epoch, int64_t seen, const char *witness)
{
    Error *e =
        error_new(ERR_EXTERNAL,
                  "the store in \"%s\" is older than it was: it is at change %" G_GINT64_FORMAT
                  ", %s has seen change %" G_GINT64_FORMAT,
                  state_dir, epoch, witness, seen);

    return error_hint(
        e, "The end of it is lost, or a backup was put in its place. Nothing is changed, "
           "started or destroyed meanwhile. Stop rametd and put the newest ramet.db back, "
           "with its ramet.db-wal. Is there none, \"rametd --config FILE store accept\" "
           "goes on from this older state.");
}

Error *epoch_refuse_missing(const char *state_dir, int64_t seen)
{
    Error *e =
        error_new(ERR_EXTERNAL,
                  "the store in \"%s\" is missing: there is no ramet.db, and there was one at "
                  "change %" G_GINT64_FORMAT,
                  state_dir, seen);

    return error_hint(
        e, "Put ramet.db back, with its ramet.db-wal, or a backup of it. Is there none, "
           "\"rametd --config FILE store accept\" begins with an empty store, which knows "
           "of no pool: clones that run go on, and belong to nobody.");
}

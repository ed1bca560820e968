/*
 * The schema's versions. A store of version N has had the first N scripts of migrations/ applied.
 */
#pragma once

#include "base/error.h"
#include "store/db.h"

/* The scripts in order, ended by NULL: made of migrations/0001_*.sql and so on at build time. */
extern const char *const migrations[];

/*
 * migrate - bring the schema up to the last version known, each script in a transaction of its own.
 *
 * Errors: ERR_EXTERNAL a version newer than known (hint); those of db_run().
 */
MUST_CHECK Error *migrate(Db *db);

/* Only looks: ERR_EXTERNAL (hint) unless the schema has the last version known. */
MUST_CHECK Error *migrate_check(Db *db);

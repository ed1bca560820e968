/*
 * The schema's versions. A store of version N has had the first N scripts of migrations/ applied.
 */
#pragma once

#include "base/error.h"
#include "store/db.h"

/* The scripts in order, ended by NULL: written at build time from migrations/0001_*.sql and so on.
 */
extern const char *const migrations[];

/*
 * migrate - bring the schema up to the last version known, each script in a transaction of its own.
 * Errors: ERR_EXTERNAL a version newer than known (hint); what db_script() returns.
 */
MUST_CHECK Error *migrate(Db *db);

/* Only looks: ERR_EXTERNAL (hint) unless the schema has the last version known. */
MUST_CHECK Error *migrate_check(Db *db);

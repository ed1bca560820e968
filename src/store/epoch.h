/*
 * The epoch: a number in the store that grows with each durable commit. Those who were told it, the
 * witnesses, can say later whether the store they are shown is older: a file of SQLite that has lost
 * its end is opened without a word.
 */
#pragma once

#include "store/db.h"

/* A store that nothing durable was written to has 0. */
MUST_CHECK Error *epoch_read(Db *db, int64_t *ret_epoch);

/* Inside a transaction. ret_epoch is what it will be when that is committed. */
MUST_CHECK Error *epoch_advance(Db *db, int64_t steps, int64_t *ret_epoch);

/* What a store says that is older than somebody has seen it. */
MUST_CHECK Error *epoch_refuse(const char *state_dir, int64_t epoch, int64_t seen,
                               const char *witness);

/* The same for one that is not there at all. */
MUST_CHECK Error *epoch_refuse_missing(const char *state_dir, int64_t seen);

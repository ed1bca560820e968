/*
 * Directories of dumps under dumpLocation: <dumpLocation>/<database>, as the contract has it.
 */
#pragma once

#include "base/error.h"

/*
 * Path of a database's dump; caller frees. Names that cannot be a directory ("a/b", "..") are
 * percent-encoded, so that no name of a database leads out of the location.
 */
char *dump_dir_path(const char *location, const char *database);

/*
 * dump_dir_make - an empty directory for a new dump. An older dump there is removed.
 *
 *   os_user   owner: the user who will write it
 *
 * Errors: ERR_CONFLICT `"…" holds something that is no dump` (hint); those of fs_make_dir().
 */
MUST_CHECK Error *dump_dir_make(const char *location, const char *database, const char *os_user);

/* Removes a dump, half made or whole. Missing, or no dump: success, and nothing is touched. */
MUST_CHECK Error *dump_dir_remove(const char *location, const char *database);

/* To an error of a tool that could not write to path: who it is that could not. NULL for NULL. */
MUST_CHECK Error *dump_dir_explain(Error *e, const char *path, const char *os_user);

/*
 * Names of volumes and snapshots, and the names beside them that work in progress has. The latter
 * start with a dot, which no name of ours does: they cannot collide.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/*
 * names_check - [a-z0-9_.-], 1..63 bytes, a letter or digit first: never "", ".", ".." or a path.
 *
 *   kind   "volume", "snapshot": for the message
 *   name   may be NULL, which is invalid
 *
 * Errors: ERR_INVALID `invalid volume name "…"` (hint: the rule).
 */
MUST_CHECK Error *names_check(const char *kind, const char *name);

/*
 * Pools may have capital letters, too; the name begins the ids of snapshots, so it has no "/" and no
 * "@". ERR_INVALID (hint: the rule).
 */
MUST_CHECK Error *names_check_pool(const char *name);

/* Beside <dir>/<name>: .<name>.partial while it is made, .<name>.deleted while it goes. Owned. */
char *names_partial_path(const char *path);
char *names_deleted_path(const char *path);

/* For the name of a directory entry: the name that it is the partial of, or NULL. Caller frees. */
char *names_of_partial(const char *entry);

/* True for ".<name>.deleted". */
bool names_is_deleted(const char *entry);

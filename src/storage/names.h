/*
 * Names of volumes and snapshots, and the names beside them that work in progress has. The latter
 * start with a dot, which no name of ours does: they cannot collide.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/*
 * Errors: ERR_INVALID `invalid volume name "…"` (hint: the rule): not [a-z0-9_.-], not 1..63 bytes,
 * or not starting with a letter or digit. So a name is never "", ".", ".." or a path.
 */
MUST_CHECK Error *names_check(const char *kind, const char *name);

/* For <dir>/<name>: <dir>/.<name>.partial, while it is made, and <dir>/.<name>.deleted, while it
 * goes. */
char *names_partial_path(const char *path);
char *names_deleted_path(const char *path);

/* For the name of a directory entry: the name that it is the partial of, or NULL. Caller frees. */
char *names_of_partial(const char *entry);

/* True for ".<name>.deleted". */
bool names_is_deleted(const char *entry);

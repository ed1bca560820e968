/*
 * What is to go and cannot be removed is set aside, at <mount>/.ramet/aside/<name>.<time>: its name is
 * free, and neither a pool that is opened nor a volume that is destroyed waits for it. It is tried
 * again when the pool is opened, and the doctor names it.
 */
#pragma once

#include <glib.h>

#include "base/error.h"

/*
 * aside_remove - remove a tree, or set it aside. A missing one is success.
 *
 *   path   on the file system that is mounted there
 *
 * Errors: ERR_EXTERNAL, ERR_NO_SPACE: it can be neither removed nor moved.
 */
MUST_CHECK Error *aside_remove(const char *mount, const char *path);

/* Tries again what was set aside earlier; what stays is logged. */
void aside_collect(const char *mount);

/* Adds the path of each to `paths`, char *. None is success. */
MUST_CHECK Error *aside_list(const char *mount, GPtrArray *paths);

/* Removes the directory of them, from a pool that is given up. What is in it stays, and is an error. */
MUST_CHECK Error *aside_dismantle(const char *mount);

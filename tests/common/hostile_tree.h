/*
 * What a clone's user may leave in a directory: for the tests of removing and of copying.
 */
#pragma once

#include <stdbool.h>

#define HOSTILE_LEVELS     5000
#define HOSTILE_LONG_NAMES 40 /* of 255 bytes, one in the other: longer than a path may be */

/*
 * hostile_tree_make - fill an existing directory: HOSTILE_LEVELS directories in each other with a file
 * in the last one, paths beyond PATH_MAX, names with line ends, bytes that are no UTF-8, pipes,
 * sockets, links to what must stay, directories of mode 000.
 *
 *   is_locked   and what root alone can make: immutable and append-only files and directories, where
 *               the file system has that, and a device
 */
void hostile_tree_make(const char *dir, bool is_locked);

/* Ends the test unless the chain of directories below `dir` has its file at its end. */
void hostile_tree_assert_deep(const char *dir);

/*
 * The entries of a directory tree, seen by descriptor: links are never followed, other mounts are
 * not entered. For data directories: thousands of files, few levels.
 */
#pragma once

#include "base/error.h"

typedef struct TreeEntry {
    unsigned char type; /* DT_REG, DT_DIR, DT_LNK, … of readdir(3), never DT_UNKNOWN */
    char path[];        /* relative to the root of the tree                          */
} TreeEntry;

/* GPtrArray of TreeEntry *, without the root, a directory before what is in it; caller unrefs. */
MUST_CHECK Error *tree_list(int root_fd, GPtrArray **ret_entries);

/*
 * tree_take_over - make all of a data directory, itself included (0700), belong to a user. What
 * belongs to him already costs a look at each entry.
 *
 * Errors: ERR_NOT_FOUND no such user; those of tree_list().
 */
MUST_CHECK Error *tree_take_over(const char *data_dir, const char *user);

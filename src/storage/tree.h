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

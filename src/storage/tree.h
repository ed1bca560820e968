/*
 * The entries of a directory tree, seen by descriptor: links are never followed, other mounts are
 * not entered. Made for data directories, thousands of files and few levels, and good for any depth:
 * where the path from the root would be long, it starts from a directory
 * below, the base.
 */
#pragma once

#include "base/error.h"

typedef struct TreeEntry {
    const struct TreeEntry *base; /* directory that the path starts from; NULL = the root    */
    unsigned char type;           /* DT_REG, DT_DIR, DT_LNK, … of readdir(3), never DT_UNKNOWN */
    char path[];                  /* relative to the base                                    */
} TreeEntry;

/* GPtrArray of TreeEntry *, without the root, a directory before what is in it; caller unrefs. */
MUST_CHECK Error *tree_list(int root_fd, GPtrArray **ret_entries);

/* A tree with the same directories, and the base in it that was used last: for one thread. */
typedef struct TreeAt {
    int root_fd; /* borrowed */
    const TreeEntry *base;
    int base_fd; /* of it; while base is NULL, none */
} TreeAt;

void tree_at_clear(TreeAt *at);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TreeAt, tree_at_clear)

/*
 * tree_at - where an entry's path starts in a tree: a descriptor that is good until the next call.
 *
 * -1 with errno when that tree has no such directory. Cost: none where the path starts from the root.
 */
int tree_at(TreeAt *at, const TreeEntry *entry);

/* The entry's own descriptor, opened with these flags of open(2); -1 with errno. Caller closes. */
int tree_open(TreeAt *at, const TreeEntry *entry, int flags);

/*
 * tree_take_over - make all of a data directory, itself included (0700), belong to a user. What
 * belongs to him already costs a look at each entry.
 *
 * Errors: ERR_NOT_FOUND no such user; those of tree_list().
 */
MUST_CHECK Error *tree_take_over(const char *data_dir, const char *user);

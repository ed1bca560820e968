/*
 * Files. Small ones are read and written whole; a written file appears under its name complete or
 * not at all. Nothing here walks a data directory.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/error.h"

static inline void fs_close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

/* A descriptor closed at the end of its scope; -1 is none. */
#define AUTO_FD __attribute__((cleanup(fs_close_fd))) int

/* Reads a file of at most max_bytes, NUL-terminated; caller frees. ERR_NOT_FOUND: it is missing. */
MUST_CHECK Error *fs_read_file(const char *path, size_t max_bytes, char **ret_text);

typedef struct FsWrite {
    mode_t mode;      /* 0 = 0600                                                */
    const char *user; /* owner by name (and that user's group); NULL = as we are */
    bool is_durable;  /* fsync of the file and of its directory                  */
} FsWrite;

/* Writes text to a temporary name beside path and renames it there. NULL for how: all zero. */
MUST_CHECK Error *fs_write_file(const char *path, const char *text, const FsWrite *how);

/* Makes a directory, and its parents (0755). An existing one gets its mode and owner, too. */
MUST_CHECK Error *fs_make_dir(const char *path, mode_t mode, const char *user);

/* Removes one file or empty directory; a missing one is success. */
MUST_CHECK Error *fs_remove(const char *path);

/*
 * Removes a small tree (a socket directory, a dump); a missing one is success. Symbolic links are
 * not followed, and other file systems and btrfs subvolumes below are not entered (that is an
 * error).
 */
MUST_CHECK Error *fs_remove_tree(const char *path);

/* Names in a directory, sorted, without "." and ".."; empty when it is missing. Caller frees. */
MUST_CHECK Error *fs_list_dir(const char *path, char ***ret_names);

bool fs_exists(const char *path);

/* uid and gid of an operating-system user. ERR_NOT_FOUND with a hint when there is none. */
MUST_CHECK Error *fs_find_user(const char *name, uid_t *ret_uid, gid_t *ret_gid);

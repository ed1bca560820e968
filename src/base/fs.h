/*
 * Files. Small ones are read and written whole; a written file appears under its name complete or
 * not at all. Nothing here walks a data directory.
 */
#pragma once

#include <stdbool.h>
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

/*
 * fs_read_file - read a small file whole.
 *
 *   ret_text   NUL-terminated; caller frees
 *
 * Errors: ERR_NOT_FOUND it is missing; ERR_INVALID longer than max_bytes; ERR_EXTERNAL.
 */
MUST_CHECK Error *fs_read_file(const char *path, size_t max_bytes, char **ret_text);

/*
 * The same in a directory that somebody else writes to, such as a clone's data: a link in the place
 * of the file is not followed, and a pipe does not hold us. ERR_INVALID, too, when it is no file.
 */
MUST_CHECK Error *fs_read_plain_file(const char *path, size_t max_bytes, char **ret_text);

/* The same for a file that is no text. */
MUST_CHECK Error *fs_read_plain_bytes(const char *path, size_t max_bytes, char **ret_bytes,
                                      size_t *ret_size);
/*
 * The end of a file that may be long, from a link not followed: at most max_bytes. What a hole at
 * the file's beginning leaves of zero bytes is not part of it. Errors: those of
 * fs_read_plain_file().
 */
MUST_CHECK Error *fs_read_end(const char *path, size_t max_bytes, char **ret_text);

typedef struct FsWrite {
    mode_t mode;      /* 0 = 0600                                                */
    const char *user; /* owner by name (and that user's group); NULL = as we are */
    bool is_durable;  /* fsync of the file and of its directory                  */
} FsWrite;

/*
 * fs_write_file - write text to a temporary name beside path, and rename it there.
 *
 *   how   NULL = all zero
 *
 * Errors: ERR_NO_SPACE; ERR_NOT_FOUND no such user; ERR_EXTERNAL.
 */
MUST_CHECK Error *fs_write_file(const char *path, const char *text, const FsWrite *how);

/*
 * Makes a directory, and its parents (0755). An existing one gets mode and owner, too; user NULL
 * leaves the owner. Errors: those of fs_write_file().
 */
MUST_CHECK Error *fs_make_dir(const char *path, mode_t mode, const char *user);

/* Removes one file or empty directory; a missing one is success. */
MUST_CHECK Error *fs_remove(const char *path);

/* Removes an empty directory, and nothing else; a missing one is success. */
MUST_CHECK Error *fs_remove_dir(const char *path);

/*
 * fs_remove_tree - remove a tree, whatever somebody has put into it; a missing one is success.
 *
 * Links are not followed, and what is mounted below is not entered. Depth is not limited. Modes,
 * attributes and read-only subvolumes of btrfs are no hindrance to root.
 *
 * Errors: ERR_EXTERNAL with the name of the first thing that stays: all else has been removed.
 */
MUST_CHECK Error *fs_remove_tree(const char *path);

/* Sorted names in a directory, none when it is missing; "." and ".." left out. Caller frees. */
MUST_CHECK Error *fs_list_dir(const char *path, char ***ret_names);

bool fs_exists(const char *path);

/*
 * fs_open_beneath - open a path below a directory, where each part of it is what it says: no link in
 * any place, nothing mounted in between, no way out. For trees that a stranger writes to.
 *
 *   flags   of open(2), without O_CREAT; O_CLOEXEC is added
 *
 * A descriptor, or -1 with errno: ELOOP a link, EXDEV a mount. Source: openat2(2), Linux 5.6.
 */
int fs_open_beneath(int dir_fd, const char *path, int flags);

/* uid and gid of an operating-system user. ERR_NOT_FOUND with a hint when there is none. */
MUST_CHECK Error *fs_find_user(const char *name, uid_t *ret_uid, gid_t *ret_gid);

/*
 * Where an instance's socket is: a file system of its own, in memory, with room for a socket and its
 * lock file. An instance can write there, and what it writes would be on the state directory's disk.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "runtime/place.h"

/*
 * True where what we mount below a directory is seen by all who have to, also by the next rametd:
 * not in name spaces that a service manager gives to us alone.
 */
bool socket_dir_can_mount(const char *run_dir);

/* Makes an empty one, the user's; with is_mounted a file system of its own. */
MUST_CHECK Error *socket_dir_make(const char *path, mode_t mode, const RuntimePlace *place,
                                  bool is_mounted);

/* With all that is in it; one that is not there is success. */
MUST_CHECK Error *socket_dir_remove(const char *path);

/*
 * A copy of a directory tree whose files share their bytes with the original (FICLONE): no data
 * moves.
 */
#pragma once

#include <sys/types.h>

#include "base/error.h"

#define REFLINK_LAYERS_MAX 2

/*
 * reflink_copy - copy a tree within one file system: directories, files and symbolic links, with
 * mode, owner and times. Sockets, pipes and devices are left out.
 *
 *   from        what is seen
 *   layers      where the files of it lie, the uppermost first, NULL-terminated, at most
 *               REFLINK_LAYERS_MAX: {from} unless it is an overlay, whose own files share no data
 *   to          must not exist; half made after an error
 *   root_mode   of the new root directory
 *
 * Cost: about 40 µs of CPU a file on XFS, shared by a few threads.
 * Errors: ERR_CONFLICT to exists; ERR_NO_SPACE; ERR_EXTERNAL, also where a file cannot be shared.
 */
MUST_CHECK Error *reflink_copy(const char *from, const char *const *layers, const char *to,
                               mode_t root_mode);

/*
 * What an open pool holds on to: that no other server writes to it, and that what lies at its mount
 * point is still what was opened. A pool that was unmounted leaves a bare directory on another disk
 * behind, where nothing may be written and nothing counts as destroyed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

typedef struct PoolGuard {
    int lock_fd; /* -1 = opened to look */
    dev_t device;
    ino_t inode;
    uint64_t image_bytes; /* 0 = no image */
} PoolGuard;

/*
 * pool_guard_take - remember what is mounted there and, for a server, lock others out.
 *
 *   image   NULL = none
 *
 * Errors: ERR_BUSY another rametd has it (hint); ERR_NOT_FOUND no pool there; ERR_EXTERNAL.
 * Undo:   pool_guard_release(); the end of the process is one, too.
 */
MUST_CHECK Error *pool_guard_take(const char *mount, const char *image, bool is_locking,
                                  PoolGuard *ret_guard);

/*
 * Is it still there? ERR_EXTERNAL something else is mounted, or nothing; the image was deleted or
 * truncated (hints). Cost: two stat(2).
 */
MUST_CHECK Error *pool_guard_check(const PoolGuard *guard, const char *mount, const char *image);

void pool_guard_release(PoolGuard *guard);

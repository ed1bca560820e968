/*
 * Reaching a Unix socket in a directory that somebody else writes to.
 */
#pragma once

#include <stdbool.h>

typedef enum Reach {
    REACH_OK,
    REACH_BUSY,    /* its queue is full, or we have no descriptor left: soon it may work      */
    REACH_MISSING, /* no socket, or nobody listens on it: it is not running                   */
    REACH_REFUSED, /* something else is in its place, or we may not: it needs an operator     */
} Reach;

/*
 * reach_socket - connect to a Unix socket without waiting.
 *
 *   path     its last part is not followed when it is a symbolic link: whoever owns the directory
 *            could lead our identity to another server's socket
 *   ret_fd   connected, non-blocking, CLOEXEC; caller closes
 *   ret_err  errno, for the log; 0 = it is no socket
 */
Reach reach_socket(const char *path, int *ret_fd, int *ret_err);

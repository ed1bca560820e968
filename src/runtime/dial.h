/*
 * The way from rametd to an instance: its socket, and the proof that its postgres is behind it.
 * Private to this folder.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef struct DialTarget {
    const char *socket_dir; /* a stranger writes there: nothing in it is followed */
    int64_t port;           /* in the name of the socket                          */
    int pidfd;              /* of the instance's first process, which lives       */
    bool has_init;          /* that may be another than postgres                  */
} DialTarget;

/*
 * dial_instance - connect without waiting.
 *
 *   ret_fd   connected, non-blocking, CLOEXEC; not a byte was sent; caller closes
 *
 * Errors: ERR_EXTERNAL nobody listens there; ERR_BUSY too many wait already; ERR_DENIED somebody
 *         else than the instance's postgres listens there, or what is there is no socket.
 */
MUST_CHECK Error *dial_instance(const DialTarget *target, int *ret_fd);

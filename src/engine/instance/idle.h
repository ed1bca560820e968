/*
 * Deleting clones that nobody uses: cloning.maxIdleMinutes.
 */
#pragma once

#include <stdbool.h>

#include "engine/engine.h"
#include "store/clone.h"

/* Starts the checker's thread, which waits while idle deletion is off. */
MUST_CHECK Error *idle_checker_start(Engine *engine, IdleChecker **ret_checker);
void idle_checker_stop(IdleChecker *checker);

/* CloneStill of an idle clone: what was seen is a Clone. It was not reset, protected, or snapshotted since. */
MUST_CHECK Error *idle_is_still(Engine *engine, const Clone *clone, const void *seen,
                                bool *ret_is_so);

/* What one look shows of a clone. What the look does not know is 0. */
typedef struct IdleSight {
    bool is_connected;     /* somebody is now                              */
    int64_t counter;       /* sessions there were, by the server's count   */
    int64_t own_share;     /* of that, what our look itself has added      */
    int64_t mark;          /* changes with each byte that the gateway sees */
    int64_t started_at_ms; /* changes with each reset                      */
} IdleSight;

/* What is remembered of it; begins as zeros, which is a use. */
typedef struct IdleWatch {
    int64_t counter, mark, started_at_ms;
    int64_t used_at_ms; /* monotonic; 0 = nobody has looked yet */
} IdleWatch;

/* Takes a look in. True: nobody has used it for that long by now; never for a window of 0. Pure, for tests. */
bool idle_watch_see(IdleWatch *watch, const IdleSight *sight, int64_t now_ms, int64_t window_ms);

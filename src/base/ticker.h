/*
 * A thread that does one thing again and again, and can be stopped at once while it waits.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

typedef struct Ticker Ticker;

/*
 * ticker_start - call tick(data) every interval_ms, on a thread of its own; the first time after
 * one interval.
 *
 *   name   of the thread, borrowed; at most 15 bytes show
 *
 * Errors: those of thread_start().
 */
MUST_CHECK Error *ticker_start(const char *name, int64_t interval_ms, void (*tick)(void *data),
                               void *data, Ticker **ret_ticker);

/* Waits for a tick under way. NULL is fine. */
void ticker_stop(Ticker *ticker);

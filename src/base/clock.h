/*
 * Time. Durations are milliseconds of CLOCK_MONOTONIC; instants are milliseconds since 1970 in UTC
 * (fields named ..._at_ms; 0 means "never" or "unknown").
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

int64_t clock_monotonic_ms(void);
int64_t clock_now_ms(void);

/* "2026-07-01T09:00:00Z", always in UTC, whatever the server's zone; "" for 0. Caller frees. */
char *clock_format_rfc3339(int64_t at_ms);

/* RFC 3339, fractions too, or "YYYY-MM-DD hh:mm:ss UTC"; "" gives 0. ERR_INVALID otherwise. */
MUST_CHECK Error *clock_parse_rfc3339(const char *text, int64_t *ret_at_ms);

/* "YYYYMMDDhhmmss" in UTC, "" for 0 (caller frees), and back (ERR_INVALID otherwise). */
char *clock_format_stamp(int64_t at_ms);
MUST_CHECK Error *clock_parse_stamp(const char *text, int64_t *ret_at_ms);

/*
 * wait_until - call check() until it says true, first at once, then after 1, 2, 4 … 50 ms.
 *
 *   deadline_ms   as clock_monotonic_ms() counts
 *   check         sets *ret_done; its error ends the wait
 *   data          handed to check()
 *
 * Errors: ERR_TIMEOUT the deadline passed; those of check().
 */
typedef Error *(*WaitCheck)(void *data, bool *ret_done);
MUST_CHECK Error *wait_until(int64_t deadline_ms, WaitCheck check, void *data);

/*
 * Secrets: making, comparing and judging them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* n random characters of [A-Za-z0-9] from getrandom(2). Caller frees. */
char *secret_random(size_t n);

/* Compares in time that depends on the lengths alone. NULL equals nothing. */
bool secret_equal(const char *a, const char *b);

/*
 * secret_check_password - refuse a password of less than min_bits of entropy, by the estimate of
 * the compatibility contract (classes of characters present, runs and sequences capped at two).
 *
 * Errors: ERR_INVALID `insecure password, try including more special characters, using numbers or
 *         using a longer password`.
 */
MUST_CHECK Error *secret_check_password(const char *password, double min_bits);

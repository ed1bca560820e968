/*
 * The value of --protected: for how long a clone or snapshot may not be deleted.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef struct Protection {
    bool is_protected;
    bool has_duration; /* false: the server's default lease */
    int64_t minutes;   /* 0 = for ever                      */
} Protection;

/*
 * protection_parse - "" and "true" protect for the server's default time, "false" unprotects, a
 * number is minutes, 30m/2h/7d (at most 365 days) as they read, 0 is for ever.
 *
 * Errors: ERR_INVALID `invalid --protected value: "x" (use …)`.
 */
MUST_CHECK Error *protection_parse(const char *text, Protection *ret_protection);

/* Sets "protected" and "protectionDurationMinutes" of a request's body. */
void protection_put(const Protection *protection, json_t *body);

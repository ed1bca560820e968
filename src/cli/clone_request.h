/*
 * The body of POST /clone, from the options of "ramet clone create".
 */
#pragma once

#include <jansson.h>

#include "cli/args.h"

/*
 * clone_request_build - read the options, and the password from where it is.
 *
 *   branch        the current branch; sent, unless it is main, when no branch or snapshot is chosen
 *   ret_request   caller decrefs
 *
 * Errors: ERR_INVALID a setting without "=", a bad protection value, no password to be had.
 */
/* Adds "limits" from --limit, an object, when that is given. ERR_INVALID no NAME=VALUE. */
MUST_CHECK Error *clone_request_add_limits(const Args *args, json_t *request);

MUST_CHECK Error *clone_request_build(const Args *args, const char *branch, json_t **ret_request);

/* Adds "limits", an object, when --limit is given; "" alone is no limits. ERR_INVALID (hint). */
MUST_CHECK Error *clone_request_add_limits(const Args *args, json_t *request);

/*
 * clone_request_add_settings - "a=1,b=2" into an object. A comma starts a new setting only where
 * "name=" follows, so that a list stays together: "search_path=a,b".
 *
 * Errors: ERR_INVALID a setting without a name or "=" (hint).
 */
MUST_CHECK Error *clone_request_add_settings(const char *text, json_t *settings);

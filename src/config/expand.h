/*
 * Environment variables in the few options that allow them.
 */
#pragma once

#include "base/error.h"

/*
 * expand_variables - replace $NAME and ${NAME} by the environment's values; "$$" is a dollar sign,
 * and a dollar sign before anything else is itself.
 *
 *   ret_text   caller frees
 *
 * Errors: ERR_INVALID `environment variable "NAME" is not set`; a "${" that is not closed. The text
 *         itself is a secret and appears in no error.
 */
MUST_CHECK Error *expand_variables(const char *text, char **ret_text);

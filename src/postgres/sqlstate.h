/*
 * What PostgreSQL's error codes mean to us.
 */
#pragma once

#include "base/error.h"

/* Of five characters, or NULL for none. ERR_EXTERNAL when it means nothing special. */
ErrorCode sqlstate_code(const char *sqlstate);

/*
 * Files of a data directory that somebody else may have put something else in the place of.
 */
#pragma once

#include "base/error.h"

/* Where postgres writes its pid once more: it complains in its log when it is told to write none. */
#define DATA_EXTERNAL_PID "external.pid"

/*
 * data_files_check - what postgres opens by these names before it answers: it would wait for a pipe
 * until the start's time is over.
 *
 * Errors: ERR_INVALID one of them is there and is no plain file (hint).
 */
MUST_CHECK Error *data_files_check(const char *data_dir);

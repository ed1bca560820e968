/*
 * What global/pg_control says of a data directory.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct ControlData {
    int64_t version;   /* of pg_control itself, see version.h */
    const char *state; /* "shut down", "in production", …; constant */
    bool is_shut_down; /* cleanly: no recovery at the next start */
} ControlData;

/*
 * control_data_read - of data whose server is of that major.
 *
 * Errors: ERR_NOT_FOUND there is no such file; ERR_INVALID it is damaged, or another major's.
 */
MUST_CHECK Error *control_data_read(const char *data_dir, int64_t major, ControlData *ret_data);

/* The pure part: the file's bytes. */
MUST_CHECK Error *control_data_parse(const char *bytes, size_t size, int64_t major,
                                     ControlData *ret_data);

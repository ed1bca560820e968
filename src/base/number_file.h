/*
 * A number in a small file that is written over in its place: once the file is there, writing needs
 * no space, and no fsync keeps anybody waiting. The end of our process cannot lose it; a power cut
 * may bring an older number back.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

/*
 * A missing file is 0.
 * Errors: ERR_INVALID what is in it is no number, or it is no plain file; ERR_EXTERNAL.
 */
MUST_CHECK Error *number_file_read(const char *path, int64_t *ret_number);

/* Makes the file (0600) where it is missing. Errors: ERR_NO_SPACE; ERR_EXTERNAL. */
MUST_CHECK Error *number_file_write(const char *path, int64_t number);

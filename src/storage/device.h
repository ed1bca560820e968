/*
 * A block device in place of an image file: formatted only when nothing is on it, and mounted
 * without a loop device.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* True for a block device (or a link to one). */
bool device_is(const char *path);

/* ERR_NOT_FOUND no such device; ERR_INVALID it is something else. */
MUST_CHECK Error *device_size(const char *path, uint64_t *ret_bytes);

/*
 * device_format - make a file system on an empty device.
 *
 *   format_argv   program and options; the device is appended
 *
 * Errors: ERR_CONFLICT something is on it (hint: what, and how to clear it); ERR_EXTERNAL.
 * Undo:   device_wipe().
 */
MUST_CHECK Error *device_format(const char *path, const char *const *format_argv);

MUST_CHECK Error *device_mount(const char *path, const char *mount);

/*
 * Removes the signature of what is on it, so that it counts as empty. Only for what we made.
 * ERR_BUSY somebody has it mounted still; ERR_EXTERNAL.
 */
MUST_CHECK Error *device_wipe(const char *path);

/*
 * How a pool lives in an image file: seen through a loop device, or, for storage that opens files
 * by itself, directly. The contracts are those of loopfile.h, which serves most drivers.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef struct ImageOps {
    bool takes_device; /* a block device (device.h) will do in place of a file */
    /* True when the file holds storage of this kind; NULL for the loop device, which takes all. */
    bool (*recognise)(const char *image);
    Error *(*create)(const char *image, uint64_t size_bytes, const char *const *format_argv);
    Error *(*mount)(const char *image, const char *mount);
    Error *(*unmount)(const char *mount);
    Error *(*detach)(const char *image);
    /* Makes a mounted image larger; one of that size already is success, so it may be repeated. */
    Error *(*grow)(const char *image, uint64_t size_bytes);
} ImageOps;

extern const ImageOps loopfile_image_ops;
extern const ImageOps lvm_image_ops;
extern const ImageOps zfs_image_ops;

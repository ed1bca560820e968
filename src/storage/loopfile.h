/*
 * Image files: a file system in a file, seen through a loop device. The device is told to go when
 * it is unmounted (autoclear), so that a mount is the only thing to be undone. A block device in
 * place of the file (device.h) is used as it is.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "storage/image.h"

/* Makes an empty sparse file (0600) that must not exist (ERR_CONFLICT). Undo: fs_remove(). */
MUST_CHECK Error *loopfile_make_sparse(const char *image, uint64_t size_bytes);

/*
 * loopfile_create - make a sparse image file (0600) and a file system in it.
 *
 *   format_argv   program and options; the image's path is appended
 *
 * Errors: ERR_CONFLICT it exists; ERR_NO_SPACE; ERR_EXTERNAL the program failed (detail: its
 *         stderr).
 * Undo:   the file is removed before an error is returned; fs_remove() later.
 */
MUST_CHECK Error *loopfile_create(const char *image, uint64_t size_bytes,
                                  const char *const *format_argv);

/*
 * loopfile_mount - attach an image and mount it with noatime. A device that a killed run left goes
 * first: two would be two writers to one file. What was unmounted lazily and is still in use is
 * mounted again.
 *
 * Errors: ERR_BUSY mounted elsewhere; ERR_EXTERNAL losetup or mount failed
 *         (detail: its stderr).
 * Undo:   nothing stays attached after an error; loopfile_unmount() later.
 */
MUST_CHECK Error *loopfile_mount(const char *image, const char *mount);

/* Unmounts; what is not mounted is success. ERR_BUSY when files are open in it (hint). */
MUST_CHECK Error *loopfile_unmount(const char *mount);

/*
 * Waits, for 10 s at most, until an unmounted image is free, detaching what a killed run left. A
 * missing image is success. ERR_BUSY when it stays in use (hint).
 */
MUST_CHECK Error *loopfile_detach(const char *image);

/* Attaches an image without mounting it. Undo: loopfile_detach(). Caller frees *ret_device. */
MUST_CHECK Error *loopfile_attach(const char *image, char **ret_device);

/* Detaches a loop device, at once or when its last user lets go of it. */
MUST_CHECK Error *loopfile_release(const char *device);

/* The loop devices that an image is attached to; caller frees. */
MUST_CHECK Error *loopfile_devices(const char *image, char ***ret_devices);
/* Makes the image larger, and the loop device that it is attached to; what is inside comes after. */
MUST_CHECK Error *loopfile_grow(const char *image, uint64_t size_bytes);

/* Makes the file itself larger; the new part takes no space yet. */
MUST_CHECK Error *loopfile_extend(const char *image, uint64_t size_bytes);

/* Is the device mounted where we can see it? */
MUST_CHECK Error *loopfile_is_mounted_device(const char *device, bool *ret_is_mounted);

/* True when a file system is mounted exactly there. */
bool loopfile_is_mounted(const char *mount);

/*
 * Bytes of the image that have no place on its disk yet and find none there now: what the file
 * system inside believes to be free, and is not. 0 when it is fully allocated or has room to grow.
 */
MUST_CHECK Error *loopfile_missing_bytes(const char *image, uint64_t *ret_bytes);

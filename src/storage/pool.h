/*
 * The inside of a pool: what pool.c (pools come and go), storage.c (drivers and verbs) and
 * measure.c (space) share.
 */
#pragma once

#include "storage/image.h"
#include "storage/layout.h"
#include "storage/name_lock.h"
#include "storage/pool_file.h"
#include "storage/pool_guard.h"
#include "storage/storage.h"

typedef struct StorageDriver StorageDriver;

struct Pool {
    char *name;
    char *mount;
    char *image; /* NULL when somebody else mounts it */
    char *data_sub_dir;
    char *owner;
    const StorageDriver *driver;
    void *driver_private;
    NameLocks *locks;
    PoolGuard guard;
    bool is_to_look;
    int n_users; /* atomic */
};

/* Before anything is read from its paths: ERR_EXTERNAL it is not there any more. */
MUST_CHECK Error *pool_check_there(const Pool *pool);

/* Before anything is changed: the same, and ERR_BUG when it was opened to look. */
MUST_CHECK Error *pool_check_at_work(const Pool *pool);

/* Drivers, for pool.c; storage.c and measure.c alone look into them. */

/* ERR_INVALID for an unknown one (hint: the known ones). */
MUST_CHECK Error *driver_find(const char *name, const StorageDriver **ret_driver);
const char *driver_name(const StorageDriver *driver);

/* Makes an image with the driver's file system; ERR_INVALID when it would be too small. */
MUST_CHECK Error *driver_make_image(const StorageDriver *driver, const char *image,
                                    uint64_t size_bytes);

/* How the image of this pool is mounted: as its driver says, or else as what is in it says. */
const ImageOps *driver_image_ops(const PoolSpec *spec);

/* Once, in a new image that is mounted. */
MUST_CHECK Error *driver_prepare(const StorageDriver *driver, const char *mount);

/*
 * Checks that what is mounted there serves the driver; *ret_private goes to driver_close(). To look,
 * nothing is changed.
 */
MUST_CHECK Error *driver_open(const StorageDriver *driver, const char *mount, bool is_to_look,
                              void **ret_private);
void driver_close(const StorageDriver *driver, void *driver_private);

/* The file system takes all of its device. */
MUST_CHECK Error *driver_grow(const StorageDriver *driver, const char *mount);

/* Is this pool.json the one of the spec? ERR_CONFLICT (hint). */
MUST_CHECK Error *pool_check_identity(const PoolSpec *spec, const PoolFile *file);

/* Undoes what opening added to a mounted file system; the pool must be empty. */
MUST_CHECK Error *driver_dismantle(const StorageDriver *driver, const char *mount);

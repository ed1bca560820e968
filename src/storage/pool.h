/*
 * The inside of a pool: what pool.c (pools come and go) and storage.c (the verbs) share. Together
 * they are the front.
 */
#pragma once

#include "storage/driver.h"
#include "storage/name_lock.h"

#define POOL_VOLUMES   "volumes"
#define POOL_SNAPSHOTS "snapshots"
#define POOL_PRIVATE   ".ramet" /* in the pool, and in each volume */

struct Pool {
    char *name;
    char *mount;
    char *image; /* NULL when somebody else mounts it */
    char *data_sub_dir;
    char *owner;
    const StorageDriver *driver;
    void *driver_private;
    NameLocks *locks;
};

/* ERR_INVALID for an unknown one, with the known ones as the hint. */
MUST_CHECK Error *storage_find_driver(const char *name, const StorageDriver **ret_driver);

/*
 * pool_undo_snapshots - give volumes their own manifests back, where a snapshot was under way when
 * the server died: see storage_snapshot().
 */
MUST_CHECK Error *pool_undo_snapshots(const char *mount);

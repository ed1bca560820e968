/*
 * Which foreign snapshots a pool has, by their names with us. An empty directory at
 * <mount>/snapshots/<name> marks each, so that the front finds it; it is not kept mounted.
 */
#pragma once

#include <stdbool.h>

#include "storage/zfs/dblab.h"

typedef struct ZfsForeign ZfsForeign;

/* For the pool in this dataset, mounted there; knows of none yet. To look, it leaves marks alone. */
ZfsForeign *zfs_foreign_new(const char *dataset, const char *mount, bool is_to_look);
void zfs_foreign_free(ZfsForeign *foreign);

/* Asks ZFS what there is, and marks it; the marks of what is gone go. */
MUST_CHECK Error *zfs_foreign_refresh(ZfsForeign *foreign);

/* The ZFS snapshot of that name; caller frees. Asks when it is not known. ERR_NOT_FOUND. */
MUST_CHECK Error *zfs_foreign_find(ZfsForeign *foreign, const char *name, char **ret_snapshot);

/* Asks ZFS, and adds a StorageEntry * for each. */
MUST_CHECK Error *zfs_foreign_list(ZfsForeign *foreign, GPtrArray *entries);

/* Removes all marks. A missing directory is success. */
MUST_CHECK Error *zfs_foreign_unmark_all(const char *mount);

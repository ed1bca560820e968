/*
 * A part of storage.h. Snapshots that another program made in the storage of a pool: an existing
 * DBLab pool on ZFS. They are listed beside ours and can be cloned; they are never changed or
 * destroyed, and the program goes on using them.
 */
#pragma once

#include "storage/storage.h"

/* Their internal names begin so; none of ours does. */
#define STORAGE_FOREIGN_PREFIX "foreign-"

/* What is known of one besides its manifest, which is made up from what its maker wrote down. */
typedef struct StorageForeign {
    const char *maker; /* for messages; static */
    uint64_t logical_size;
    bool is_protected;
    int64_t protected_till_ms; /* 0 = for ever */
} StorageForeign;

/* By its name alone, so that a destruction cannot go wrong for want of an answer. */
bool storage_is_foreign(const char *snapshot);

/*
 * storage_show_foreign - make the data of one readable at storage_snapshot_data(), or hide it
 * again. Not while its maker waits: a snapshot that is shown cannot be destroyed by anybody.
 *
 * Undo: the same with false, which may be repeated; after a crash, opening the pool.
 */
MUST_CHECK Error *storage_show_foreign(Pool *pool, const char *snapshot, bool is_shown);

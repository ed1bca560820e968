/*
 * The bare command of a storage: what making a clone or a snapshot costs with nothing of ours around
 * it. Programs are started as Ramet starts them, so that the difference is Ramet's part.
 */
#pragma once

#include "base/error.h"

typedef struct BareStorage {
    const char *driver;
    const char *words; /* what is measured, for the table */
    /* Of <mount>/snapshots/<snapshot>, a clone called <name>; removed again by `destroy`. */
    Error *(*clone)(const char *mount, const char *snapshot, const char *name);
    Error *(*destroy)(const char *mount, const char *name);
    /* Of <mount>/volumes/<volume>, a snapshot called <name>; and away with it. NULL = as clone. */
    Error *(*snapshot)(const char *mount, const char *volume, const char *name);
    Error *(*destroy_snapshot)(const char *mount, const char *volume, const char *name);
    /* The one call that tells the sizes of all volumes; NULL = there is none. */
    Error *(*list)(const char *mount);
} BareStorage;

/* NULL for a driver that has none here. */
const BareStorage *bare_storage_find(const char *driver);

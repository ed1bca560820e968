/*
 * Snapshots that Database Lab Engine made in the dataset that a pool is in. They are read from its
 * properties, and cloned into datasets of ours. Nothing of them is ever changed or destroyed, and
 * they are not kept mounted, as that would keep DBLab from destroying them.
 */
#pragma once

#include "storage/storage_foreign.h"

typedef struct DblabSnapshot {
    char *snapshot; /* of ZFS: "tank/branch/dev@20260701100000"         */
    char *name;     /* of ours: STORAGE_FOREIGN_PREFIX and its ZFS guid */
    Manifest *manifest;
    StorageForeign foreign;
} DblabSnapshot;

void dblab_snapshot_free(DblabSnapshot *snapshot);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DblabSnapshot, dblab_snapshot_free)

/* What we call a snapshot of others that has this guid of ZFS's. Caller frees. */
char *zfs_foreign_name(uint64_t guid);

/*
 * zfs_dblab_parse - what `zfs get -Hp -o name,property,value,source` says of the snapshots below a
 * dataset. Pure. What was not made by DBLab, is half destroyed, or is a pre-snapshot is left out,
 * and so is a line that is not understood: anybody can set properties.
 *
 *   dataset   the pool's: public ids are what follows it, "@snapshot_…" or "/branch/…@…"
 *
 * GPtrArray of DblabSnapshot *; caller unrefs.
 */
GPtrArray *zfs_dblab_parse(const char *output, const char *dataset);

/* Asks ZFS; the same list. */
MUST_CHECK Error *zfs_dblab_list(const char *dataset, GPtrArray **ret_snapshots);

/*
 * Snapshots that somebody made by hand, or a timer, of volumes of ours. They are left alone: a
 * volume that has one is kept aside when it is destroyed. They hold space, so they are shown.
 */
#pragma once

#include "storage/storage.h"

/* Pure: from rows "name, ramet:kind" of snapshots; GPtrArray of char *, "<volume>@<snapshot>", the
 * first of each volume. Caller unrefs. */
GPtrArray *zfs_by_hand_find(const char *dataset, const GPtrArray *rows);

/* Adds a StorageEntry without a manifest for each. */
MUST_CHECK Error *zfs_by_hand_list(const char *dataset, GPtrArray *entries);

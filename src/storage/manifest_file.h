/*
 * Manifests in their places. They are written without fsync: a clone's is needed only to rebuild a
 * lost store, and one more write to the disk would double the cost of a clone.
 */
#pragma once

#include <stdbool.h>

#include "storage/manifest.h"

/* Writes the text of a manifest into the volume at this path. */
MUST_CHECK Error *manifest_file_write(const char *volume_path, const char *text);

/*
 * The manifest of the volume or snapshot at a path; NULL when it has none, or one that belongs to
 * something else: a clone that is half made still has its snapshot's.
 */
Manifest *manifest_file_find(const char *path, bool is_snapshot);

/*
 * manifest_file_lend - give a volume the manifest of the snapshot that is about to be taken of it.
 *
 * The volume's own one waits beside the pool's identity, outside of what the snapshot holds.
 *
 * Undo:   manifest_file_take_back(), safe to repeat; after a crash, manifest_file_take_back_all()
 *         when the pool is opened.
 */
MUST_CHECK Error *manifest_file_lend(const char *mount, const char *volume, const char *text);
MUST_CHECK Error *manifest_file_take_back(const char *mount, const char *volume);
MUST_CHECK Error *manifest_file_take_back_all(const char *mount);

/*
 * Running zfs(8) and zpool(8), and asking the mount table about their datasets.
 */
#pragma once

#include "storage/manifest.h"

/*
 * zfs_run - run zfs or zpool to its end, in the C locale.
 *
 *   ret_output   its stdout; caller frees; NULL = not wanted
 *
 * Errors: ERR_NOT_FOUND, ERR_CONFLICT (exists, or something depends on it), ERR_BUSY and
 *         ERR_NO_SPACE by what it says; ERR_EXTERNAL for the rest (detail: its stderr).
 */
MUST_CHECK Error *zfs_run(const char *const *argv, char **ret_output);

/* The same for a few words. */
MUST_CHECK Error *zfs_do(const char *program, ...) G_GNUC_NULL_TERMINATED;

/* The same with the properties of a new dataset or snapshot: who it is, for people and for us. */
MUST_CHECK Error *zfs_make(const char *verb, const Manifest *manifest, ...) G_GNUC_NULL_TERMINATED;

/* The rows of a listing made with -H, as zfs_parse_table() returns them. */
MUST_CHECK Error *zfs_list(const char *const *argv, guint columns, GPtrArray **ret_rows);

/* Are the programs there, and new enough? ERR_EXTERNAL missing (hint); ERR_INVALID too old. */
MUST_CHECK Error *zfs_check_version(void);

/* The dataset or snapshot mounted exactly there; *ret_dataset NULL for none. Caller frees. */
MUST_CHECK Error *zfs_mounted_at(const char *mount, char **ret_dataset);

/* The name of the pool that a dataset is in; caller frees. */
char *zfs_pool_of(const char *dataset);

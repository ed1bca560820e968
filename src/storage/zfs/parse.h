/*
 * What zfs(8), zpool(8) and the kernel's mount table print, as values. Pure functions: they look at
 * their argument and at nothing else.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

/*
 * zfs_parse_table - the rows of a listing made with -H: fields between tabs, a row a line.
 *
 *   ret_rows   GPtrArray of GStrv, each of exactly so many columns; caller unrefs
 *
 * Errors: ERR_EXTERNAL a row has more or fewer.
 */
MUST_CHECK Error *zfs_parse_table(const char *output, guint columns, GPtrArray **ret_rows);

/* A number as -p prints it; "-" (the dataset has no such property) is 0. ERR_EXTERNAL else. */
MUST_CHECK Error *zfs_parse_number(const char *field, uint64_t *ret_value);

/* A ratio: "1.53", and with the "x" that older versions add. ERR_EXTERNAL else. */
MUST_CHECK Error *zfs_parse_ratio(const char *field, double *ret_ratio);

/*
 * The release in what `zfs version` prints first, "zfs-2.1.11-1+deb12u1", as 201; 0 when it does
 * not say, as a build from git may not.
 */
int zfs_parse_version(const char *output);

/* What a failed zfs or zpool means by what it wrote to stderr; ERR_EXTERNAL when it is unknown. */
ErrorCode zfs_parse_failure(const char *errors);

/* What a person can do about it; NULL when nothing of general use is known. Static. */
const char *zfs_parse_hint(const char *errors);

/*
 * The dataset or snapshot that is mounted exactly there, as /proc/self/mountinfo has it (the last
 * mount wins); NULL when none is. Caller frees.
 */
char *zfs_parse_mounted(const char *mountinfo, const char *mount);

/* The pool that lives on this file or device, by the output of `zpool list -HvP`; NULL for none. */
char *zfs_parse_pool_on(const char *listing, const char *device);

/*
 * Installed PostgreSQL majors: Debian's /usr/lib/postgresql/<major>/bin and configured directories.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef struct Installation {
    int64_t major;
    char *bin_dir; /* holds postgres; maybe not initdb and pg_dump */
} Installation;

void installation_free(Installation *installation);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Installation, installation_free)

/*
 * installation_list - all that are found, lowest major first, configured ones before Debian's.
 *
 *   extra_dirs   postgres.binDirs: absolute paths, NULL-terminated; NULL = none
 *   ret_list     GPtrArray of Installation *; caller unrefs
 *
 * Errors: ERR_INVALID a relative path; ERR_NOT_FOUND no PostgreSQL in one of extra_dirs (hint).
 */
MUST_CHECK Error *installation_list(const char *const *extra_dirs, GPtrArray **ret_list);

/* Exactly this major; caller frees. ERR_NOT_FOUND (hint: its package; detail: what there is). */
MUST_CHECK Error *installation_find(const char *const *extra_dirs, int64_t major,
                                    Installation **ret);

/* The major itself, or else the lowest above it, which takes its dumps. The same otherwise. */
MUST_CHECK Error *installation_find_for_source(const char *const *extra_dirs, int64_t source_major,
                                               Installation **ret);

/*
 * installation_program - path of a program: beside postgres, or else in another installation or a
 * client's package, or in PATH, of at least that major.
 *
 *   ret_path   caller frees
 *
 * Errors: ERR_NOT_FOUND (hint: the package).
 */
MUST_CHECK Error *installation_program(const char *const *extra_dirs,
                                       const Installation *installation, const char *program,
                                       char **ret_path);

/* PG_VERSION of a data directory. ERR_INVALID when it is none. */
MUST_CHECK Error *installation_data_major(const char *data_dir, int64_t *ret_major);

/* True when the extension's control file is there. */
bool installation_has_extension(const Installation *installation, const char *extension);

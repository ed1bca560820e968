/*
 * Installed PostgreSQL majors: Debian's /usr/lib/postgresql/<major>/bin and configured directories.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef struct Installation {
    int64_t major;
    char *bin_dir; /* holds postgres, initdb, pg_controldata …; maybe not pg_dump */
} Installation;

void installation_free(Installation *installation);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Installation, installation_free)

/*
 * All that are found, lowest major first: GPtrArray of Installation *; extra_dirs NULL-terminated
 * or NULL.
 */
MUST_CHECK Error *installation_list(const char *const *extra_dirs, GPtrArray **ret_list);

/*
 * Exactly this major. ERR_NOT_FOUND `PostgreSQL 16 is not installed` (hint: package; detail: what
 * is).
 */
MUST_CHECK Error *installation_find(const char *const *extra_dirs, int64_t major,
                                    Installation **ret);

/* The major itself, or else the lowest above it (a dump can be restored there). */
MUST_CHECK Error *installation_find_for_source(const char *const *extra_dirs, int64_t source_major,
                                               Installation **ret);

/*
 * Path of a program: beside postgres, or else in PATH or in another installation of at least that
 * major.
 */
MUST_CHECK Error *installation_program(const char *const *extra_dirs,
                                       const Installation *installation, const char *program,
                                       char **ret_path);

/* PG_VERSION of a data directory. ERR_INVALID when it is none. */
MUST_CHECK Error *installation_data_major(const char *data_dir, int64_t *ret_major);

/* True when the extension's control file is there. */
bool installation_has_extension(const Installation *installation, const char *extension);

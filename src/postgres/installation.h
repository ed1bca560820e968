/*
 * PostgreSQL majors: those installed on this machine (Debian's /usr/lib/postgresql/<major>/bin and
 * configured directories), or in an image (image_probe.h).
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/proc.h"

typedef struct Installation {
    int64_t major;
    char *bin_dir;          /* holds postgres; maybe not initdb and pg_dump */
    char *image;            /* whose directory that is; NULL = this machine's  */
    GHashTable *extensions; /* of an image: set of names              */
} Installation;

/* bin_dir is copied; caller frees. */
Installation *installation_new(int64_t major, const char *bin_dir);
void installation_free(Installation *installation);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Installation, installation_free)

/* How a program of an installation is run, wherever that is: as proc_run(), in spec->cwd. */
typedef struct ProgramRunner {
    const char *scratch; /* a directory where those for spec->cwd are made */
    Error *(*run)(const ProcSpec *spec, ProcResult *ret_result, void *data);
    void *data;
} ProgramRunner;

/*
 * installation_list - all that are found, lowest major first, configured ones before Debian's.
 *
 *   extra_dirs   postgres.binDirs: absolute paths, NULL-terminated; NULL = none
 *   ret_list     GPtrArray of Installation *; caller unrefs
 *
 * Errors: ERR_INVALID a relative path; ERR_NOT_FOUND no PostgreSQL in one of extra_dirs (hint).
 */
MUST_CHECK Error *installation_list(const char *const *extra_dirs, GPtrArray **ret_list);

/*
 * installation_choose - exactly this major of a list; or else the lowest above it, which takes its
 * dumps.
 *
 *   ret   caller frees
 *
 * Errors: ERR_NOT_FOUND (hint: its package, or image; detail: what there is).
 */
MUST_CHECK Error *installation_choose(const GPtrArray *list, int64_t major, bool or_newer,
                                      Installation **ret);

/*
 * installation_program - path of a program on this machine: beside postgres, or else in another
 * installation or a client's package, or in PATH, of at least that major.
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

/* "<bin_dir>/<program>", wherever that is. Caller frees. */
char *installation_own_program(const Installation *installation, const char *program);

/* True when the extension's control file is there. */
bool installation_has_extension(const Installation *installation, const char *extension);

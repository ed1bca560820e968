/*
 * The root file system of all clones: a directory of a few small files and mount points. Programs
 * and libraries are the host's, bound into it read-only.
 */
#pragma once

#include <glib.h>

#include "base/error.h"
#include "runtime/place.h"

/* Makes, or renews, the directory. May be repeated while clones run in it. */
MUST_CHECK Error *root_make(const char *root, const RuntimePlace *place);

/*
 * What of the host is bound into it, at the same paths, for PostgreSQL programs in bin_dir:
 * GPtrArray of char *; caller unrefs.
 */
GPtrArray *root_host_paths(const char *bin_dir);

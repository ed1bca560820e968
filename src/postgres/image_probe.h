/*
 * Which PostgreSQL an image holds. A shell script is run in a container of it, once, and says where
 * the programs are, of which major, and which extensions there are for them.
 */
#pragma once

#include <glib.h>

#include "base/error.h"

/* The program to run: NULL-terminated. */
extern const char *const image_probe_argv[];

/*
 * image_probe_parse - what it has said.
 *
 *   image      its name, for errors
 *   ret_list   GPtrArray of Installation *, lowest major first; caller unrefs
 *
 * Errors: ERR_NOT_FOUND no PostgreSQL is in it (hint); ERR_EXTERNAL it said something else.
 */
MUST_CHECK Error *image_probe_parse(const char *image, const char *text, GPtrArray **ret_list);

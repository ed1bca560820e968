/*
 * Tools that have outlived a killed server. The tool itself dies with us, but the workers that
 * pg_dump forks do not notice before they are done with their table, which may be hours. They are
 * known by a mark in their environment.
 */
#pragma once

#include "base/error.h"

/* "RAMET_WORK=<id>": to be set for each tool of a work. Caller frees. */
char *orphan_mark(const char *id);

/* Stops every process that carries the mark, and waits for their end. ERR_TIMEOUT one lives on. */
MUST_CHECK Error *orphans_stop(const char *id);

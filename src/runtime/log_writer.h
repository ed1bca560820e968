/*
 * The writers of logs: a process of ramet-log for each container, between its output and its log.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

typedef struct LogWriters LogWriters;

/*
 * log_writers_new - none yet.
 *
 *   max_bytes   of a log: twice as much is its bound, see ramet_log.c
 *   state_dir   for people: whose a writer is
 *   user        operating-system user to run as; NULL = as we are
 */
LogWriters *log_writers_new(int64_t max_bytes, const char *state_dir, const char *user);
void log_writers_free(LogWriters *writers); /* they run on */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LogWriters, log_writers_free)

/*
 * log_writers_start - start a writer that ends when nobody can write to it any more.
 *
 *   ret_fd   what an instance has as its stdout and stderr; CLOEXEC, caller closes
 *
 * Errors: ERR_EXTERNAL the program is missing (hint), or the log cannot be opened; ERR_BUSY.
 */
MUST_CHECK Error *log_writers_start(LogWriters *writers, const char *id, const char *log_path,
                                    int *ret_fd);

/* The instance has ended: waits, not long, until all that it has said is in its log. */
void log_writers_finish(LogWriters *writers, const char *id);

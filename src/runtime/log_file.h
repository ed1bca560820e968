/*
 * A log that programs add to while we shorten and read it. What is old is given back to the file
 * system by punching a hole at the beginning: no writer notices, no line is lost in between, and an
 * offset means the same line for ever. So the file's size is all that was ever written; what it
 * takes is its blocks.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define LOG_LINE_MAX 16384 /* bytes of a line as it is given; longer ones end in "…" */

/* Removes what is no plain file, a link or a pipe, from where a log shall be: a start would fail. */
MUST_CHECK Error *log_file_clear_place(const char *path);

typedef struct LogTrimmed {
    int64_t size;
    bool is_restarted; /* offsets begin anew: what follows says when */
} LogTrimmed;

/*
 * log_file_trim - keep a log within its limits.
 *
 *   max_bytes     when it takes more, the last three quarters of this are kept
 *   drop_before   what lies before this offset goes anyhow; 0 = nothing does
 *   ret_trimmed   as it is now
 *
 * Where the file system cannot punch holes (NFS before 4.2), or the writer plays tricks with its
 * descriptor (space reserved past the end, sizes beyond all reason), the file is written anew with
 * its last MiB: what is logged in that moment is lost, and offsets begin anew.
 *
 * Errors: ERR_NOT_FOUND no such file; ERR_EXTERNAL, also when it is not a plain file.
 */
MUST_CHECK Error *log_file_trim(const char *path, int64_t max_bytes, int64_t drop_before,
                                LogTrimmed *ret_trimmed);

typedef struct LogQuery {
    int64_t after; /* offset of the first line; -1 = the last lines */
    unsigned max_lines;
} LogQuery;

typedef struct LogPage {
    GPtrArray *lines;      /* of char *, owned; valid UTF-8 without their ends */
    int64_t next_offset;   /* where to read on                                 */
    int64_t skipped_bytes; /* after the offset asked for, and gone already     */
} LogPage;

void log_page_clear(LogPage *page);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(LogPage, log_page_clear)

/*
 * log_file_read - lines of a log, from an offset on or the last ones; never more than a MiB of it.
 * A last line without its end is there once nothing was added for a second. An offset past the end
 * is one of before the log began anew: it is read from the beginning.
 *
 *   ret_page   caller clears
 *
 * Errors: ERR_NOT_FOUND no such file; ERR_EXTERNAL, also when it is not a plain file.
 */
MUST_CHECK Error *log_file_read(const char *path, const LogQuery *query, LogPage *ret_page);

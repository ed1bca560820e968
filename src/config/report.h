/*
 * All problems of one configuration file, and the lines on which its keys stand.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct Report {
    GPtrArray *problems; /* ConfigProblem * */
    GHashTable *lines;   /* path of a key in the file → its line */
    size_t error_count;
    size_t warning_count;
} Report;

void report_init(Report *report);
void report_clear(Report *report);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Report, report_clear)

/* Remembers where a key stands. */
void report_place(Report *report, const char *path, int line);

bool report_has_key(const Report *report, const char *path);
bool report_has_error(const Report *report, const char *path);

/* The line of a key, or of the nearest section around it that the file has; 0 = none of them. */
int report_line(const Report *report, const char *path);

/*
 * report_error, report_warning - put a problem on the list.
 *
 *   path   of the option ("" = the file); its line is looked up
 *   hint   what a person can do; NULL = nothing to add
 *
 * Past some hundred of a kind they are counted and no longer listed. A problem that was said
 * already about the same line (a key merged into several places) is said once.
 */
void report_error(Report *report, const char *path, const char *hint, const char *fmt, ...)
    G_GNUC_PRINTF(4, 5);
void report_warning(Report *report, const char *path, const char *hint, const char *fmt, ...)
    G_GNUC_PRINTF(4, 5);

/* Hands out the problems in the order of lines, caller unrefs; the report is without them then. */
GPtrArray *report_steal_problems(Report *report);

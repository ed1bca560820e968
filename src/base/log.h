/*
 * One line, one event, on stderr: time, level, text, then key=value. Values with blanks, quotes or
 * control characters are quoted and escaped, so a line is always one line. Library folders return
 * errors and log nothing above debug; a failure is logged once, where it ends.
 */
#pragma once

#include "base/error.h"

typedef enum LogLevel {
    LOG_LEVEL_DEBUG,
    LOG_LEVEL_INFO,
    LOG_LEVEL_WARN,  /* degraded but going on, and how */
    LOG_LEVEL_ERROR, /* someone must act               */
} LogLevel;

/* Lines below this level are dropped. Default: info. */
void log_set_level(LogLevel level);

/*
 * log_line - write one event.
 *
 *   text   what happened, constant text
 *   ...    pairs of const char * (key, value), ended by NULL; a NULL value is printed as "-"
 */
void log_line(LogLevel level, const char *text, ...) G_GNUC_NULL_TERMINATED;

#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__, NULL)
#define log_info(...)  log_line(LOG_LEVEL_INFO, __VA_ARGS__, NULL)
#define log_warn(...)  log_line(LOG_LEVEL_WARN, __VA_ARGS__, NULL)
#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__, NULL)

/* The same, followed by code=, error=, detail= and hint= of the error (borrowed). */
void log_failure(LogLevel level, const Error *e, const char *text, ...) G_GNUC_NULL_TERMINATED;

/*
 * A text that must never be printed (a token, a password): it is ******** in every later line. NULL
 * and texts of less than 4 bytes are not masked: the holes would give them away.
 */
void log_add_secret(const char *secret);

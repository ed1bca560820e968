/*
 * What went wrong in a PostgreSQL tool, from the lines of its stderr: --verbose chatter left out,
 * the first few errors kept with what belongs to them, the cause recognised.
 */
#pragma once

#include "base/error.h"

typedef struct ToolErrors ToolErrors;

/* tool: its name as it begins each message, "pg_restore". */
ToolErrors *tool_errors_new(const char *tool);
void tool_errors_free(ToolErrors *errors);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ToolErrors, tool_errors_free)

void tool_errors_line(ToolErrors *errors, const char *line);

/*
 * tool_errors_take - replaces the failure of the program by what its lines told: the first error is
 * the message, the first few are the detail; code and hint by the recognised cause. Unchanged when
 * no error was seen, or when it was stopped (ERR_TIMEOUT).
 */
MUST_CHECK Error *tool_errors_take(const ToolErrors *errors, Error *failure);

/*
 * Running PostgreSQL's tools for a refresh: environment, progress and errors in one place. A
 * password travels in the tool's environment only; the tools end when the refresh is cancelled or
 * the server dies.
 */
#pragma once

#include "base/proc.h"
#include "retrieval/work.h"

typedef struct Tool Tool;

/* program is a constant. ERR_NOT_FOUND it is not installed (hint). */
MUST_CHECK Error *tool_new(const Work *work, const char *program, Tool **ret_tool);

/*
 * The same of a server's program: it runs where instances do, in the data directory, and names its
 * files relative to that.
 */
MUST_CHECK Error *tool_new_inside(const Work *work, const char *program, Tool **ret_tool);
void tool_free(Tool *tool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Tool, tool_free)

void tool_arg(Tool *tool, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

/* An option for each word of a list (NULL = none): "--table", or "" where words are the options. */
void tool_arg_list(Tool *tool, const char *option, const json_t *list);

/* The server that it talks to, by environment. */
void tool_use_source(Tool *tool);
void tool_use_target(Tool *tool);

/*
 * tool_run - to its end.
 *
 *   input        its stdin, or NULL
 *   ret_result   as of proc_run(), or NULL
 *
 * Errors: the tool's first error as the message, the first few as the detail; ERR_NO_SPACE,
 *         ERR_DENIED … by cause; ERR_TIMEOUT cancelled.
 */
MUST_CHECK Error *tool_run(Tool *tool, const char *input, ProcResult *ret_result);

/*
 * Help texts, made from the table of commands.
 */
#pragma once

#include "cli/commands.h"

/* Help for a command, a group, or (NULL) all. Caller frees. */
char *help_format(const Command *command);

/* The reference page: docs/cli.md. Caller frees. */
char *help_format_markdown(void);

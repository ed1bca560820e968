/*
 * Shell completion scripts, made from the table of commands.
 */
#pragma once

#include "base/error.h"

/* The script for "bash" or "zsh"; ERR_INVALID for another shell. Caller frees. */
MUST_CHECK Error *completion_format(const char *shell, char **ret_script);

/*
 * A password, without showing it.
 */
#pragma once

#include "base/error.h"

/*
 * Asks on the terminal with echo off. ERR_INVALID when stdin is no terminal, with a hint. Caller
 * frees.
 */
MUST_CHECK Error *password_ask(const char *prompt, char **ret_password);

/* The first line of a file; "-" is stdin. Caller frees. */
MUST_CHECK Error *password_read_file(const char *path, char **ret_password);

/*
 * A password, without showing it.
 */
#pragma once

#include "base/error.h"

/* Asks on the terminal with echo off; caller frees. ERR_INVALID stdin is no terminal (hint). */
MUST_CHECK Error *password_ask(const char *prompt, char **ret_password);

/* The first line of a file, "-" = stdin; caller frees. ERR_NOT_FOUND; ERR_INVALID empty stdin. */
MUST_CHECK Error *password_read_file(const char *path, char **ret_password);

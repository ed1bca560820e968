/*
 * The programs of storage: the one place in this folder that starts any. What they print is read, so
 * they speak the C locale, whatever that of the server is.
 */
#pragma once

#include "base/proc.h"

/* Where udev listens, if it runs; tests put another path here. */
extern const char *program_udev_socket;

/* As proc_run() with a deadline. ret_result NULL = not wanted. Errors: those of proc_run(). */
MUST_CHECK Error *program_run(const char *const *argv, int64_t timeout_ms, ProcResult *ret_result);

/* The same, and its output without the white space around; NULL = not wanted. Caller frees. */
MUST_CHECK Error *program_ask(const char *const *argv, int64_t timeout_ms, char **ret_output);

/* The same with one word more at the end, as the device or file that it is about. */
MUST_CHECK Error *program_run_on(const char *const *argv, const char *last, int64_t timeout_ms);

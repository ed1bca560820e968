/*
 * Names of operating-system users.
 */
#pragma once

#include <sys/types.h>

/* Safe in parallel threads, unlike getpwuid(3). NULL = the number has no name. Caller frees. */
char *user_name(uid_t uid);

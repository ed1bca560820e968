/*
 * Variables of the environment that are for one purpose only, as libpq's are for the source: taken
 * out of the process at its start, so that no library and no child finds them by itself.
 */
#pragma once

/*
 * environment_take - from now on the variables whose names begin so are not in the environment any
 * more, and are known to the functions below alone. Called once, before there are threads.
 *
 *   shared   names that stay in the environment, too; NULL-terminated, or NULL
 */
void environment_take(const char *prefix, const char *const *shared);

/* What was taken, "NAME=value", NULL-terminated; borrowed. */
const char *const *environment_taken(void);

/* The value of a variable, taken or not; NULL = not set. Borrowed. */
const char *environment_get(const char *name);

/*
 * postgresql.auto.conf: what a superuser has set by ALTER SYSTEM, and may keep his server from
 * starting. The data directory is his to write: what has that name is renamed, never read or
 * followed.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/* Its name while it is set aside, in the data directory, too; one that was there before goes. */
#define CONF_AUTO_ASIDE "postgresql.auto.conf.set-aside"

/*
 * Sets it aside; PostgreSQL starts without one. *ret_is_aside: there was one. Errors: ERR_EXTERNAL
 * the data directory cannot be entered, or the name is taken by a directory.
 */
MUST_CHECK Error *conf_set_auto_aside(const char *data_dir, bool *ret_is_aside);

/* The way back, unless there is a new one by now. May be repeated. */
MUST_CHECK Error *conf_put_auto_back(const char *data_dir);

bool conf_auto_is_aside(const char *data_dir);

/*
 * The form of a timetable: five fields of cron.
 */
#pragma once

#include "base/error.h"

/* NULL for "0 4 * * 1-5", "0,30 * * jan mon" and the like; ERR_INVALID names the wrong field. */
MUST_CHECK Error *cron_check(const char *text);

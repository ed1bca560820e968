/*
 * The form of a timetable: five fields of cron.
 */
#pragma once

#include "base/error.h"

/* ERR_INVALID with the field that is wrong; NULL for "0 4 * * 1-5", "0,30 * * jan mon" and the
 * like. */
MUST_CHECK Error *cron_check(const char *text);

/*
 * How old is what is in a log? Lines may have times of any form, or none: so each day it is noted
 * how long each log was. Pure functions over a JSON object, log → [[day, offset], …], which is kept
 * in a file: days count from 1970, what is past the offset was written on that day or later.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Notes the size of today, once; what is in an unknown log counts as of today. True = noted. */
bool log_age_note(json_t *ages, const char *name, int64_t day, int64_t size);

/* What lies before this offset was written before a day; 0 = nothing is known to be. */
int64_t log_age_offset(const json_t *ages, const char *name, int64_t before_day);

/* That is gone now. */
void log_age_forget(json_t *ages, const char *name, int64_t before_day);

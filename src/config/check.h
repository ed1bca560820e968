/*
 * Rules that look at more than one option, or deeper into one than its type.
 */
#pragma once

#include "config/config.h"
#include "config/report.h"

/* Runs every rule; an option that has an error already is left alone. */
void check_config(const Config *config, Report *report);

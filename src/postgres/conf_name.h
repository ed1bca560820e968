/*
 * Names and values of settings, as a configuration file can hold them.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

/* "work_mem", "auto_explain.log_timing": letters, digits, "_" and "$", and one dot at most. */
bool conf_name_is_valid(const char *name);

/* Lines `name = 'value'`, quoted; what cannot stand in a file is left out. Caller frees. */
char *conf_format_settings(const json_t *settings);

/* A scalar as text: true is "on"; NULL when it is no scalar. Caller frees. */
char *conf_value_text(const json_t *value);

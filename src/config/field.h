/*
 * One option's value: from its place in the file into its field of Config, by the type of its row.
 */
#pragma once

#include "config/config.h"
#include "config/options.h"
#include "config/report.h"
#include "config/yaml.h"

typedef struct Field {
    Config *config;
    Report *report;
    const char *path; /* as in the file */
    const Option *option;
    const YamlNode *node;
} Field;

/* Stores the value; an unfit one is reported, and the field keeps what it had. */
void field_store(const Field *field);

/* Reports "must be <wanted>, not …"; a secret is not shown. field->option may be NULL. */
void field_type_error(const Field *field, const char *wanted);

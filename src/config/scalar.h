/*
 * The value that a YAML 1.1 scalar stands for: yes/no/on/off are booleans, a leading zero is octal.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "config/yaml.h"

/*
 * scalar_to_json - null, boolean, integer, real, or else the text itself.
 *
 *   text       the scalar's text
 *   is_plain   false for a quoted one, which is always a text
 *
 * Caller decrefs. Whole numbers beyond 64 bits stay texts, and so do times.
 */
json_t *scalar_to_json(const char *text, bool is_plain);

/* The same of a node; NULL when it is no scalar. Caller decrefs. */
json_t *scalar_of_node(const YamlNode *node);

/* A text itself, any other value as it is written. Caller frees. */
char *scalar_text(const json_t *value);

/* True for "key:" without a value, "~" and "null". */
bool scalar_is_null(const YamlNode *node);

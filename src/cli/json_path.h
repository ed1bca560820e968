/*
 * Reaching into JSON by a dotted path: "snapshot.id".
 */
#pragma once

#include <stdbool.h>

#include "base/json.h"

/* The value at a path, borrowed; NULL when any part of the path is missing. json may be NULL. */
json_t *json_at(const json_t *json, const char *path);

/* The text at a path, borrowed; "" when it is missing or is no text. */
const char *json_text_at(const json_t *json, const char *path);

/* False when missing or no truth value. */
bool json_flag_at(const json_t *json, const char *path);

/* Puts a value at a path, making the objects on the way. */
void json_put_at(json_t *json, const char *path, json_t *value_take);

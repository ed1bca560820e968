/*
 * Reading the fields of a request's JSON body: keys match without regard to case (an exact match is
 * preferred), null counts as absent, a wrong type is an error that names the field. And the numbers
 * of its query.
 */
#pragma once

#include <jansson.h>

#include "api/http.h"

/*
 * An empty body gives an empty object where it may be empty. Caller decrefs.
 *
 * Errors: ERR_INVALID `failed to unmarshal json: …`; for null `missing <what> request`.
 */
MUST_CHECK Error *fields_parse(const Request *request, const char *what, bool may_be_empty,
                               json_t **ret_object);

/*
 * What they find is borrowed from the object; when the field is absent, nothing is touched. A whole
 * number (uint) is 0..2147483647.
 */
MUST_CHECK Error *fields_text(const json_t *object, const char *name, const char **ret_text);
MUST_CHECK Error *fields_bool(const json_t *object, const char *name, bool *ret_value);
MUST_CHECK Error *fields_uint(const json_t *object, const char *name, bool *ret_has,
                              int64_t *ret_value);
MUST_CHECK Error *fields_object(const json_t *object, const char *name, json_t **ret_object);
bool fields_has(const json_t *object, const char *name);

/*
 * fields_query - a whole number of the query, "?wait=30".
 *
 *   ret_value   untouched when it is not there
 *
 * Errors: ERR_INVALID, with a hint that names the bounds.
 */
MUST_CHECK Error *fields_query(const Request *request, const char *name, int64_t min, int64_t max,
                               int64_t *ret_value);

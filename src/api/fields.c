/*
 * Reading the fields of a request's JSON body.
 */
#include "api/fields.h"

#include <glib.h>
#include <strings.h>

#include "base/text.h"

static json_t *fields_find(const json_t *object, const char *name)
{
    json_t *exact = json_object_get(object, name);
    const char *key;
    json_t *value;

    if (exact)
        return exact;
    /* jansson's iteration wants a mutable object, and leaves it as it is */
    json_object_foreach ((json_t *)(uintptr_t)object, key, value)
        if (strcasecmp(key, name) == 0)
            return value;
    return NULL;
}

static const char *fields_type_name(const json_t *value)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array",     [JSON_STRING] = "a string",
        [JSON_INTEGER] = "a number", [JSON_REAL] = "a real number", [JSON_TRUE] = "a boolean",
        [JSON_FALSE] = "a boolean",  [JSON_NULL] = "null",
    };

    return names[json_typeof(value)];
}

static Error *fields_wrong_type(const char *name, const json_t *value, const char *wanted,
                                const char *example)
{
    Error *e = error_new(ERR_INVALID, "failed to unmarshal json: field \"%s\" must be %s, not %s",
                         name, wanted, fields_type_name(value));
    return error_hint(e, "Write it like this: \"%s\": %s", name, example);
}

static Error *fields_broken(const Request *request, const json_error_t *problem)
{
    bool is_empty = request->body_size == 0;
    Error *e =
        error_new(ERR_INVALID, "failed to unmarshal json: line %d, column %d: %s", problem->line,
                  problem->column, is_empty ? "unexpected end of JSON input" : problem->text);
    return error_hint(e, is_empty ? "Send a JSON object as the body of the request."
                                  : "Correct the body there: it must be one JSON object in UTF-8.");
}

static Error *fields_no_object(const char *what, const json_t *value)
{
    Error *e =
        json_is_null(value)
            ? error_new(ERR_INVALID, "missing %s request", what)
            : error_new(ERR_INVALID, "failed to unmarshal json: the body must be an object, not %s",
                        fields_type_name(value));
    return error_hint(e, "Send a JSON object as the body of the request.");
}

/* The body itself is not repeated in the error: it may hold a password. */
Error *fields_parse(const Request *request, const char *what, bool may_be_empty,
                    json_t **ret_object)
{
    json_error_t problem;

    if (may_be_empty && request->body_size == 0) {
        *ret_object = json_object();
        return NULL;
    }
    json_t *object = json_loadb(request->body, request->body_size,
                                JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);
    if (!object)
        return fields_broken(request, &problem);
    if (!json_is_object(object)) {
        Error *e = fields_no_object(what, object);
        json_decref(object);
        return e;
    }
    *ret_object = object;
    return NULL;
}

bool fields_has(const json_t *object, const char *name)
{
    const json_t *value = fields_find(object, name);

    return value && !json_is_null(value);
}

Error *fields_query(const Request *request, const char *name, int64_t min, int64_t max,
                    int64_t *ret_value)
{
    const char *text = http_query(request, name);
    Error *e = text ? text_parse_int(text, min, max, ret_value) : NULL;

    if (!e)
        return NULL;
    return error_hint(error_wrap(e, "%s", name),
                      "Give a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT ".", min,
                      max);
}

Error *fields_text(const json_t *object, const char *name, const char **ret_text)
{
    const json_t *value = fields_find(object, name);

    if (!value || json_is_null(value))
        return NULL;
    if (!json_is_string(value))
        return fields_wrong_type(name, value, "a string", "\"text\"");
    *ret_text = json_string_value(value);
    return NULL;
}

Error *fields_bool(const json_t *object, const char *name, bool *ret_value)
{
    const json_t *value = fields_find(object, name);

    if (!value || json_is_null(value))
        return NULL;
    if (!json_is_boolean(value))
        return fields_wrong_type(name, value, "a boolean", "true");
    *ret_value = json_is_true(value);
    return NULL;
}

Error *fields_uint(const json_t *object, const char *name, bool *ret_has, int64_t *ret_value)
{
    const json_t *value = fields_find(object, name);

    if (!value || json_is_null(value))
        return NULL;
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) > INT32_MAX)
        return fields_wrong_type(name, value, "a whole number from 0 to 2147483647", "60");
    *ret_has = true;
    *ret_value = json_integer_value(value);
    return NULL;
}

Error *fields_object(const json_t *object, const char *name, json_t **ret_object)
{
    json_t *value = fields_find(object, name);

    if (!value || json_is_null(value))
        return NULL;
    if (!json_is_object(value))
        return fields_wrong_type(name, value, "an object", "{}");
    *ret_object = value;
    return NULL;
}

/*
 * Reading a request's JSON body and query.
 */
#include "api/fields.h"

#include <glib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"

#define FIELDS_BOM "\xef\xbb\xbf"

/* jansson's iteration wants a mutable object, and leaves it as it is. */
#define FIELDS_EACH(object, key, value)                                                            \
    json_object_foreach ((json_t *)(uintptr_t)(object), key, value)

static const char *const field_wants[] = {
    [FIELD_TEXT] = "a string",
    [FIELD_BOOL] = "a boolean",
    [FIELD_UINT] = "a whole number from 0 to 2147483647",
    [FIELD_TIME] = "a time as a string",
    [FIELD_OBJECT] = "an object",
};

static const char *const field_examples[] = {
    [FIELD_TEXT] = "\"text\"", [FIELD_BOOL] = "true",
    [FIELD_UINT] = "60",       [FIELD_TIME] = "\"2030-12-31T23:59:59Z\"",
    [FIELD_OBJECT] = "{}",
};

static const char *fields_type_name(const json_t *value)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array",     [JSON_STRING] = "a string",
        [JSON_INTEGER] = "a number", [JSON_REAL] = "a real number", [JSON_TRUE] = "a boolean",
        [JSON_FALSE] = "a boolean",  [JSON_NULL] = "null",
    };

    return names[json_typeof(value)];
}

/* --- keys --- */

static Error *fields_twice(const char *name)
{
    g_autofree char *shown = text_printable(name, 64);

    return error_hint(
        error_new(ERR_INVALID, "failed to unmarshal json: field \"%s\" is there twice", shown),
        "Give it once: upper and lower case are the same.");
}

/* *ret_value: NULL when it is absent, or null. */
static Error *fields_find(const json_t *object, const char *name, json_t **ret_value)
{
    json_t *found = NULL, *value;
    const char *key;

    FIELDS_EACH(object, key, value)
    {
        if (g_ascii_strcasecmp(key, name) != 0)
            continue;
        if (found)
            return fields_twice(name);
        found = value;
    }
    *ret_value = json_is_null(found) ? NULL : found;
    return NULL;
}

/* An object whose keys are not known here: nulls are taken out, and no key is there twice. */
static Error *fields_free_keys(json_t *object)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    const char *key;
    json_t *value;
    void *next;

    json_object_foreach_safe(object, next, key, value)
    {
        if (!g_hash_table_add(seen, g_ascii_strdown(key, -1)))
            return fields_twice(key);
        if (json_is_null(value))
            json_object_del(object, key);
    }
    return NULL;
}

/* --- values --- */

static bool field_fits(const json_t *value, FieldType type)
{
    switch (type) {
    case FIELD_TEXT:
    case FIELD_TIME:
        return json_is_string(value);
    case FIELD_BOOL:
        return json_is_boolean(value);
    case FIELD_UINT:
        return json_is_integer(value) && json_integer_value(value) >= 0 &&
               json_integer_value(value) <= INT32_MAX;
    case FIELD_OBJECT:
        return json_is_object(value);
    }
    return false;
}

static Error *field_wrong_type(const Field *field, const json_t *value)
{
    Error *e = error_new(ERR_INVALID, "failed to unmarshal json: field \"%s\" must be %s, not %s",
                         field->name, field_wants[field->type], fields_type_name(value));

    return error_hint(e, "Write it like this: \"%s\": %s", field->name,
                      field_examples[field->type]);
}

static Error *field_read_time(const Field *field, const char *text, TimeField *ret_field)
{
    int64_t at_ms = 0;
    Error *e = clock_parse_rfc3339(text, &at_ms);

    if (e)
        return error_hint(error_wrap(e, "%s", field->name), "Give %s like this: %s.", field->name,
                          field_examples[FIELD_TIME]);
    *ret_field = (TimeField){true, at_ms};
    return NULL;
}

static Error *field_take(const Field *field, json_t *value, void *place)
{
    switch (field->type) {
    case FIELD_TEXT:
        *(TextField *)place = (TextField){true, json_string_value(value)};
        return NULL;
    case FIELD_BOOL:
        *(BoolField *)place = (BoolField){true, json_is_true(value)};
        return NULL;
    case FIELD_UINT:
        *(UintField *)place = (UintField){true, json_integer_value(value)};
        return NULL;
    case FIELD_TIME:
        return field_read_time(field, json_string_value(value), place);
    case FIELD_OBJECT:
        *(ObjectField *)place = (ObjectField){true, value};
        return field->inner ? NULL : fields_free_keys(value);
    }
    return NULL;
}

/* object: NULL = none of the fields is given. */
static Error *fields_take(const json_t *object, const Field *fields, void *values)
{
    for (const Field *field = fields; field->name; field++) {
        void *place = (char *)values + field->offset;
        json_t *value = NULL;

        TRY(fields_find(object, field->name, &value));
        if (value && !field_fits(value, field->type))
            return field_wrong_type(field, value);
        if (value)
            TRY(field_take(field, value, place));
        else if (field->type == FIELD_TEXT)
            *(TextField *)place = (TextField){false, ""};
        if (field->inner)
            TRY(fields_take(value, field->inner, values));
    }
    return NULL;
}

/* --- the body --- */

/* What is wrong, without what jansson adds: the piece of the body, its own flags. */
static char *fields_problem(const Request *request, const json_error_t *problem)
{
    static const char *const additions[] = {" near '", " without JSON_"};
    g_autofree char *text = g_strdup(problem->text);

    for (size_t i = 0; i < G_N_ELEMENTS(additions); i++) {
        char *addition = strstr(text, additions[i]);
        if (addition)
            *addition = '\0';
    }
    if (request->body_size == 0)
        return g_strdup("unexpected end of JSON input");
    if (g_str_has_prefix(request->body, FIELDS_BOM))
        return g_strdup("it begins with a byte order mark");
    return g_steal_pointer(&text);
}

static Error *fields_broken(const Request *request, const json_error_t *problem)
{
    g_autofree char *what = fields_problem(request, problem);
    Error *e = error_new(ERR_INVALID, "failed to unmarshal json: line %d, column %d: %s",
                         problem->line, problem->column, what);

    return error_hint(e, request->body_size == 0
                             ? "Send a JSON object as the body of the request."
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

static Error *fields_parse(const Request *request, const Body *body, json_t **ret_object)
{
    json_error_t problem;

    if (body->may_be_empty && request->body_size == 0) {
        *ret_object = json_object();
        return NULL;
    }
    g_autoptr(json_t) object = json_loadb(request->body, request->body_size,
                                          JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);
    if (!object)
        return fields_broken(request, &problem);
    if (!json_is_object(object))
        return fields_no_object(body->what, object);
    *ret_object = g_steal_pointer(&object);
    return NULL;
}

Error *fields_read(const Request *request, const Body *body, void *ret_values, json_t **ret_json)
{
    g_autoptr(json_t) object = NULL;

    TRY(fields_parse(request, body, &object));
    TRY(fields_take(object, body->fields, ret_values));
    *ret_json = g_steal_pointer(&object);
    return NULL;
}

/* --- the query --- */

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

/*
 * One small function a type. An option that is not stored is checked all the same, into a spare
 * room.
 */
#include "config/field.h"

#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "config/expand.h"
#include "config/scalar.h"

#define FIELD_SHOWN_MAX 60 /* bytes of a key or value in a message */

typedef struct FieldType {
    const char *wanted;
    /* False when the node has another type; other problems are reported. */
    bool (*store)(const Field *field, void *room);
} FieldType;

/* Where the value of an option without a field goes. */
typedef union FieldRoom {
    char *string;
    int64_t integer;
    bool boolean;
    json_t *json;
} FieldRoom;

/* The node in a message; a secret by its kind alone. */
static char *field_describe(const Field *field)
{
    if (yaml_kind(field->node) == YAML_MAPPING)
        return g_strdup("a mapping");
    if (yaml_kind(field->node) == YAML_SEQUENCE)
        return g_strdup("a list");
    if (field->option && (field->option->flags & OPTION_SECRET))
        return g_strdup("a single value");

    g_autofree char *text = text_printable(yaml_text(field->node), FIELD_SHOWN_MAX);
    return g_strdup_printf("%s\"%s\"", yaml_is_plain(field->node) ? "" : "the text ", text);
}

static const char *field_type_hint(const Field *field)
{
    const YamlNode *node = field->node;
    bool is_simple = field->option && yaml_kind(node) == YAML_SCALAR &&
                     (field->option->type == OPTION_INT || field->option->type == OPTION_BOOL);

    if (!is_simple)
        return NULL;
    g_autoptr(json_t) unquoted = scalar_to_json(yaml_text(node), true);
    if (!yaml_is_plain(node) && !json_is_string(unquoted))
        return "Remove the quotes.";
    if (yaml_text(node)[0] == '0' &&
        strspn(yaml_text(node), G_CSET_DIGITS) == strlen(yaml_text(node)))
        return "A number that begins with 0 is octal.";
    return NULL;
}

void field_type_error(const Field *field, const char *wanted)
{
    g_autofree char *got = field_describe(field);

    report_error(field->report, field->path, field_type_hint(field), "must be %s, not %s", wanted,
                 got);
}

static void field_check_choice(const Field *field, const char *text)
{
    const char *const *choices = field->option->choices;

    if (!choices || g_strv_contains(choices, text))
        return;
    g_autofree char *words = g_strjoinv("\", \"", (char **)(uintptr_t)choices);
    g_autofree char *hint = g_strdup_printf("One of \"%s\".", words);
    g_autofree char *shown = text_printable(text, FIELD_SHOWN_MAX);
    report_error(field->report, field->path, hint, "unknown value \"%s\"", shown);
}

/* NULL when a variable is missing, and that is reported. */
static char *field_expand(const Field *field, const char *text)
{
    char *expanded = NULL;
    g_autoptr(Error) error = expand_variables(text, &expanded);

    if (error)
        report_error(field->report, field->path, "Set it in the environment of rametd.",
                     "config field %s: %s", field->path, error->message);
    return expanded;
}

/* Numbers and words such as "yes" are fine as texts, and stay as they are written. */
static bool field_store_string(const Field *field, void *room)
{
    char **string = room;
    g_autofree char *text = NULL;

    if (yaml_kind(field->node) != YAML_SCALAR)
        return false;
    if (field->option->flags & OPTION_EXPANDS)
        text = field_expand(field, yaml_text(field->node));
    else
        text = g_strdup(yaml_text(field->node));
    if (!text)
        return true;
    field_check_choice(field, text);
    g_free(*string);
    *string = g_steal_pointer(&text);
    return true;
}

static void field_range_error(const Field *field, int64_t value)
{
    const Option *option = field->option;
    const char *unit = option->unit ? option->unit : "";

    report_error(field->report, field->path, NULL,
                 "must be from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT "%s%s, "
                 "not %" G_GINT64_FORMAT,
                 option->min, option->max, option->unit ? " " : "", unit, value);
}

static bool field_store_int(const Field *field, void *room)
{
    g_autoptr(json_t) json = scalar_of_node(field->node);
    int64_t value = json_integer_value(json);

    if (!json_is_integer(json))
        return false;
    if (value < field->option->min || value > field->option->max)
        field_range_error(field, value);
    else
        *(int64_t *)room = value;
    return true;
}

static bool field_store_bool(const Field *field, void *room)
{
    g_autoptr(json_t) json = scalar_of_node(field->node);

    if (!json_is_boolean(json))
        return false;
    *(bool *)room = json_is_true(json);
    return true;
}

static void field_put_json(void *room, json_t *value_take)
{
    json_t **json = room;

    json_decref(*json);
    *json = value_take;
}

/* The words of a list; NULL when an item is no word. */
static json_t *field_words(const YamlNode *node)
{
    g_autoptr(json_t) words = json_array();

    for (size_t i = 0; i < yaml_count(node); i++) {
        const YamlNode *item = yaml_item(node, i);
        if (yaml_kind(item) != YAML_SCALAR || scalar_is_null(item))
            return NULL;
        json_array_append_new(words, json_string(yaml_text(item)));
    }
    return g_steal_pointer(&words);
}

static bool field_store_list(const Field *field, void *room)
{
    json_t *words = yaml_kind(field->node) == YAML_SEQUENCE ? field_words(field->node) : NULL;

    if (words)
        field_put_json(room, words);
    return words != NULL;
}

static void field_add_pair(const Field *field, const YamlPair *pair, json_t *map)
{
    g_autofree char *name = text_printable(pair->key, FIELD_SHOWN_MAX);
    g_autofree char *path = g_strconcat(field->path, ".", name, NULL);
    Field inner = {field->config, field->report, path, field->option, pair->value};

    report_place(field->report, path, pair->place.line);
    if (yaml_kind(pair->value) != YAML_SCALAR)
        field_type_error(&inner, "a single value");
    else if (!scalar_is_null(pair->value))
        json_object_set_new(map, pair->key, scalar_of_node(pair->value));
}

static bool field_store_map(const Field *field, void *room)
{
    if (yaml_kind(field->node) != YAML_MAPPING)
        return false;

    json_t *map = json_object();
    for (size_t i = 0; i < yaml_count(field->node); i++)
        field_add_pair(field, yaml_pair(field->node, i), map);
    field_put_json(room, map);
    return true;
}

/* Names of tables are texts even where they look like numbers. */
static json_t *field_database(const YamlNode *node)
{
    json_t *database = json_object();

    for (size_t i = 0; yaml_kind(node) == YAML_MAPPING && i < yaml_count(node); i++) {
        const YamlPair *pair = yaml_pair(node, i);
        json_t *value = NULL;
        if (yaml_kind(pair->value) == YAML_SEQUENCE)
            value = field_words(pair->value);
        else if (yaml_kind(pair->value) == YAML_SCALAR && !scalar_is_null(pair->value))
            value = json_string(yaml_text(pair->value));
        if (value)
            json_object_set_new(database, pair->key, value);
    }
    return database;
}

/* What is wrong inside is found by the rows of the parts. */
static bool field_store_databases(const Field *field, void *room)
{
    if (yaml_kind(field->node) != YAML_MAPPING)
        return false;

    json_t *databases = json_object();
    for (size_t i = 0; i < yaml_count(field->node); i++) {
        const YamlPair *pair = yaml_pair(field->node, i);
        json_object_set_new(databases, pair->key, field_database(pair->value));
    }
    field_put_json(room, databases);
    return true;
}

static const FieldType field_types[] = {
    [OPTION_STRING] = {"a text", field_store_string},
    [OPTION_INT] = {"a whole number", field_store_int},
    [OPTION_BOOL] = {"true or false", field_store_bool},
    [OPTION_LIST] = {"a list of words", field_store_list},
    [OPTION_MAP] = {"a mapping", field_store_map},
    [OPTION_DATABASES] = {"a mapping", field_store_databases},
    [OPTION_SECTION] = {NULL, NULL},
    [OPTION_ANYTHING] = {NULL, NULL},
};

void field_store(const Field *field)
{
    const Option *option = field->option;
    const FieldType *type = &field_types[option->type];
    bool is_stored = option->offset != OPTION_NOT_STORED;
    FieldRoom spare = {0};
    void *room = is_stored ? (char *)field->config + option->offset : (void *)&spare;

    if (type->store && !type->store(field, room))
        field_type_error(field, type->wanted);
    if (!is_stored && option->type == OPTION_STRING)
        g_free(spare.string);
    else if (!is_stored && option->type != OPTION_INT && option->type != OPTION_BOOL)
        json_decref(spare.json);
}

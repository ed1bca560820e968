/*
 * Reaching into JSON by a dotted path.
 */
#include "cli/json_path.h"

json_t *json_at(const json_t *json, const char *path)
{
    g_auto(GStrv) keys = g_strsplit(path, ".", -1);
    json_t *value = NULL;

    for (char **key = keys; *key; key++) {
        value = json_object_get(key == keys ? json : value, *key);
        if (!value)
            return NULL;
    }
    return value;
}

const char *json_text_at(const json_t *json, const char *path)
{
    const char *text = json_string_value(json_at(json, path));

    return text ? text : "";
}

bool json_flag_at(const json_t *json, const char *path)
{
    return json_is_true(json_at(json, path));
}

void json_put_at(json_t *json, const char *path, json_t *value_take)
{
    g_auto(GStrv) keys = g_strsplit(path, ".", -1);
    char **key = keys;

    for (; key[1]; key++) {
        json_t *next = json_object_get(json, *key);

        if (!json_is_object(next)) {
            next = json_object();
            json_object_set_new(json, *key, next);
        }
        json = next;
    }
    json_object_set_new(json, *key, value_take);
}

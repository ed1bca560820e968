/*
 * What a person is shown of the server's answers. Fields are known by their names, wherever they
 * stand; what is not known passes through as it came.
 */
#include "cli/view.h"

#include <glib.h>

#include "base/text.h"

static const char *const view_sizes[] = {
    "cloneDiffSize", "logicalSize", "physicalSize", "dataSize", "usedBySnapshots",
    "usedByClones",  "size",        "free",         "used",     NULL,
};

static const char *const view_times[] = {
    "createdAt",   "dataStateAt", "protectedTill", "deleteAt",
    "lastRefresh", "nextRefresh", "startedAt",     NULL,
};

static json_t *view_size(const json_t *value)
{
    g_autofree char *text = text_format_size((uint64_t)MAX(json_integer_value(value), 0));

    return json_string(text);
}

/* RFC 3339 in the zone of TZ; NULL when it is no such time ("" is one that never was). */
static json_t *view_time(const json_t *value)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(json_string_value(value), NULL);
    g_autoptr(GDateTime) local = time ? g_date_time_to_local(time) : NULL;
    g_autofree char *text = NULL;

    if (!local)
        return NULL;
    text =
        g_date_time_format(local, g_date_time_get_utc_offset(local) == 0 ? "%Y-%m-%dT%H:%M:%SZ"
                                                                         : "%Y-%m-%dT%H:%M:%S%:z");
    return json_string(text);
}

static json_t *view_replacement(const char *key, const json_t *value)
{
    if (json_is_integer(value) && g_strv_contains(view_sizes, key))
        return view_size(value);
    if (json_is_string(value) && g_strv_contains(view_times, key))
        return view_time(value);
    return NULL;
}

static void view_localize_object(json_t *object)
{
    for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i)) {
        json_t *value = json_object_iter_value(i);
        json_t *replacement = view_replacement(json_object_iter_key(i), value);

        if (replacement)
            json_object_iter_set_new(object, i, replacement);
        else
            view_localize(value);
    }
}

void view_localize(json_t *answer)
{
    size_t i = 0;
    json_t *item = NULL;

    if (json_is_object(answer))
        view_localize_object(answer);
    json_array_foreach (answer, i, item)
        view_localize(item);
}

/*
 * The facts of golden data.
 */
#include "retrieval/golden.h"

#include <jansson.h>

void golden_free(Golden *golden)
{
    if (!golden)
        return;
    g_free(golden->volume);
    g_free(golden);
}

static Error *golden_read_fact(Store *store, const char *name, const char *pool, char **ret_value)
{
    g_autofree char *fact = g_strconcat(name, ".", pool, NULL);

    return store_get_fact(store, fact, ret_value);
}

static Error *golden_write_fact(Store *store, const char *name, const char *pool, const char *value)
{
    g_autofree char *fact = g_strconcat(name, ".", pool, NULL);

    return store_set_fact(store, fact, value);
}

Error *golden_load(Store *store, const char *pool, Golden **ret_golden)
{
    g_autofree char *volume = NULL;
    g_autofree char *state = NULL;

    TRY(golden_read_fact(store, "golden", pool, &volume));
    TRY(golden_read_fact(store, "golden_state", pool, &state));
    if (!volume || !*volume)
        return error_hint(error_new(ERR_NOT_FOUND, "pool \"%s\" has no data yet", pool),
                          "Run a refresh: ramet refresh --watch");
    json_t *numbers = json_loads(state ? state : "{}", 0, NULL);
    Golden *golden = g_new0(Golden, 1);
    golden->volume = g_steal_pointer(&volume);
    golden->data_state_at_ms = json_integer_value(json_object_get(numbers, "dataStateAtMs"));
    golden->logical_size = json_integer_value(json_object_get(numbers, "logicalSize"));
    json_decref(numbers);
    *ret_golden = golden;
    return NULL;
}

Error *golden_save(Store *store, const char *pool, const Golden *golden)
{
    json_t *numbers = json_pack("{sIsI}", "dataStateAtMs", (json_int_t)golden->data_state_at_ms,
                                "logicalSize", (json_int_t)golden->logical_size);
    g_autofree char *state = json_dumps(numbers, JSON_COMPACT);

    json_decref(numbers);
    TRY(golden_write_fact(store, "golden", pool, golden->volume));
    return golden_write_fact(store, "golden_state", pool, state);
}

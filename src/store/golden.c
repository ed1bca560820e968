/*
 * Golden data, one row a pool.
 */
#include "store/golden.h"

#include "store/table.h"

static const Column golden_columns[] = {
    COLUMN(Golden, pool),
    COLUMN(Golden, volume),
    COLUMN(Golden, data_state_at_ms),
    COLUMN(Golden, logical_size),
    {0},
};

static const Table golden_table = {"golden", sizeof(Golden), (GDestroyNotify)golden_free,
                                   golden_columns};

void golden_free(Golden *golden)
{
    table_free_row(&golden_table, golden);
}

Error *store_set_golden(Store *store, const Golden *golden)
{
    bool is_found = false;

    TRY(table_update(store, &golden_table, golden, &is_found));
    return is_found ? NULL : table_insert(store, &golden_table, golden);
}

static Error *golden_find(Store *store, const char *pool, Golden **ret_golden)
{
    return table_find(store, &golden_table, "WHERE pool = ?", DB_TEXT(pool), (void **)ret_golden);
}

Error *store_get_golden(Store *store, const char *pool, Golden **ret_golden)
{
    TRY(golden_find(store, pool, ret_golden));
    if (*ret_golden)
        return NULL;
    return error_hint(error_new(ERR_NOT_FOUND, "pool \"%s\" has no data yet", pool),
                      "Run a refresh: ramet refresh --watch");
}

Error *store_is_golden(Store *store, const char *pool, const char *volume, bool *ret_is_golden)
{
    g_autoptr(Golden) golden = NULL;

    TRY(golden_find(store, pool, &golden));
    *ret_is_golden = golden && g_str_equal(golden->volume, volume);
    return NULL;
}

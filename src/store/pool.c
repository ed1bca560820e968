/*
 * Pools that were made by Ramet.
 */
#include "store/pool.h"

#include "store/db.h"
#include "store/table.h"

static const Column pool_columns[] = {
    COLUMN(PoolRow, name),
    COLUMN(PoolRow, driver),
    COLUMN(PoolRow, image),
    COLUMN(PoolRow, created_at_ms),
    {0},
};

static const Table pool_table = {"pool", sizeof(PoolRow), (GDestroyNotify)pool_row_free,
                                 pool_columns};

void pool_row_free(PoolRow *row)
{
    table_free_row(&pool_table, row);
}

Error *store_insert_pool(Store *store, const PoolRow *row)
{
    Error *e = table_insert(store, &pool_table, row);

    if (!e || e->code != ERR_CONFLICT)
        return e;
    error_free(e);
    return error_new(ERR_CONFLICT, "pool \"%s\" already exists", row->name);
}

Error *store_delete_pool(Store *store, const char *name)
{
    return table_delete(store, &pool_table, name);
}

/* In this order: clones refer to snapshots. */
static const char *const pool_forget_sql[] = {
    "DELETE FROM clone WHERE pool = ?",
    "DELETE FROM snapshot WHERE pool = ?",
    "DELETE FROM golden WHERE pool = ?",
    "DELETE FROM pool WHERE name = ?",
};

Error *store_forget_pool(Store *store, const char *name)
{
    g_autoptr(StoreTransaction) tx = NULL;

    TRY(store_begin(store, STORE_DURABLE, &tx));
    for (size_t i = 0; i < G_N_ELEMENTS(pool_forget_sql); i++) {
        Error *e = db_run(store_lock(store), pool_forget_sql[i], DB_TEXT(name), DB_END);
        store_unlock(store);
        TRY(e);
    }
    return store_commit(&tx);
}

Error *store_list_pools(Store *store, GPtrArray **ret_rows)
{
    return table_list(store, &pool_table, "ORDER BY name", DB_END, ret_rows);
}

/*
 * Rows as structs. The SQL is written from the list of columns; interned, the same text always has
 * the same address, which is what the cache of statements goes by.
 */
#include "store/table.h"

/* --- to and from SQLite --- */

static void *table_field(const Column *column, void *row)
{
    return (char *)row + column->offset;
}

static DbValue table_value(const Column *column, const void *row)
{
    const void *field = (const char *)row + column->offset;
    const char *text;

    switch (column->type) {
    case COLUMN_INT:
        return DB_INT(*(const int64_t *)field);
    case COLUMN_REAL:
        return DB_REAL(*(const double *)field);
    case COLUMN_BOOL:
        return DB_INT(*(const bool *)field);
    case COLUMN_WORD:
        return DB_TEXT(column->words[*(const unsigned *)field]);
    case COLUMN_TEXT:
        break;
    }
    text = *(char *const *)field;
    return DB_TEXT(text ? text : "");
}

static Error *table_read_word(const Column *column, const char *word, unsigned *ret_value)
{
    for (unsigned i = 0; column->words[i]; i++) {
        if (g_strcmp0(column->words[i], word) == 0) {
            *ret_value = i;
            return NULL;
        }
    }
    return error_new(ERR_BUG, "the store holds an unknown %s \"%s\"", column->name, word);
}

static Error *table_read_field(const Column *column, const DbRow *from, int position, void *row)
{
    void *field = table_field(column, row);

    switch (column->type) {
    case COLUMN_INT:
        *(int64_t *)field = db_row_int(from, position);
        break;
    case COLUMN_REAL:
        *(double *)field = db_row_real(from, position);
        break;
    case COLUMN_BOOL:
        *(bool *)field = db_row_int(from, position) != 0;
        break;
    case COLUMN_WORD:
        return table_read_word(column, db_row_text(from, position), field);
    case COLUMN_TEXT:
        *(char **)field = db_row_dup(from, position);
        break;
    }
    return NULL;
}

typedef struct TableReader {
    const Table *table;
    GPtrArray *rows;
} TableReader;

static Error *table_read_row(const DbRow *from, void *data)
{
    const TableReader *reader = data;
    const Column *columns = reader->table->columns;
    void *row = g_malloc0(reader->table->row_size);

    g_ptr_array_add(reader->rows, row);
    for (int i = 0; columns[i].name; i++)
        TRY(table_read_field(&columns[i], from, i, row));
    return NULL;
}

/* --- SQL --- */

static const char *table_insert_sql(const Table *table)
{
    g_autoptr(GString) names = g_string_new(NULL);
    g_autoptr(GString) places = g_string_new(NULL);
    g_autofree char *sql = NULL;

    for (const Column *column = table->columns; column->name; column++) {
        const char *comma = column == table->columns ? "" : ", ";

        g_string_append_printf(names, "%s%s", comma, column->name);
        g_string_append_printf(places, "%s?", comma);
    }
    sql = g_strdup_printf("INSERT INTO %s (%s) VALUES (%s)", table->name, names->str, places->str);
    return g_intern_string(sql);
}

static const char *table_update_sql(const Table *table)
{
    g_autoptr(GString) changes = g_string_new(NULL);
    g_autofree char *sql = NULL;

    for (const Column *column = table->columns + 1; column->name; column++)
        if (!column->is_fixed)
            g_string_append_printf(changes, "%s%s = ?", changes->len ? ", " : "", column->name);
    sql = g_strdup_printf("UPDATE %s SET %s WHERE %s = ?", table->name, changes->str,
                          table->columns[0].name);
    return g_intern_string(sql);
}

static const char *table_select_sql(const Table *table, const char *tail)
{
    g_autoptr(GString) sql = g_string_new("SELECT ");

    for (const Column *column = table->columns; column->name; column++)
        g_string_append_printf(sql, "%s%s", column == table->columns ? "" : ", ", column->name);
    g_string_append_printf(sql, " FROM %s %s", table->name, tail);
    return g_intern_string(sql->str);
}

static const char *table_delete_sql(const Table *table)
{
    g_autofree char *sql =
        g_strdup_printf("DELETE FROM %s WHERE %s = ?", table->name, table->columns[0].name);

    return g_intern_string(sql);
}

/* --- the face --- */

void table_free_row(const Table *table, void *row)
{
    if (!row)
        return;
    for (const Column *column = table->columns; column->name; column++)
        if (column->type == COLUMN_TEXT)
            g_free(*(char **)table_field(column, row));
    g_free(row);
}

Error *table_insert(Store *store, const Table *table, const void *row)
{
    DbValue values[TABLE_COLUMNS_MAX + 1] = {DB_END};
    size_t count = 0;
    Error *e;

    for (const Column *column = table->columns; column->name; column++)
        values[count++] = table_value(column, row);
    e = db_run_values(store_lock(store), table_insert_sql(table), values);
    store_unlock(store);
    return e;
}

Error *table_update(Store *store, const Table *table, const void *row, bool *ret_is_found)
{
    DbValue values[TABLE_COLUMNS_MAX + 1] = {DB_END};
    size_t count = 0;
    Error *e;
    Db *db;

    for (const Column *column = table->columns + 1; column->name; column++)
        if (!column->is_fixed)
            values[count++] = table_value(column, row);
    values[count] = table_value(&table->columns[0], row);

    db = store_lock(store);
    e = db_run_values(db, table_update_sql(table), values);
    if (!e)
        *ret_is_found = db_changes(db) > 0;
    store_unlock(store);
    return e;
}

Error *table_delete(Store *store, const Table *table, const char *key)
{
    Error *e = db_run(store_lock(store), table_delete_sql(table), DB_TEXT(key), DB_END);

    store_unlock(store);
    return e;
}

Error *table_list(Store *store, const Table *table, const char *tail, DbValue value,
                  GPtrArray **ret_rows)
{
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(table->free_row);
    TableReader reader = {table, rows};
    Error *e = db_query(store_lock(store), table_select_sql(table, tail), table_read_row, &reader,
                        value, DB_END);

    store_unlock(store);
    if (!e)
        *ret_rows = g_steal_pointer(&rows);
    return e;
}

Error *table_find(Store *store, const Table *table, const char *tail, DbValue value, void **ret_row)
{
    g_autoptr(GPtrArray) rows = NULL;

    TRY(table_list(store, table, tail, value, &rows));
    *ret_row = rows->len ? g_ptr_array_steal_index(rows, 0) : NULL;
    return NULL;
}

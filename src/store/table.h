/*
 * Rows as structs: a noun lists its columns and where they are in its struct, once, and gets
 * insert, update, select and free from that list.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "store/db.h"

typedef enum ColumnType {
    COLUMN_TEXT, /* char *; NULL is stored as "", and what is read is never NULL */
    COLUMN_INT,  /* int64_t */
    COLUMN_REAL, /* double */
    COLUMN_BOOL, /* bool */
    COLUMN_WORD, /* an enum, stored as its word */
} ColumnType;

typedef struct Column {
    const char *name;
    ColumnType type;
    size_t offset;            /* of the field in the struct */
    bool is_fixed;            /* written by insert only */
    const char *const *words; /* of COLUMN_WORD: the word of each value, ended by NULL */
} Column;

#define COLUMN_TYPE_OF(field)                                                                      \
    _Generic((field),                                                                              \
        char *: COLUMN_TEXT,                                                                       \
        int64_t: COLUMN_INT,                                                                       \
        double: COLUMN_REAL,                                                                       \
        bool: COLUMN_BOOL,                                                                         \
        unsigned: COLUMN_WORD)

/* The column of a field of the same name; more of Column may follow: .is_fixed = true. */
#define COLUMN(Struct, field, ...)                                                                 \
    {                                                                                              \
        .name = #field, .type = COLUMN_TYPE_OF(((Struct *)0)->field),                              \
        .offset = offsetof(Struct, field), __VA_ARGS__                                             \
    }

#define TABLE_COLUMNS_MAX 32

typedef struct Table {
    const char *name;
    size_t row_size;
    GDestroyNotify free_row;
    const Column *columns; /* the first is the key; ended by {0}; at most TABLE_COLUMNS_MAX */
} Table;

/* Frees a row and its texts; NULL is fine. */
void table_free_row(const Table *table, void *row);

/* Errors of all: those of db_run(). */
MUST_CHECK Error *table_insert(Store *store, const Table *table, const void *row);

/* Writes what is not fixed to the row of the same key; *ret_is_found: whether there is one. */
MUST_CHECK Error *table_update(Store *store, const Table *table, const void *row,
                               bool *ret_is_found);

/* A missing row is success. */
MUST_CHECK Error *table_delete(Store *store, const Table *table, const char *key);

/*
 * table_list - the rows that a tail selects.
 *
 *   tail       constant text after "SELECT … FROM name": "WHERE branch = ? ORDER BY id"
 *   value      for its one parameter; DB_END when it has none
 *   ret_rows   GPtrArray of rows (frees them); caller unrefs
 */
MUST_CHECK Error *table_list(Store *store, const Table *table, const char *tail, DbValue value,
                             GPtrArray **ret_rows);

/* The first of those rows; NULL when there is none. Caller frees. */
MUST_CHECK Error *table_find(Store *store, const Table *table, const char *tail, DbValue value,
                             void **ret_row);

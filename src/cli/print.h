/*
 * Output: JSON for programs, tables for people. In tables control characters are escaped.
 */
#pragma once

#include <jansson.h>

/* What a table shows: a title, and where the value is in the JSON. Tables of them end with {0}. */
typedef struct Column {
    const char *title;
    const char *path; /* as json_at() has it */
} Column;

/* JSON as the client always wrote it: indented by 4, in the server's order. Caller frees. */
char *print_format_json(const json_t *json);

/* A line of titles and a line for each object of the array. Caller frees. */
char *print_format_rows(const Column *columns, const json_t *rows);

/* "Title:  value" lines for one object, values aligned, missing ones left out. Caller frees. */
char *print_format_fields(const Column *columns, const json_t *object);

/* One value as text: "yes", "1.2", "a, b"; "" for null and objects. Caller frees. */
char *print_format_value(const json_t *value);

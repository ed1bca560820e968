/*
 * Output: JSON for programs, tables and sentences for people. Whatever a server, a file or an argument brings
 * goes through here on its way to a terminal, and cannot steer it.
 */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdio.h>

/* What a table shows: a title, and where the value is in the JSON. Tables of them end with {0}. */
typedef struct Column {
    const char *title;
    const char *path; /* as json_at() has it */
} Column;

/* Text for people, on stdout or stderr: as text_printable_lines() has it. */
void print_text(FILE *out, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

/*
 * JSON as the client always wrote it: indented by 4, in the server's order; what is not printable
 * is escaped as "\u202e". Caller frees.
 */
char *print_format_json(const json_t *json);

/* A line of titles and a line for each object of the array. Caller frees. */
char *print_format_rows(const Column *columns, const json_t *rows);

/* "Title:  value" lines for one object, values aligned, missing ones left out. Caller frees. */
char *print_format_fields(const Column *columns, const json_t *object);

/* One value as text: "yes", "1.2", "a, b"; "" for null and objects. Caller frees. */
char *print_format_value(const json_t *value);

/*
 * Output. Widths are counted in characters, and what a server sends cannot steer the terminal.
 */
#include "cli/print.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/text.h"
#include "cli/json_path.h"

#define PRINT_VALUE_MAX 1000
#define PRINT_TEXT_MAX  (1024 * 1024)

void print_text(FILE *out, const char *fmt, ...)
{
    g_autofree char *text = NULL;
    g_autofree char *shown = NULL;
    va_list args;

    va_start(args, fmt);
    text = g_strdup_vprintf(fmt, args);
    va_end(args);
    shown = text_printable_lines(text, PRINT_TEXT_MAX);
    fputs(shown, out);
}

/* --- JSON --- */

/* Beyond the first 65,536 characters JSON takes two escapes. Source: RFC 8259, section 7. */
static void print_append_escape(GString *out, gunichar c)
{
    if (c < 0x10000)
        g_string_append_printf(out, "\\u%04x", c);
    else
        g_string_append_printf(out, "\\u%04x\\u%04x", 0xD800 + ((c - 0x10000) >> 10),
                               0xDC00 + ((c - 0x10000) & 0x3FF));
}

/* jansson escapes the controls of ASCII alone. All others stand within strings: the value is the same. */
char *print_format_json(const json_t *json)
{
    GString *text = g_string_new(NULL);
    char *dumped = json_dumps(json, JSON_INDENT(4) | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));

    for (char *at = dumped; *at; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);

        if (c == '\n' || text_is_printable(c))
            g_string_append_unichar(text, c);
        else
            print_append_escape(text, c);
    }
    free(dumped);
    g_string_append_c(text, '\n');
    return g_string_free(text, FALSE);
}

/* --- values --- */

static char *print_format_list(const json_t *array)
{
    g_autoptr(GString) text = g_string_new(NULL);
    size_t i = 0;
    json_t *item = NULL;

    json_array_foreach (array, i, item) {
        g_autofree char *part = print_format_value(item);

        g_string_append_printf(text, "%s%s", i > 0 ? ", " : "", part);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static char *print_format_object(const json_t *object)
{
    GString *text = g_string_new(NULL);
    const char *key = NULL;
    const json_t *item = NULL;

    json_object_foreach ((json_t *)(uintptr_t)object, key, item) {
        g_autofree char *name = text_printable(key, PRINT_VALUE_MAX);
        g_autofree char *part = print_format_value(item);

        g_string_append_printf(text, "%s%s=%s", text->len ? ", " : "", name, part);
    }
    return g_string_free(text, FALSE);
}

char *print_format_value(const json_t *value)
{
    if (!value || json_is_null(value))
        return g_strdup("");
    switch (json_typeof(value)) {
    case JSON_STRING:
        return text_printable(json_string_value(value), PRINT_VALUE_MAX);
    case JSON_INTEGER:
        return g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    case JSON_REAL:
        return g_strdup_printf("%.4g", json_real_value(value));
    case JSON_TRUE:
        return g_strdup("yes");
    case JSON_FALSE:
        return g_strdup("no");
    case JSON_ARRAY:
        return print_format_list(value);
    case JSON_OBJECT:
        return print_format_object(value);
    case JSON_NULL:
        break;
    }
    return g_strdup("");
}

static void print_append_padded(GString *out, const char *text, glong width)
{
    g_string_append(out, text);
    for (glong i = g_utf8_strlen(text, -1); i < width; i++)
        g_string_append_c(out, ' ');
}

/* --- rows --- */

static glong print_column_width(const Column *column, const json_t *rows)
{
    glong width = g_utf8_strlen(column->title, -1);
    size_t i = 0;
    json_t *row = NULL;

    json_array_foreach (rows, i, row) {
        g_autofree char *value = print_format_value(json_at(row, column->path));

        width = MAX(width, g_utf8_strlen(value, -1));
    }
    return width;
}

static void print_end_line(GString *out)
{
    while (out->len > 0 && out->str[out->len - 1] == ' ')
        g_string_truncate(out, out->len - 1);
    g_string_append_c(out, '\n');
}

char *print_format_rows(const Column *columns, const json_t *rows)
{
    GString *out = g_string_new(NULL);
    g_autoptr(GArray) widths = g_array_new(FALSE, FALSE, sizeof(glong));
    size_t i = 0;
    json_t *row = NULL;

    for (const Column *column = columns; column->title; column++) {
        glong width = print_column_width(column, rows) + 2;

        g_array_append_val(widths, width);
        print_append_padded(out, column->title, width);
    }
    print_end_line(out);
    json_array_foreach (rows, i, row) {
        for (guint c = 0; columns[c].title; c++) {
            g_autofree char *value = print_format_value(json_at(row, columns[c].path));

            print_append_padded(out, value, g_array_index(widths, glong, c));
        }
        print_end_line(out);
    }
    return g_string_free(out, FALSE);
}

/* --- fields --- */

char *print_format_fields(const Column *columns, const json_t *object)
{
    GString *out = g_string_new(NULL);
    glong width = 0;

    for (const Column *column = columns; column->title; column++)
        width = MAX(width, g_utf8_strlen(column->title, -1));
    for (const Column *column = columns; column->title; column++) {
        g_autofree char *value = print_format_value(json_at(object, column->path));
        g_autofree char *title = g_strconcat(column->title, ":", NULL);

        if (*value == '\0')
            continue;
        print_append_padded(out, title, width + 3);
        g_string_append(out, value);
        print_end_line(out);
    }
    return g_string_free(out, FALSE);
}

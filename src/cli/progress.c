/*
 * The progress of a refresh in words and as a bar. What the server does not tell is left out.
 */
#include "cli/progress.h"

#include <glib.h>

#include "base/text.h"
#include "cli/json_path.h"
#include "cli/print.h"

#define PROGRESS_BAR_WIDTH 30

static char *progress_bytes(const json_t *progress)
{
    json_int_t done = json_integer_value(json_at(progress, "bytesDone"));
    json_int_t total = json_integer_value(json_at(progress, "bytesTotal"));
    g_autofree char *done_text = text_format_size((uint64_t)MAX(done, 0));
    g_autofree char *total_text = text_format_size((uint64_t)MAX(total, 0));

    return total > 0 ? g_strdup_printf("%s of %s", done_text, total_text)
                     : g_steal_pointer(&done_text);
}

static void progress_append_numbers(GString *out, const json_t *progress)
{
    json_int_t tables = json_integer_value(json_at(progress, "tablesTotal"));
    const char *joint = ": ";

    if (tables > 0) {
        g_string_append_printf(out, "%s%" JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT " tables",
                               joint, json_integer_value(json_at(progress, "tablesDone")), tables);
        joint = ", ";
    }
    if (json_integer_value(json_at(progress, "bytesDone")) > 0) {
        g_autofree char *bytes = progress_bytes(progress);

        g_string_append_printf(out, "%s%s", joint, bytes);
    }
}

char *progress_words(const json_t *retrieval)
{
    const json_t *progress = json_at(retrieval, "progress");
    g_autofree char *phase = print_format_value(json_at(progress, "phase"));
    g_autofree char *database = print_format_value(json_at(progress, "database"));
    GString *out = g_string_new(NULL);

    if (!*phase)
        g_string_append(out, json_text_at(retrieval, "status"));
    else
        g_string_append(out, phase);
    if (*database)
        g_string_append_printf(out, " %s", database);
    progress_append_numbers(out, progress);
    return g_string_free(out, FALSE);
}

char *progress_bar(const json_t *retrieval)
{
    const json_t *percent = json_at(retrieval, "progress.percent");
    g_autofree char *words = progress_words(retrieval);
    g_autofree char *done = NULL;
    double value = 0;
    int filled = 0;

    if (!json_is_number(percent))
        return g_steal_pointer(&words);
    value = CLAMP(json_number_value(percent), 0, 100);
    filled = (int)(value / 100 * PROGRESS_BAR_WIDTH);
    done = g_strnfill((gsize)filled, '#');
    return g_strdup_printf("[%-*s] %5.1f %%  %s", PROGRESS_BAR_WIDTH, done, value, words);
}

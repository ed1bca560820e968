/*
 * A field is a list of parts, a part is a value, a range or all, with an optional step.
 * Source: crontab(5).
 */
#include "config/cron.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"

typedef struct CronField {
    const char *name;
    int64_t min;
    int64_t max;
    const char *const *words; /* of min, min + 1, …; NULL = none */
} CronField;

static const char *const cron_months[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul",
                                          "aug", "sep", "oct", "nov", "dec", NULL};
static const char *const cron_days[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};

static const CronField cron_fields[] = {
    {"minute", 0, 59, NULL},
    {"hour", 0, 23, NULL},
    {"day of the month", 1, 31, NULL},
    {"month", 1, 12, cron_months},
    {"day of the week", 0, 7, cron_days}, /* 0 and 7 are Sunday */
};

static bool cron_read_value(const CronField *field, const char *text, int64_t *ret_value)
{
    for (int64_t i = 0; field->words && field->words[i]; i++) {
        if (g_ascii_strcasecmp(field->words[i], text) == 0) {
            *ret_value = field->min + i;
            return true;
        }
    }
    return g_ascii_string_to_signed(text, 10, field->min, field->max, ret_value, NULL);
}

static bool cron_is_range(const CronField *field, const char *text)
{
    g_auto(GStrv) ends = g_strsplit(text, "-", 2);
    int64_t first = 0;
    int64_t last = 0;

    if (strcmp(text, "*") == 0 || strcmp(text, "?") == 0)
        return true;
    if (!ends[0] || !cron_read_value(field, ends[0], &first))
        return false;
    return !ends[1] || (cron_read_value(field, ends[1], &last) && first <= last);
}

static bool cron_is_part(const CronField *field, const char *text)
{
    g_auto(GStrv) halves = g_strsplit(text, "/", 2);
    int64_t step = 0;

    if (!halves[0] || !cron_is_range(field, halves[0]))
        return false;
    return !halves[1] || g_ascii_string_to_signed(halves[1], 10, 1, field->max, &step, NULL);
}

static Error *cron_check_field(const CronField *field, const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, ",", -1);

    for (char **part = parts; *part; part++) {
        if (cron_is_part(field, *part))
            continue;
        g_autofree char *shown = text_printable(*part, 40);
        return error_new(ERR_INVALID, "\"%s\" is no %s", shown, field->name);
    }
    return NULL;
}

Error *cron_check(const char *text)
{
    g_auto(GStrv) words = g_strsplit_set(text, " \t", -1);
    size_t count = 0;

    for (char **word = words; *word; word++) {
        if (**word == '\0')
            continue;
        if (count < G_N_ELEMENTS(cron_fields))
            TRY(cron_check_field(&cron_fields[count], *word));
        count++;
    }
    if (count != G_N_ELEMENTS(cron_fields))
        return error_new(ERR_INVALID, "5 fields are needed, there are %zu", count);
    return NULL;
}

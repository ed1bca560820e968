/*
 * The value of --protected. A unit is a row of a table.
 */
#include "cli/protection.h"

#include <string.h>

#include "base/text.h"

#define PROTECTION_MINUTES_MAX (365 * 24 * 60)

static const struct {
    char letter;
    int64_t minutes;
} protection_units[] = {{'m', 1}, {'h', 60}, {'d', 24 * 60}};

static int64_t protection_unit(char letter)
{
    for (size_t i = 0; i < G_N_ELEMENTS(protection_units); i++)
        if (g_ascii_tolower(letter) == protection_units[i].letter)
            return protection_units[i].minutes;
    return 0;
}

static Error *protection_parse_minutes(const char *text, int64_t *ret_minutes)
{
    size_t length = strlen(text);
    int64_t unit = length > 0 ? protection_unit(text[length - 1]) : 0;
    g_autofree char *digits = g_strndup(text, unit ? length - 1 : length);
    int64_t number = 0;

    if (!unit)
        unit = 1;
    TRY(text_parse_int(digits, 0, PROTECTION_MINUTES_MAX / unit, &number));
    *ret_minutes = number * unit;
    return NULL;
}

Error *protection_parse(const char *text, Protection *ret_protection)
{
    int64_t minutes = 0;
    Error *e = NULL;

    if (*text == '\0' || strcmp(text, "true") == 0) {
        *ret_protection = (Protection){.is_protected = true};
        return NULL;
    }
    if (strcmp(text, "false") == 0) {
        *ret_protection = (Protection){.is_protected = false};
        return NULL;
    }
    e = protection_parse_minutes(text, &minutes);
    if (e) {
        error_free(e);
        return error_new(ERR_INVALID,
                         "invalid --protected value: \"%s\" (use 'true', 'false', minutes, or "
                         "duration like 30m/2h/7d)",
                         text);
    }
    *ret_protection = (Protection){.is_protected = true, .has_duration = true, .minutes = minutes};
    return NULL;
}

void protection_put(const Protection *protection, json_t *body)
{
    json_object_set_new(body, "protected", json_boolean(protection->is_protected));
    if (protection->has_duration)
        json_object_set_new(body, "protectionDurationMinutes", json_integer(protection->minutes));
}

/*
 * Numbers, sizes, durations. A parser takes the whole text or none of it, and what it refuses is
 * quoted in a form that is fit for a log line.
 */
#include "base/text.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define TEXT_SHOWN_MAX   64  /* bytes of a wrong value that a message quotes */
#define TEXT_NEAREST_MAX 128 /* longer words are nobody's typing slip        */

typedef struct TextUnit {
    const char *name;
    int64_t ms;
} TextUnit;

static const TextUnit text_duration_units[] = {
    {"ms", 1}, /* before "m": the longer name is tried first */
    {"s", 1000}, {"m", 60 * 1000}, {"h", 60 * 60 * 1000}, {"d", 24 * 60 * 60 * 1000},
};

static Error *text_invalid(const char *text, const char *what)
{
    g_autofree char *shown = text_printable(text ? text : "", TEXT_SHOWN_MAX);

    return error_new(ERR_INVALID, "\"%s\" is not %s", shown, what);
}

Error *text_parse_int(const char *text, int64_t min, int64_t max, int64_t *ret_value)
{
    g_autoptr(GError) failure = NULL;

    if (text && g_ascii_string_to_signed(text, 10, min, max, ret_value, &failure))
        return NULL;
    if (!g_error_matches(failure, G_NUMBER_PARSER_ERROR, G_NUMBER_PARSER_ERROR_OUT_OF_BOUNDS))
        return text_invalid(text, "a whole number");

    g_autofree char *range =
        g_strdup_printf("between %" G_GINT64_FORMAT " and %" G_GINT64_FORMAT, min, max);

    return text_invalid(text, range);
}

/* "k" → 1024, "g" → 1024³, "" → 1 */
static uint64_t text_size_factor(const char *suffix)
{
    uint64_t factor = 1;

    for (const char *letter = "kmgt"; *suffix && *letter; letter++) {
        factor *= 1024;
        if (g_ascii_tolower(*suffix) == *letter)
            break;
    }
    return factor;
}

Error *text_parse_size(const char *text, uint64_t *ret_bytes)
{
    g_autoptr(GRegex) regex = g_regex_new("^([0-9]+) ?(?:([kmgt])(?:i?b)?|b)?\\z",
                                          G_REGEX_RAW | G_REGEX_CASELESS, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL;

    g_assert(regex);
    if (!text || !g_regex_match(regex, text, 0, &match))
        return error_hint(
            text_invalid(text, "a size"),
            "Write a whole number of bytes, or one with k, M, G or T, as in \"10G\".");

    g_autofree char *digits = g_match_info_fetch(match, 1);
    g_autofree char *suffix = g_match_info_fetch(match, 2);
    uint64_t number = 0;

    if (!g_ascii_string_to_unsigned(digits, 10, 0, UINT64_MAX, &number, NULL) ||
        !g_uint64_checked_mul(&number, number, text_size_factor(suffix ? suffix : "")))
        return text_invalid(text, "a size of less than 16 EiB");
    *ret_bytes = number;
    return NULL;
}

static const TextUnit *text_find_unit(const char *text)
{
    for (size_t i = 0; i < G_N_ELEMENTS(text_duration_units); i++)
        if (g_str_has_prefix(text, text_duration_units[i].name))
            return &text_duration_units[i];
    return NULL;
}

/* Reads one "30s" at *text, adds it to *sum_ms, moves on; false when malformed or too long. */
static bool text_read_duration_part(const char **text, int64_t *sum_ms)
{
    size_t n_digits = strspn(*text, "0123456789");
    const TextUnit *unit = text_find_unit(*text + n_digits);
    g_autofree char *digits = g_strndup(*text, n_digits);
    int64_t number = 0;
    int64_t part_ms = 0;

    if (!unit || !g_ascii_string_to_signed(digits, 10, 0, INT64_MAX, &number, NULL))
        return false;
    *text += n_digits + strlen(unit->name);
    return !__builtin_mul_overflow(number, unit->ms, &part_ms) &&
           !__builtin_add_overflow(*sum_ms, part_ms, sum_ms);
}

Error *text_parse_duration(const char *text, int64_t *ret_ms)
{
    const char *rest = text ? text : "";
    int64_t sum_ms = 0;

    if (g_str_equal(rest, "0"))
        rest = "0s";
    do {
        if (!text_read_duration_part(&rest, &sum_ms))
            return error_hint(
                text_invalid(text, "a duration"),
                "Write numbers with units (ms, s, m, h, d), as in \"30s\" or \"1h30m\".");
    } while (*rest);
    *ret_ms = sum_ms;
    return NULL;
}

char *text_format_size(uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    size_t unit = 0;

    for (; value >= 1024; value /= 1024)
        unit++;
    value = floor(value * 10 + 0.5) / 10;

    int decimals = unit > 0 && value < 10 ? 1 : 0;

    return g_strdup_printf("%.*f %s", decimals, value, units[unit]);
}

static bool text_is_same_letter(char a, char b)
{
    return g_ascii_tolower(a) == g_ascii_tolower(b);
}

static bool text_is_swap(const char *a, const char *b)
{
    return text_is_same_letter(a[0], b[1]) && text_is_same_letter(a[1], b[0]);
}

/*
 * Letters to change, insert, remove, or swap with a neighbour, without regard to case: optimal
 * string alignment. Of the matrix, a row and the two above it are kept.
 */
static size_t text_distance(const char *a, const char *b)
{
    size_t length_a = strlen(a);
    size_t width = strlen(b) + 1;
    g_autofree size_t *rows = g_new(size_t, 3 * width);

    for (size_t j = 0; j < width; j++)
        rows[j] = j;
    for (size_t i = 1; i <= length_a; i++) {
        size_t *row = rows + i % 3 * width;
        const size_t *above = rows + (i + 2) % 3 * width;
        const size_t *two_above = rows + (i + 1) % 3 * width;

        row[0] = i;
        for (size_t j = 1; j < width; j++) {
            size_t changed = above[j - 1] + !text_is_same_letter(a[i - 1], b[j - 1]);

            row[j] = MIN(MIN(above[j], row[j - 1]) + 1, changed);
            if (i > 1 && j > 1 && text_is_swap(a + i - 2, b + j - 2))
                row[j] = MIN(row[j], two_above[j - 2] + 1);
        }
    }
    return rows[length_a % 3 * width + width - 1];
}

const char *text_nearest(const char *word, const char *const *candidates)
{
    size_t length = strlen(word);
    size_t best_distance = length / 3 + 1;
    const char *best = NULL;

    if (length > TEXT_NEAREST_MAX)
        return NULL;
    for (; *candidates; candidates++) {
        size_t distance = text_distance(word, *candidates);

        if (distance < best_distance) {
            best_distance = distance;
            best = *candidates;
        }
    }
    return best;
}

static bool text_is_continuation(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

char *text_tail(const char *text, size_t max_bytes)
{
    size_t length = strlen(text);

    if (length <= max_bytes)
        return g_strdup(text);

    const char *start = text + length - max_bytes;
    const char *newline = strchr(start - 1, '\n');

    if (newline && newline[1])
        return g_strdup(newline + 1);
    while (text_is_continuation(*start)) /* never begin inside a character */
        start++;
    return g_strdup(start);
}

json_t *text_list_json(const char *const *texts)
{
    json_t *array = json_array();

    for (; *texts; texts++)
        json_array_append_new(array, json_string(*texts));
    return array;
}

bool text_is_printable(gunichar c)
{
    switch (g_unichar_type(c)) {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT: /* what turns the direction of writing, what is not seen */
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
    case G_UNICODE_PRIVATE_USE:
    case G_UNICODE_SURROGATE:
        return false;
    default:
        return true;
    }
}

/* Bytes of the character at text, or 0 when it must not be printed as it is. */
static size_t text_printable_length(const char *text, size_t left, const char *kept)
{
    gunichar c = g_utf8_get_char_validated(text, (gssize)left);

    if (c == (gunichar)-1 || c == (gunichar)-2)
        return 0;
    if (!text_is_printable(c) && !strchr(kept, *text))
        return 0;
    return (size_t)g_unichar_to_utf8(c, NULL);
}

static char *text_escape(const char *text, size_t max_bytes, const char *kept)
{
    GString *printable = g_string_new(NULL);
    size_t length = strlen(text);
    size_t i = 0;

    while (i < length) {
        size_t n = text_printable_length(text + i, length - i, kept);

        if (i + MAX(n, 1) > max_bytes) {
            g_string_append(printable, "…");
            break;
        }
        if (n > 0)
            g_string_append_len(printable, text + i, (gssize)n);
        else
            g_string_append_printf(printable, "\\x%02x", (unsigned char)text[i]);
        i += MAX(n, 1);
    }
    return g_string_free(printable, FALSE);
}

char *text_printable(const char *text, size_t max_bytes)
{
    return text_escape(text, max_bytes, "");
}

char *text_printable_lines(const char *text, size_t max_bytes)
{
    return text_escape(text, max_bytes, "\n\t");
}

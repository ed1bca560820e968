/*
 * The scalars of YAML 1.1, as the compatibility contract reads them: no base 60, no dates.
 */
#include "config/scalar.h"

#include "base/json.h"

#include <errno.h>
#include <glib.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *word; /* in lower, Title or UPPER case */
    enum {
        WORD_NULL,
        WORD_FALSE,
        WORD_TRUE
    } meaning;
} scalar_words[] = {
    {"", WORD_NULL},    {"~", WORD_NULL},    {"null", WORD_NULL},   {"y", WORD_TRUE},
    {"yes", WORD_TRUE}, {"true", WORD_TRUE}, {"on", WORD_TRUE},     {"n", WORD_FALSE},
    {"no", WORD_FALSE}, {"off", WORD_FALSE}, {"false", WORD_FALSE},
};

static const struct {
    const char *prefix;
    const char *digits;
    int base;
} scalar_bases[] = {
    {"0x", "0123456789abcdefABCDEF", 16},
    {"0b", "01", 2},
    {"0o", "01234567", 8},
    {"0", "01234567", 8}, /* before the decimals: 0777 is 511, and 0888 is no number */
    {"", "0123456789", 10},
};

/* "yes", "Yes" and "YES" are words, "yEs" is not. */
static bool scalar_is_word(const char *text, const char *word)
{
    if (g_ascii_strcasecmp(text, word) != 0)
        return false;
    if (strcmp(text, word) == 0)
        return true;
    for (const char *c = text + 1; *c; c++)
        if (g_ascii_isupper(*c) != g_ascii_isupper(text[1]))
            return false;
    return g_ascii_isupper(text[0]);
}

static json_t *scalar_word_value(const char *text)
{
    for (size_t i = 0; i < G_N_ELEMENTS(scalar_words); i++)
        if (scalar_is_word(text, scalar_words[i].word))
            return scalar_words[i].meaning == WORD_NULL
                       ? json_null()
                       : json_boolean(scalar_words[i].meaning == WORD_TRUE);
    return NULL;
}

static json_t *scalar_base_value(const char *digits, int base, bool is_negative)
{
    errno = 0;
    unsigned long long value = strtoull(digits, NULL, base);
    if (errno != 0 || value > (unsigned long long)INT64_MAX)
        return NULL;
    return json_integer(is_negative ? -(json_int_t)value : (json_int_t)value);
}

static json_t *scalar_int_value(const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, "_", -1); /* 1_000_000 */
    g_autofree char *joined = g_strjoinv("", parts);
    bool is_negative = joined[0] == '-';
    const char *number = joined + (is_negative || joined[0] == '+');

    for (size_t i = 0; i < G_N_ELEMENTS(scalar_bases); i++) {
        const char *prefix = scalar_bases[i].prefix;
        const char *digits = number + strlen(prefix);
        if (g_str_has_prefix(number, prefix) && digits[0] != '\0')
            return strspn(digits, scalar_bases[i].digits) == strlen(digits)
                       ? scalar_base_value(digits, scalar_bases[i].base, is_negative)
                       : NULL;
    }
    return NULL;
}

/* Decimal fractions and exponents; the words of strtod(3), "inf" and "nan", stay texts. */
static json_t *scalar_real_value(const char *text)
{
    char *end = NULL;

    if (text[strspn(text, "0123456789+-.eE")] != '\0' || !strpbrk(text, "0123456789") ||
        !strpbrk(text, ".eE") || strchr("eE", text[0]))
        return NULL;
    double value = g_ascii_strtod(text, &end);
    return *end == '\0' && isfinite(value) ? json_real(value) : NULL;
}

json_t *scalar_to_json(const char *text, bool is_plain)
{
    json_t *value = NULL;

    if (is_plain)
        value = scalar_word_value(text);
    if (is_plain && !value && text[0] != '_')
        value = scalar_int_value(text);
    if (is_plain && !value)
        value = scalar_real_value(text);
    return value ? value : json_string(text);
}

json_t *scalar_of_node(const YamlNode *node)
{
    return yaml_kind(node) == YAML_SCALAR ? scalar_to_json(yaml_text(node), yaml_is_plain(node))
                                          : NULL;
}

bool scalar_is_null(const YamlNode *node)
{
    g_autoptr(json_t) value = scalar_of_node(node);

    return json_is_null(value);
}

char *scalar_text(const json_t *value)
{
    if (json_is_string(value))
        return g_strdup(json_string_value(value));

    char *text = json_dumps(value, JSON_ENCODE_ANY);
    char *copy = g_strdup(text);

    free(text);
    return copy;
}

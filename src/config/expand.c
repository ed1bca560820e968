/*
 * $NAME and ${NAME}. Strict: an unset variable is an error, an empty one is not.
 */
#include "config/expand.h"

#include <stdbool.h>
#include <string.h>

static size_t expand_name_length(const char *text)
{
    if (!g_ascii_isalpha(text[0]) && text[0] != '_')
        return 0;
    return strspn(text, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_");
}

static Error *expand_append(GString *out, const char *name, size_t length)
{
    g_autofree char *variable = g_strndup(name, length);
    const char *value = g_getenv(variable);

    if (!value)
        return error_new(ERR_INVALID, "environment variable \"%s\" is not set", variable);
    g_string_append(out, value);
    return NULL;
}

/* The text after a dollar sign; *rest is moved past what was used. */
static Error *expand_one(GString *out, const char **rest)
{
    const char *text = *rest;
    bool is_braced = text[0] == '{';
    const char *name = text + (is_braced ? 1 : 0);
    size_t length = expand_name_length(name);

    if (is_braced && (length == 0 || name[length] != '}'))
        return error_new(ERR_INVALID,
                         "\"${\" must be followed by the name of a variable and \"}\"");
    if (length > 0) {
        *rest = name + length + (is_braced ? 1 : 0);
        return expand_append(out, name, length);
    }
    g_string_append_c(out, '$');
    *rest = text + (text[0] == '$' ? 1 : 0);
    return NULL;
}

Error *expand_variables(const char *text, char **ret_text)
{
    g_autoptr(GString) out = g_string_new(NULL);
    const char *rest = text;

    for (const char *dollar; (dollar = strchr(rest, '$'));) {
        g_string_append_len(out, rest, dollar - rest);
        rest = dollar + 1;
        TRY(expand_one(out, &rest));
    }
    g_string_append(out, rest);
    *ret_text = g_strdup(out->str);
    return NULL;
}

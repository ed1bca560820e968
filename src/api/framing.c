#include "api/framing.h"

#include <glib.h>
#include <string.h>

/*
 * "Content-Length : 2": not a length to us, but one to a proxy that is not strict. Source: RFC 9112,
 * section 5.1, which has a server refuse it.
 */
static bool framing_name_is_odd(const char *name)
{
    return strpbrk(name, " \t") != NULL;
}

void framing_note(Framing *framing, const char *name, const char *value)
{
    framing->is_wrong |= framing_name_is_odd(name);
    if (g_ascii_strcasecmp(name, "Content-Length") == 0) {
        framing->n_lengths++;
        framing->is_wrong |= !value || !g_ascii_string_to_unsigned(value, 10, 0, UINT64_MAX - 1,
                                                                   &framing->length, NULL);
    } else if (g_ascii_strcasecmp(name, "Transfer-Encoding") == 0) {
        framing->n_encodings++;
        framing->is_wrong |= !value || g_ascii_strcasecmp(value, "chunked") != 0;
        framing->length = FRAMING_NO_LENGTH;
    }
}

bool framing_is_ambiguous(const Framing *framing)
{
    return framing->is_wrong || framing->n_lengths > 1 || framing->n_encodings > 1 ||
           (framing->n_lengths > 0 && framing->n_encodings > 0);
}

char *framing_clean_path(const char *url)
{
    GString *path = g_string_new(NULL);

    for (const char *c = url; *c; c++)
        if (*c != '/' || path->len == 0 || path->str[path->len - 1] != '/')
            g_string_append_c(path, *c);
    if (path->len > 1 && path->str[path->len - 1] == '/')
        g_string_truncate(path, path->len - 1);
    return g_string_free(path, FALSE);
}

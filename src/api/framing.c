#include "api/framing.h"

#include <glib.h>

void framing_note(Framing *framing, const char *name, const char *value)
{
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

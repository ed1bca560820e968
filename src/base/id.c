/*
 * Base32hex: its letters sort as the values that they stand for.
 */
#include "base/id.h"

#include <glib.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>

#define ID_BYTES  12
#define ID_LENGTH 20 /* 96 bits, 5 in a character */

static void id_fill(uint8_t bytes[ID_BYTES])
{
    uint32_t seconds = GUINT32_TO_BE((uint32_t)(g_get_real_time() / G_USEC_PER_SEC));
    size_t n_random = ID_BYTES - sizeof(seconds);

    memcpy(bytes, &seconds, sizeof(seconds));
    if (getrandom(bytes + sizeof(seconds), n_random, 0) != (ssize_t)n_random)
        g_error("getrandom failed");
}

char *id_new(void)
{
    static const char alphabet[] = "0123456789abcdefghijklmnopqrstuv";
    uint8_t bytes[ID_BYTES + 1] = {0}; /* one more: the last character reaches beyond */
    char *id = g_malloc0(ID_LENGTH + 1);

    id_fill(bytes);
    for (size_t i = 0; i < ID_LENGTH; i++) {
        size_t bit = 5 * i;
        unsigned int window = (unsigned int)bytes[bit / 8] << 8 | (unsigned int)bytes[bit / 8 + 1];

        id[i] = alphabet[window >> (11 - bit % 8) & 31];
    }
    return id;
}

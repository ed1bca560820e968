/*
 * The place of a server's instances.
 */
#include "runtime/place.h"

#include <glib.h>

#define PLACE_MARK_LENGTH 12

char *place_mark(const RuntimePlace *place)
{
    g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, place->state_dir, -1);

    return g_strndup(hash, PLACE_MARK_LENGTH);
}

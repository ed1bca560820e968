/*
 * The user database, asked with a buffer of our own.
 */
#include "base/user.h"

#include <glib.h>
#include <pwd.h>

#define USER_BUFFER_BYTES 16384

char *user_name(uid_t uid)
{
    g_autofree char *buffer = g_malloc(USER_BUFFER_BYTES);
    struct passwd entry;
    struct passwd *found = NULL;

    if (getpwuid_r(uid, &entry, buffer, USER_BUFFER_BYTES, &found) != 0 || !found)
        return NULL;
    return g_strdup(entry.pw_name);
}

/*
 * passwd(5) and group(5) for containers.
 */
#include "runtime/users.h"

#include <glib.h>

#include "base/fs.h"
#include "base/user.h"

static Error *users_write_file(const char *dir, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);

    return fs_write_file(path, text, &(FsWrite){.mode = 0644});
}

Error *users_write(const char *dir, const RuntimePlace *place)
{
    g_autofree char *known = user_name(place->uid);
    const char *name = known ? known : "postgres";
    g_autofree char *users = g_strdup_printf("root:x:0:0::/:/usr/sbin/nologin\n"
                                             "%s:x:%u:%u::/tmp:/bin/sh\n",
                                             name, place->uid, place->gid);
    g_autofree char *groups = g_strdup_printf("root:x:0:\n%s:x:%u:\n", name, place->gid);

    TRY(users_write_file(dir, "passwd", users));
    return users_write_file(dir, "group", groups);
}

/*
 * The directory is made when it is first needed.
 */
#include "storage/aside.h"

#include <errno.h>
#include <stdio.h>

#include "base/fs.h"
#include "storage/layout.h"

#define ASIDE_DIR "aside"

static char *aside_dir(const char *mount)
{
    return g_build_filename(mount, LAYOUT_PRIVATE, ASIDE_DIR, NULL);
}

/* ".v.deleted" is told by its name from what comes later. */
static char *aside_place(const char *dir, const char *path)
{
    g_autofree char *name = g_path_get_basename(path);

    return g_strdup_printf("%s/%s.%" G_GINT64_MODIFIER "x", dir, *name == '.' ? name + 1 : name,
                           (guint64)g_get_real_time());
}

static Error *aside_move(const char *mount, const char *path)
{
    g_autofree char *dir = aside_dir(mount);
    g_autofree char *place = aside_place(dir, path);

    TRY(fs_make_dir(dir, 0700, NULL));
    if (rename(path, place) < 0)
        return error_errno(errno, "could not set \"%s\" aside", path);
    return NULL;
}

Error *aside_remove(const char *mount, const char *path)
{
    g_autoptr(Error) stays = fs_remove_tree(path);

    if (!stays)
        return NULL;

    g_autoptr(Error) refused = aside_move(mount, path);

    if (refused)
        return error_detail(g_steal_pointer(&stays), "%s", refused->message);
    error_ignore(g_steal_pointer(&stays), "it is set aside, and the doctor names it");
    return NULL;
}

Error *aside_list(const char *mount, GPtrArray *paths)
{
    g_autofree char *dir = aside_dir(mount);
    g_auto(GStrv) names = NULL;

    TRY(fs_list_dir(dir, &names));
    for (char **name = names; *name; name++)
        g_ptr_array_add(paths, g_build_filename(dir, *name, NULL));
    return NULL;
}

void aside_collect(const char *mount)
{
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    Error *e = aside_list(mount, paths);

    error_ignore(e, "what was set aside stays there");
    for (guint i = 0; i < paths->len; i++)
        error_ignore(fs_remove_tree(g_ptr_array_index(paths, i)),
                     "it stays set aside, and the doctor names it");
}

Error *aside_dismantle(const char *mount)
{
    g_autofree char *dir = aside_dir(mount);

    return fs_remove_dir(dir);
}

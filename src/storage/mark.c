/*
 * Marks in the pool's private directory, beside its identity.
 */
#include "storage/mark.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/outside.h"
#include "storage/manifest_file.h"
#include "storage/pool.h"

#define MARK_PREFIX "making-"
#define MAKER_MAX   255

static const char *const mark_dirs[] = {
    [STORAGE_VOLUME] = LAYOUT_VOLUMES,
    [STORAGE_SNAPSHOT] = LAYOUT_SNAPSHOTS,
};

static char *mark_path(const Pool *pool, StorageKind kind, const char *name)
{
    g_autofree char *file = g_strconcat(MARK_PREFIX, mark_dirs[kind], "-", name, NULL);

    return g_build_filename(pool->mount, LAYOUT_PRIVATE, file, NULL);
}

/* NULL = there is no mark. */
static char *mark_read(const char *path)
{
    char maker[MAKER_MAX + 1] = "";
    ssize_t length = readlink(path, maker, MAKER_MAX);

    return length > 0 ? g_strndup(maker, (gsize)length) : NULL;
}

Error *storage_mark(Pool *pool, StorageKind kind, const char *name, const char *maker)
{
    g_autofree char *path = mark_path(pool, kind, name);

    outside_call(__func__);
    TRY(storage_check_pool(pool));
    if (symlink(maker, path) == 0)
        return NULL;
    if (errno != EEXIST)
        return error_errno(errno, "could not mark \"%s\"", path);
    TRY(fs_remove(path));
    return symlink(maker, path) == 0 ? NULL : error_errno(errno, "could not mark \"%s\"", path);
}

Error *storage_unmark(Pool *pool, StorageKind kind, const char *name)
{
    g_autofree char *path = mark_path(pool, kind, name);

    outside_call(__func__);
    return fs_remove(path);
}

/* A volume that is half made still has the manifest of its snapshot, or none. */
static bool mark_is_whole(const Pool *pool, StorageKind kind, const char *name)
{
    g_autofree char *path = g_build_filename(pool->mount, mark_dirs[kind], name, NULL);
    g_autoptr(Manifest) manifest = NULL;

    if (!fs_exists(path))
        return false;
    manifest = manifest_file_find(path, kind == STORAGE_SNAPSHOT);
    return manifest != NULL;
}

bool storage_is_finished(Pool *pool, StorageKind kind, const char *name)
{
    g_autofree char *path = mark_path(pool, kind, name);
    g_autofree char *maker = NULL;

    outside_call(__func__);
    if (!mark_is_whole(pool, kind, name))
        return false;
    maker = mark_read(path);
    return maker == NULL;
}

Error *storage_unmake(Pool *pool, StorageKind kind, const char *name, const char *maker,
                      bool *ret_is_kept)
{
    g_autofree char *path = mark_path(pool, kind, name);
    g_autofree char *marked = mark_read(path);

    outside_call(__func__);
    TRY(storage_check_pool(pool));
    if (g_strcmp0(marked, maker) != 0 && mark_is_whole(pool, kind, name)) {
        *ret_is_kept = true;
        return NULL;
    }
    TRY(kind == STORAGE_VOLUME ? storage_destroy_volume(pool, name)
                               : storage_destroy_snapshot(pool, name));
    *ret_is_kept = false;
    return NULL;
}

Error *storage_sweep_marks(Pool *pool, bool (*is_alive)(const char *maker, void *data), void *data)
{
    g_autofree char *dir = g_build_filename(pool->mount, LAYOUT_PRIVATE, NULL);
    g_auto(GStrv) names = NULL;

    outside_call(__func__);
    TRY(storage_check_pool(pool));
    TRY(fs_list_dir(dir, &names));
    for (char **name = names; *name; name++) {
        g_autofree char *path = g_build_filename(dir, *name, NULL);
        g_autofree char *maker = g_str_has_prefix(*name, MARK_PREFIX) ? mark_read(path) : NULL;

        if (maker && !is_alive(maker, data))
            TRY(fs_remove(path));
    }
    return NULL;
}

Error *marks_remove_all(const char *mount)
{
    g_autofree char *dir = g_build_filename(mount, LAYOUT_PRIVATE, NULL);
    g_auto(GStrv) names = NULL;

    TRY(fs_list_dir(dir, &names));
    for (char **name = names; *name; name++) {
        g_autofree char *path = g_build_filename(dir, *name, NULL);

        if (g_str_has_prefix(*name, MARK_PREFIX))
            TRY(fs_remove(path));
    }
    return NULL;
}

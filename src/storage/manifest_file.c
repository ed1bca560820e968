/*
 * Reading, writing and lending. What was lent is a file in the pool's .ramet: it survives a crash.
 */
#include "storage/manifest_file.h"

#include <string.h>

#include "base/fs.h"
#include "storage/layout.h"

#define MANIFEST_FILE LAYOUT_PRIVATE "/manifest.json"
#define MANIFEST_MAX  65536
#define LENT_PREFIX   "undo-" /* the file that waits is .ramet/undo-<volume> in the pool */

static char *manifest_file_path(const char *path)
{
    return g_build_filename(path, MANIFEST_FILE, NULL);
}

Error *manifest_file_write(const char *volume_path, const char *text)
{
    g_autofree char *file = manifest_file_path(volume_path);

    return fs_write_file(file, text, NULL);
}

/* Of a file that may be missing, the text; NULL for none. */
static Error *manifest_file_read(const char *file, char **ret_text)
{
    char *text = NULL;
    Error *e = fs_read_file(file, MANIFEST_MAX, &text);

    if (e && e->code != ERR_NOT_FOUND)
        return e;
    error_free(e);
    *ret_text = text;
    return NULL;
}

Manifest *manifest_file_find(const char *path, bool is_snapshot)
{
    g_autofree char *file = manifest_file_path(path);
    g_autofree char *text = NULL;
    g_autoptr(Manifest) manifest = NULL;
    g_autoptr(Error) e = manifest_file_read(file, &text);

    if (!e && text)
        e = manifest_parse(text, &manifest);
    if (!manifest || g_str_equal(manifest->kind, "snapshot") != is_snapshot)
        return NULL;
    return g_steal_pointer(&manifest);
}

static char *lent_path(const char *mount, const char *volume)
{
    return g_strdup_printf("%s/%s/%s%s", mount, LAYOUT_PRIVATE, LENT_PREFIX, volume);
}

static char *lent_volume_path(const char *mount, const char *volume)
{
    return g_build_filename(mount, LAYOUT_VOLUMES, volume, NULL);
}

Error *manifest_file_lend(const char *mount, const char *volume, const char *text)
{
    g_autofree char *lent = lent_path(mount, volume);
    g_autofree char *path = lent_volume_path(mount, volume);
    g_autofree char *file = manifest_file_path(path);
    g_autofree char *own = NULL;

    TRY(manifest_file_read(file, &own));
    TRY(fs_write_file(lent, own ? own : "", NULL));
    return manifest_file_write(path, text);
}

Error *manifest_file_take_back(const char *mount, const char *volume)
{
    g_autofree char *lent = lent_path(mount, volume);
    g_autofree char *path = lent_volume_path(mount, volume);
    g_autofree char *own = NULL;

    TRY(manifest_file_read(lent, &own));
    if (own && fs_exists(path))
        TRY(manifest_file_write(path, own));
    return fs_remove(lent);
}

Error *manifest_file_take_back_all(const char *mount)
{
    g_autofree char *dir = g_build_filename(mount, LAYOUT_PRIVATE, NULL);
    g_auto(GStrv) names = NULL;

    TRY(fs_list_dir(dir, &names));
    for (char **name = names; *name; name++)
        if (g_str_has_prefix(*name, LENT_PREFIX))
            TRY(manifest_file_take_back(mount, *name + strlen(LENT_PREFIX)));
    return NULL;
}

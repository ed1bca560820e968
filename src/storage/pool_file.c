/*
 * pool.json: read at each start, written once.
 */
#include "storage/pool_file.h"

#include <jansson.h>

#include "base/fs.h"
#include "base/json.h"

#define POOL_FILE     ".ramet/pool.json"
#define POOL_FILE_MAX 65536

void pool_file_clear(PoolFile *file)
{
    g_clear_pointer(&file->name, g_free);
    g_clear_pointer(&file->driver, g_free);
    g_clear_pointer(&file->instance, g_free);
}

char *pool_file_format(const PoolFile *file)
{
    g_autoptr(json_t) object = json_pack(
        "{s:s, s:s, s:s, s:I}", "name", file->name, "driver", file->driver, "instance",
        file->instance ? file->instance : "", "createdAtMs", (json_int_t)file->created_at_ms);
    char *text = json_dumps(object, JSON_INDENT(2));
    char *copy = g_strdup(text); /* for g_free() */

    free(text);
    return copy;
}

Error *pool_file_parse(const char *text, PoolFile *ret_file)
{
    json_error_t why;
    g_autoptr(json_t) object = json_loads(text, JSON_REJECT_DUPLICATES, &why);
    const char *name = NULL;
    const char *driver = NULL;
    const char *instance = ""; /* pools made by earlier versions name none */
    json_int_t created_at_ms = 0;

    if (!object ||
        json_unpack_ex(object, &why, 0, "{s:s, s:s, s?s, s?I}", "name", &name, "driver", &driver,
                       "instance", &instance, "createdAtMs", &created_at_ms) < 0)
        return error_new(ERR_INVALID, "pool.json: line %d: %s", why.line, why.text);
    *ret_file = (PoolFile){.name = g_strdup(name),
                           .driver = g_strdup(driver),
                           .instance = g_strdup(instance),
                           .created_at_ms = created_at_ms};
    return NULL;
}

static char *pool_file_path(const char *mount)
{
    return g_build_filename(mount, POOL_FILE, NULL);
}

bool pool_file_exists(const char *mount)
{
    g_autofree char *path = pool_file_path(mount);

    return fs_exists(path);
}

Error *pool_file_write(const char *mount, const PoolFile *file)
{
    g_autofree char *path = pool_file_path(mount);
    g_autofree char *text = pool_file_format(file);
    const FsWrite how = {.mode = 0600, .is_durable = true};

    return fs_write_file(path, text, &how);
}

Error *pool_file_missing(const char *mount)
{
    return error_hint(error_new(ERR_NOT_FOUND, "there is no pool at \"%s\"", mount),
                      "Make one with \"rametd pool create\", or mount the one that should be "
                      "there.");
}

Error *pool_file_read(const char *mount, PoolFile *ret_file)
{
    g_autofree char *path = pool_file_path(mount);
    g_autofree char *text = NULL;
    Error *e = fs_read_file(path, POOL_FILE_MAX, &text);

    if (e && e->code == ERR_NOT_FOUND) {
        error_free(e);
        return pool_file_missing(mount);
    }
    return e ? e : pool_file_parse(text, ret_file);
}

Error *pool_file_remove(const char *mount)
{
    g_autofree char *path = pool_file_path(mount);

    return fs_remove(path);
}

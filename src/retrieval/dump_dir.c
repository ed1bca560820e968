/*
 * Where dumps lie. The operator may point dumpLocation anywhere, so nothing is removed that pg_dump
 * did not write.
 */
#include "retrieval/dump_dir.h"

#include <stdbool.h>
#include <string.h>

#include "base/fs.h"

char *dump_dir_path(const char *location, const char *database)
{
    GString *name = g_string_new(NULL);

    for (const char *c = database; *c; c++) {
        bool is_unsafe =
            *c == '/' || *c == '%' || g_ascii_iscntrl(*c) || (*c == '.' && c == database);
        if (is_unsafe)
            g_string_append_printf(name, "%%%02X", (unsigned char)*c);
        else
            g_string_append_c(name, *c);
    }
    char *path = g_build_filename(location, name->str, NULL);
    g_string_free(name, TRUE);
    return path;
}

/* Files of a directory-format dump: toc.dat, 3421.dat.gz, blobs.toc, blob_16401.dat.gz. */
static bool dump_dir_is_own_file(const char *name)
{
    static const char *const suffixes[] = {".dat", ".toc", ".dat.gz", ".dat.lz4", ".dat.zst"};

    for (size_t i = 0; i < G_N_ELEMENTS(suffixes); i++)
        if (g_str_has_suffix(name, suffixes[i]))
            return true;
    return false;
}

static Error *dump_dir_is_dump(const char *path, bool *ret_is_dump)
{
    g_auto(GStrv) names = NULL;

    TRY(fs_list_dir(path, &names));
    for (char **name = names; *name; name++)
        if (!dump_dir_is_own_file(*name)) {
            *ret_is_dump = false;
            return NULL;
        }
    *ret_is_dump = true;
    return NULL;
}

Error *dump_dir_make(const char *location, const char *database, const char *os_user)
{
    g_autofree char *path = dump_dir_path(location, database);
    bool is_dump = false;

    if (fs_exists(path)) {
        TRY(dump_dir_is_dump(path, &is_dump));
        if (!is_dump)
            return error_hint(
                error_new(ERR_CONFLICT, "\"%s\" holds something that is no dump", path),
                "It is not overwritten. Empty it, or choose another dumpLocation.");
        TRY(fs_remove_tree(path));
    }
    if (!fs_exists(location))
        TRY(fs_make_dir(location, 0700, os_user));
    return fs_make_dir(path, 0700, os_user);
}

Error *dump_dir_remove(const char *location, const char *database)
{
    g_autofree char *path = dump_dir_path(location, database);
    bool is_dump = false;

    if (!fs_exists(path))
        return NULL;
    TRY(dump_dir_is_dump(path, &is_dump));
    return is_dump ? fs_remove_tree(path) : NULL;
}

Error *dump_dir_explain(Error *e, const char *path, const char *os_user)
{
    const char *words = e && e->detail ? e->detail : "";

    if (!strstr(words, path) || !strstr(words, "Permission denied"))
        return e;
    return error_hint(e,
                      "The operating-system user \"%s\" (postgres.osUser) writes the dump: let it "
                      "pass through every directory above \"%s\", or choose another dumpLocation.",
                      os_user, path);
}

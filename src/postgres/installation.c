/*
 * Finding PostgreSQL on this machine. Debian's directories tell their major by name; any other
 * directory is asked (postgres --version), once for each program file, as clones are made faster
 * than programs start.
 */
#include "postgres/installation.h"

#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/proc.h"
#include "postgres/version.h"

#define DEBIAN_DIR         "/usr/lib/postgresql"
#define VERSION_TIMEOUT_MS 10000

/* Where a configured directory may hold its programs, and an installation its extensions. */
static const char *const program_dirs[] = {"bin", "."};
static const char *const extension_dirs[] = {
    "../share/postgresql/extension", "../share/extension",
    "../share/pgsql/extension", /* Red Hat's */
};

void installation_free(Installation *installation)
{
    if (installation == NULL)
        return;
    g_free(installation->bin_dir);
    g_free(installation->image);
    g_clear_pointer(&installation->extensions, g_hash_table_unref);
    g_free(installation);
}

Installation *installation_new(int64_t major, const char *bin_dir)
{
    Installation *installation = g_new0(Installation, 1);

    installation->major = major;
    installation->bin_dir = g_strdup(bin_dir);
    return installation;
}

static Installation *installation_copy(const Installation *installation)
{
    Installation *copy = installation_new(installation->major, installation->bin_dir);

    copy->image = g_strdup(installation->image);
    if (installation->extensions)
        copy->extensions = g_hash_table_ref(installation->extensions);
    return copy;
}

static char *installation_path(const char *bin_dir, const char *program)
{
    g_autofree char *path = g_build_filename(bin_dir, program, NULL);

    return g_file_test(path, G_FILE_TEST_IS_EXECUTABLE) ? g_steal_pointer(&path) : NULL;
}

/* --- versions --- */

static Error *program_ask(const char *program, int64_t *ret_major)
{
    const char *argv[] = {program, "--version", NULL};
    ProcSpec spec = {.argv = argv, .timeout_ms = VERSION_TIMEOUT_MS};
    g_auto(ProcResult) result = {};

    TRY(proc_run(&spec, &result));
    return version_parse_program(result.output, ret_major);
}

/* Asked again when the file was replaced. */
static Error *program_major(const char *program, int64_t *ret_major)
{
    static GMutex mutex;
    static GHashTable *known; /* "path inode mtime" → major */
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mutex);
    struct stat st;

    if (stat(program, &st) < 0)
        return error_errno(errno, "looking for \"%s\"", program);
    g_autofree char *key =
        g_strdup_printf("%s %ju %jd", program, (uintmax_t)st.st_ino, (intmax_t)st.st_mtime);
    if (known == NULL)
        known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    int64_t major = GPOINTER_TO_INT(g_hash_table_lookup(known, key));
    if (major == 0) {
        TRY(program_ask(program, &major));
        g_hash_table_insert(known, g_steal_pointer(&key), GINT_TO_POINTER((int)major));
    }
    *ret_major = major;
    return NULL;
}

/* --- lists --- */

static Error *list_add_configured(GPtrArray *list, const char *dir)
{
    if (!g_path_is_absolute(dir))
        return error_new(ERR_INVALID, "PostgreSQL directory \"%s\" is not an absolute path", dir);

    for (size_t i = 0; i < G_N_ELEMENTS(program_dirs); i++) {
        g_autofree char *bin_dir = g_canonicalize_filename(program_dirs[i], dir);
        g_autofree char *postgres = installation_path(bin_dir, "postgres");
        int64_t major = 0;

        if (postgres == NULL)
            continue;
        Error *e = program_major(postgres, &major);
        if (e)
            return error_wrap(e, "PostgreSQL in \"%s\"", dir);
        g_ptr_array_add(list, installation_new(major, bin_dir));
        return NULL;
    }
    return error_hint(error_new(ERR_NOT_FOUND, "no PostgreSQL in \"%s\"", dir),
                      "The directory must hold the program \"postgres\" or \"bin/postgres\".");
}

/* A directory without postgres is that of a client alone (postgresql-client-N): none of these. */
static Error *list_add_debian(GPtrArray *list)
{
    g_auto(GStrv) names = NULL;

    TRY(fs_list_dir(DEBIAN_DIR, &names));
    for (char **name = names; *name; name++) {
        g_autofree char *bin_dir = g_build_filename(DEBIAN_DIR, *name, "bin", NULL);
        g_autofree char *postgres = installation_path(bin_dir, "postgres");
        int64_t major = 0;
        g_autoptr(Error) no_number = version_parse(*name, &major);

        if (postgres && !no_number)
            g_ptr_array_add(list, installation_new(major, bin_dir));
    }
    return NULL;
}

static int installation_compare(const void *a, const void *b)
{
    const Installation *const *left = a, *const *right = b;

    return (int)((*left)->major - (*right)->major);
}

Error *installation_list(const char *const *extra_dirs, GPtrArray **ret_list)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)installation_free);

    for (const char *const *dir = extra_dirs; dir && *dir; dir++)
        TRY(list_add_configured(list, *dir));
    TRY(list_add_debian(list));
    g_ptr_array_sort(list, installation_compare); /* stable: a configured one comes first */
    *ret_list = g_steal_pointer(&list);
    return NULL;
}

/* --- one of them --- */

static char *installation_names(const GPtrArray *list)
{
    g_autoptr(GString) names = g_string_new(NULL);

    for (guint i = 0; i < list->len; i++) {
        const Installation *installation = g_ptr_array_index(list, i);
        g_autofree char *name = version_name(installation->major);

        g_string_append_printf(names, "\n%s in %s", name, installation->bin_dir);
    }
    return g_strdup(names->len ? names->str : " none");
}

static Error *installation_missing(const GPtrArray *list, int64_t major, const char *or_newer)
{
    const Installation *first = list->len > 0 ? g_ptr_array_index(list, 0) : NULL;
    g_autofree char *name = version_name(major);
    g_autofree char *names = installation_names(list);
    Error *e;

    if (first && first->image) {
        e = error_new(ERR_NOT_FOUND, "PostgreSQL %s%s is not in image \"%s\"", name, or_newer,
                      first->image);
        e = error_hint(e, "Configure an image that has it.");
    } else {
        e = error_new(ERR_NOT_FOUND, "PostgreSQL %s%s is not installed", name, or_newer);
        e = error_hint(e,
                       "Install the package postgresql-%s, or add its directory to "
                       "postgres.binDirs in the configuration.",
                       name);
    }
    return error_detail(e, "Installed:%s", names);
}

Error *installation_choose(const GPtrArray *list, int64_t major, bool or_newer, Installation **ret)
{
    int64_t highest = or_newer ? VERSION_NEWEST : major;

    for (guint i = 0; i < list->len; i++) {
        const Installation *installation = g_ptr_array_index(list, i);

        if (installation->major < major || installation->major > highest)
            continue;
        *ret = installation_copy(installation);
        return NULL;
    }
    return installation_missing(list, major, or_newer ? " or newer" : "");
}

/* --- what it holds --- */

/* In a Debian directory of a client package, or of any installation, of at least this major. */
static Error *program_elsewhere(const char *const *extra_dirs, int64_t major, const char *program,
                                char **ret_path)
{
    g_autoptr(GPtrArray) list = NULL;

    TRY(installation_list(extra_dirs, &list));
    for (guint i = 0; i < list->len && !*ret_path; i++) {
        const Installation *other = g_ptr_array_index(list, i);
        if (other->major >= major)
            *ret_path = installation_path(other->bin_dir, program);
    }
    for (int64_t m = major; m <= VERSION_NEWEST && !*ret_path; m++) {
        g_autofree char *name = version_name(m);
        g_autofree char *bin_dir = g_build_filename(DEBIAN_DIR, name, "bin", NULL);
        *ret_path = installation_path(bin_dir, program);
    }
    return NULL;
}

/* In PATH, when it says itself that it is new enough. */
static Error *program_in_path(int64_t major, const char *program, char **ret_path)
{
    g_autofree char *path = g_find_program_in_path(program);
    int64_t found = 0;

    if (path == NULL)
        return NULL;
    TRY(program_major(path, &found));
    if (found >= major)
        *ret_path = g_steal_pointer(&path);
    return NULL;
}

Error *installation_program(const char *const *extra_dirs, const Installation *installation,
                            const char *program, char **ret_path)
{
    g_autofree char *path =
        installation->image ? NULL : installation_path(installation->bin_dir, program);

    if (path == NULL)
        TRY(program_elsewhere(extra_dirs, installation->major, program, &path));
    if (path == NULL)
        TRY(program_in_path(installation->major, program, &path));
    if (path == NULL) {
        g_autofree char *name = version_name(installation->major);
        return error_hint(error_new(ERR_NOT_FOUND,
                                    "program \"%s\" of PostgreSQL %s or newer is not installed",
                                    program, name),
                          "Install the package postgresql-client-%s.", name);
    }
    *ret_path = g_steal_pointer(&path);
    return NULL;
}

Error *installation_data_major(const char *data_dir, int64_t *ret_major)
{
    g_autofree char *path = g_build_filename(data_dir, "PG_VERSION", NULL);
    g_autofree char *text = NULL;

    Error *e = fs_read_plain_file(path, 64, &text);
    if (e && e->code == ERR_NOT_FOUND) {
        error_free(e);
        return error_new(ERR_INVALID, "\"%s\" is not a PostgreSQL data directory", data_dir);
    }
    if (e)
        return e;

    e = version_parse(g_strstrip(text), ret_major);
    return e ? error_wrap(e, "PG_VERSION of data directory \"%s\"", data_dir) : NULL;
}

static bool extension_is_in(const char *dir, const char *extension)
{
    g_autofree char *name = g_strconcat(extension, ".control", NULL);
    g_autofree char *path = g_build_filename(dir, name, NULL);

    return fs_exists(path);
}

char *installation_own_program(const Installation *installation, const char *program)
{
    return g_build_filename(installation->bin_dir, program, NULL);
}

bool installation_has_extension(const Installation *installation, const char *extension)
{
    if (installation->extensions)
        return g_hash_table_contains(installation->extensions, extension);
    for (size_t i = 0; i < G_N_ELEMENTS(extension_dirs); i++) {
        g_autofree char *dir = g_build_filename(installation->bin_dir, extension_dirs[i], NULL);
        if (extension_is_in(dir, extension))
            return true;
    }

    /* Debian: …/lib/postgresql/15/bin and …/share/postgresql/15/extension */
    g_autofree char *name = version_name(installation->major);
    g_autofree char *debian = g_strdup_printf("%s/../../../../share/postgresql/%s/extension",
                                              installation->bin_dir, name);
    return extension_is_in(debian, extension);
}

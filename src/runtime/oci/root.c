/*
 * The root of clones. It has names of two users, the time zone and no more of the host's /etc; /usr
 * is all of the host that a clone sees, and what links from there lead to.
 */
#include "runtime/oci/root.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "runtime/users.h"

#define COPY_MAX (16 * 1024 * 1024)

/* Links into /usr on a machine of today; directories of their own on one of yesterday. */
static const char *const root_program_dirs[] = {"/bin", "/sbin", "/lib", "/lib32", "/lib64"};

static const char *const root_dirs[] = {
    "/dev", "/etc", "/proc", "/run", "/usr", INSTANCE_DATA_DIR, INSTANCE_SOCKET_DIR,
};

/* Of the host beside /usr, where it has them. */
static const char *const root_host_dirs[] = {
    "/etc/alternatives", /* libraries that can be one or the other, as of linear algebra */
    "/var/cache/postgresql/dicts", /* Debian's dictionaries for text search */
};

static Error *root_make_dirs(const char *root)
{
    for (size_t i = 0; i < G_N_ELEMENTS(root_dirs); i++) {
        g_autofree char *path = g_strconcat(root, root_dirs[i], NULL);

        TRY(fs_make_dir(path, 0755, NULL));
    }

    /* runc gives memory mounted there the mode of the directory, whatever its options say. */
    g_autofree char *tmp = g_strconcat(root, "/tmp", NULL);

    return fs_make_dir(tmp, 01777, NULL);
}

static Error *root_write(const char *root, const char *name, const char *text)
{
    g_autofree char *path = g_strconcat(root, name, NULL);

    return fs_write_file(path, text, &(FsWrite){.mode = 0644});
}

static Error *root_make_link(const char *root, const char *name, const char *target)
{
    g_autofree char *path = g_strconcat(root, name, NULL);

    if (symlink(target, path) == 0 || errno == EEXIST)
        return NULL;
    return error_errno(errno, "could not make link \"%s\"", path);
}

static Error *root_link_as_here(const char *root, const char *name)
{
    g_autofree char *target = g_file_read_link(name, NULL);

    return target ? root_make_link(root, name, target) : NULL;
}

/* A file as the machine has it; where it has none, instead. */
static Error *root_copy(const char *root, const char *name, const char *instead)
{
    g_autofree char *path = g_strconcat(root, name, NULL);
    g_autofree char *text = NULL;
    size_t size = 0;
    g_autoptr(GError) failure = NULL;

    if (!g_file_get_contents(name, &text, &size, NULL) || size > COPY_MAX)
        return instead ? root_write(root, name, instead) : NULL;
    if (!g_file_set_contents_full(path, text, (gssize)size, G_FILE_SET_CONTENTS_CONSISTENT, 0644,
                                  &failure))
        return error_new(ERR_EXTERNAL, "could not write \"%s\": %s", path, failure->message);
    return NULL;
}

/* Debian's list of time zones has a link to /etc/localtime: without it pg_timezone_names fails. */
static Error *root_set_time_zone(const char *root)
{
    TRY(root_copy(root, "/etc/timezone", "Etc/UTC\n"));
    if (!fs_exists("/etc/localtime"))
        return root_make_link(root, "/etc/localtime", "/usr/share/zoneinfo/Etc/UTC");
    return root_copy(root, "/etc/localtime", NULL);
}

Error *root_make(const char *root, const RuntimePlace *place)
{
    g_autofree char *etc = g_strconcat(root, "/etc", NULL);

    TRY(root_make_dirs(root));
    for (size_t i = 0; i < G_N_ELEMENTS(root_program_dirs); i++)
        TRY(root_link_as_here(root, root_program_dirs[i]));
    TRY(root_make_link(root, "/var/run", "/run")); /* where Debian's libpq looks for the socket */
    TRY(users_write(etc, place));
    TRY(root_write(root, "/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"));
    TRY(root_write(root, "/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"));
    TRY(root_set_time_zone(root));
    /* Without it programs would look for libraries in the usual directories only. */
    return root_copy(root, "/etc/ld.so.cache", NULL);
}

/* --- what is bound --- */

static void root_add_host_dir(GPtrArray *paths, const char *path)
{
    if (g_file_test(path, G_FILE_TEST_IS_DIR))
        g_ptr_array_add(paths, g_strdup(path));
}

/* Of a PostgreSQL elsewhere, what it was installed with, and nothing else that is beside it. */
static void root_add_installation(GPtrArray *paths, const char *bin_dir)
{
    static const char *const parts[] = {"lib", "lib64", "share"};
    g_autofree char *prefix = g_path_get_dirname(bin_dir);

    root_add_host_dir(paths, bin_dir);
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        g_autofree char *path = g_build_filename(prefix, parts[i], NULL);

        root_add_host_dir(paths, path);
    }
}

GPtrArray *root_host_paths(const char *bin_dir)
{
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);

    g_ptr_array_add(paths, g_strdup("/usr"));
    for (size_t i = 0; i < G_N_ELEMENTS(root_program_dirs); i++)
        if (!g_file_test(root_program_dirs[i], G_FILE_TEST_IS_SYMLINK))
            root_add_host_dir(paths, root_program_dirs[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(root_host_dirs); i++)
        root_add_host_dir(paths, root_host_dirs[i]);
    if (!g_str_has_prefix(bin_dir, "/usr/"))
        root_add_installation(paths, bin_dir);
    return paths;
}

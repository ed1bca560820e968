/*
 * What postgres would wait for is found before it is started.
 */
#include "postgres/data_files.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"

static void must(Error *e)
{
    if (e)
        g_error("unexpected error: %s", e->message);
}

static void make_pipe(const char *path)
{
    g_assert_cmpint(mkfifo(path, 0600), ==, 0);
}

static void make_dir(const char *path)
{
    g_assert_cmpint(mkdir(path, 0700), ==, 0);
}

/* To what it is, nobody looks: it may be a pipe by then. */
static void make_link(const char *path)
{
    g_assert_cmpint(symlink("/etc/passwd", path), ==, 0);
}

static void test_what_is_no_file(void)
{
    static const char *const names[] = {"PG_VERSION", "global/pg_control", "postgresql.auto.conf",
                                        DATA_EXTERNAL_PID};
    static void (*const makers[])(const char *path) = {make_pipe, make_dir, make_link};

    for (size_t i = 0; i < G_N_ELEMENTS(names) * G_N_ELEMENTS(makers); i++) {
        const char *name = names[i / G_N_ELEMENTS(makers)];
        g_autofree char *dir = g_dir_make_tmp("ramet-data-XXXXXX", NULL);
        g_autofree char *global = g_build_filename(dir, "global", NULL);
        g_autofree char *path = g_build_filename(dir, name, NULL);

        must(data_files_check(dir)); /* what is missing is PostgreSQL's to tell */
        make_dir(global);
        g_assert_true(g_file_set_contents(path, "15", -1, NULL));
        must(data_files_check(dir));
        g_assert_cmpint(unlink(path), ==, 0);
        makers[i % G_N_ELEMENTS(makers)](path);
        g_autoptr(Error) e = data_files_check(dir);
        g_assert_nonnull(e);
        g_assert_cmpint(e->code, ==, ERR_INVALID);
        g_assert_nonnull(strstr(e->message, name));
        must(fs_remove_tree(dir));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/data-files/what-is-no-file", test_what_is_no_file);
    return g_test_run();
}

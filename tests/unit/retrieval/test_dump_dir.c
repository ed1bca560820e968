/*
 * Directories of dumps: no name leads out of the location, nothing foreign is removed.
 */
#include "retrieval/dump_dir.h"

#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"

static char *make_location(void)
{
    char *location = g_dir_make_tmp("ramet-dump-XXXXXX", NULL);

    g_assert_nonnull(location);
    return location;
}

static void assert_ok(Error *e)
{
    if (e)
        g_test_message("%s", e->message);
    g_assert_null(e);
}

static void write_in(const char *dir, const char *name)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);

    assert_ok(fs_make_dir(dir, 0700, NULL));
    g_assert_true(g_file_set_contents(path, "x", 1, NULL));
}

/* What is in it is the source in plain. */
static void assert_private(const char *path)
{
    struct stat status;

    g_assert_cmpint(stat(path, &status), ==, 0);
    g_assert_cmpuint(status.st_mode & 07777, ==, 0700);
}

static void test_path(void)
{
    static const struct {
        const char *database;
        const char *path;
    } cases[] = {
        {"app", "/d/app"},     {"we ird", "/d/we ird"},     {"a/b", "/d/a%2Fb"},
        {"..", "/d/%2E."},     {".hidden", "/d/%2Ehidden"}, {"100%", "/d/100%25"},
        {"Größe", "/d/Größe"}, {"a\nb", "/d/a%0Ab"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = dump_dir_path("/d", cases[i].database);
        g_assert_cmpstr(path, ==, cases[i].path);
    }
}

static void test_old_dump_is_replaced(void)
{
    g_autofree char *location = make_location();
    g_autofree char *path = dump_dir_path(location, "a/b");
    g_autofree char *toc = g_build_filename(path, "toc.dat", NULL);

    write_in(path, "toc.dat");
    write_in(path, "3421.dat.gz");
    assert_ok(dump_dir_make(location, "a/b", NULL));
    assert_private(path);
    g_assert_false(fs_exists(toc));
    assert_ok(dump_dir_remove(location, "a/b"));
    g_assert_false(fs_exists(path));
    assert_ok(dump_dir_remove(location, "a/b"));
    assert_ok(fs_remove(location));
}

static void test_foreign_is_kept(void)
{
    g_autofree char *location = make_location();
    g_autofree char *home = g_build_filename(location, "alice", NULL);
    g_autofree char *letter = g_build_filename(home, "letter.txt", NULL);

    write_in(home, "letter.txt");
    g_autoptr(Error) e = dump_dir_make(location, "alice", NULL);
    g_assert_nonnull(e);
    g_assert_cmpint(e->code, ==, ERR_CONFLICT);
    g_assert_nonnull(e->hint);
    assert_ok(dump_dir_remove(location, "alice"));
    g_assert_true(fs_exists(letter));
    assert_ok(fs_remove_tree(location));
}

static void test_who_cannot_write(void)
{
    g_autoptr(Error) reach =
        error_detail(error_new(ERR_EXTERNAL, "pg_dump failed"),
                     "could not open output file \"/d/app/toc.dat\": Permission denied");
    g_autoptr(Error) other =
        error_detail(error_new(ERR_EXTERNAL, "pg_dump failed"), "\"/etc/key\": Permission denied");

    reach = dump_dir_explain(g_steal_pointer(&reach), "/d/app", "postgres");
    g_assert_nonnull(strstr(reach->hint, "\"postgres\""));
    other = dump_dir_explain(g_steal_pointer(&other), "/d/app", "postgres");
    g_assert_null(other->hint);
    g_assert_null(dump_dir_explain(NULL, "/d/app", "postgres"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dump-dir/path", test_path);
    g_test_add_func("/dump-dir/old-dump-is-replaced", test_old_dump_is_replaced);
    g_test_add_func("/dump-dir/foreign-is-kept", test_foreign_is_kept);
    g_test_add_func("/dump-dir/who-cannot-write", test_who_cannot_write);
    return g_test_run();
}

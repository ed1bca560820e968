/*
 * Finding installations in a tree of pretended ones. Their majors are far above those that the
 * machine may have, and their programs are scripts that print a version.
 */
#include "postgres/installation.h"

#include <glib/gstdio.h>
#include <string.h>

#include "base/fs.h"

static char *root;
static char *extra_dirs[3];

static void make_file(const char *text, mode_t mode, const char *path)
{
    g_autofree char *whole = g_build_filename(root, path, NULL);
    g_autofree char *dir = g_path_get_dirname(whole);

    g_assert_cmpint(g_mkdir_with_parents(dir, 0755), ==, 0);
    g_assert_true(g_file_set_contents(whole, text, -1, NULL));
    g_assert_cmpint(g_chmod(whole, mode), ==, 0);
}

static void make_program(const char *path, const char *version)
{
    g_autofree char *script = g_strdup_printf("#!/bin/sh\necho '%s'\n", version);

    make_file(script, 0755, path);
}

static void make_tree(void)
{
    root = g_dir_make_tmp("ramet-installation-XXXXXX", NULL);
    make_program("own/bin/postgres", "postgres (PostgreSQL) 97.3 (Built by hand)");
    make_file("", 0644, "own/share/postgresql/extension/hypopg.control");
    make_program("lib/postgresql/98/bin/postgres", "postgres (PostgreSQL) 98beta2");
    make_program("lib/postgresql/98/bin/pg_dump", "pg_dump (PostgreSQL) 98beta2");
    make_file("", 0644, "share/postgresql/98/extension/hll.control");
    extra_dirs[0] = g_build_filename(root, "lib/postgresql/98/bin", NULL);
    extra_dirs[1] = g_build_filename(root, "own", NULL);
}

static const char *const *dirs(void)
{
    return (const char *const *)extra_dirs;
}

static void test_list(void)
{
    g_autoptr(GPtrArray) list = NULL;

    g_assert_null(installation_list(dirs(), &list));
    g_assert_cmpuint(list->len, >=, 2);
    const Installation *last = g_ptr_array_index(list, list->len - 1);
    const Installation *before = g_ptr_array_index(list, list->len - 2);
    g_assert_cmpint(before->major, ==, 97);
    g_assert_true(g_str_has_suffix(before->bin_dir, "/own/bin"));
    g_assert_cmpint(last->major, ==, 98);
    g_assert_cmpstr(last->bin_dir, ==, extra_dirs[0]);
}

/* The major, or a newer one; what is missing is an error. */
static Error *find(const char *const *in_dirs, int64_t major, bool or_newer, Installation **ret)
{
    g_autoptr(GPtrArray) list = NULL;

    g_assert_null(installation_list(in_dirs, &list));
    return installation_choose(list, major, or_newer, ret);
}

static void test_find(void)
{
    g_autoptr(Installation) exact = NULL;
    g_autoptr(Installation) newer = NULL;
    g_autoptr(Installation) none = NULL;

    g_assert_null(find(dirs(), 97, false, &exact));
    g_assert_cmpint(exact->major, ==, 97);
    g_assert_null(find(dirs(), 98, true, &newer));
    g_assert_cmpint(newer->major, ==, 98);

    g_autoptr(Error) e = find(dirs(), 96, false, &none);
    g_assert_cmpint(e->code, ==, ERR_NOT_FOUND);
    g_assert_cmpstr(e->message, ==, "PostgreSQL 96 is not installed");
    g_assert_nonnull(strstr(e->detail, "97 in "));
    g_assert_nonnull(strstr(e->hint, "postgresql-96"));
    g_assert_null(none);
    g_autoptr(Error) too_new = find(dirs(), 99, true, &none);
    g_assert_cmpint(too_new->code, ==, ERR_NOT_FOUND);
}

static void test_replaced_program(void)
{
    g_autoptr(Installation) found = NULL;

    make_program("moving/postgres", "postgres (PostgreSQL) 95.1");
    g_autofree char *dir = g_build_filename(root, "moving", NULL);
    const char *const moving[] = {dir, NULL};
    g_assert_null(find(moving, 95, false, &found));
    make_program("moving/new", "postgres (PostgreSQL) 94.1");
    g_autofree char *from = g_build_filename(dir, "new", NULL);
    g_autofree char *to = g_build_filename(dir, "postgres", NULL);
    g_assert_cmpint(g_rename(from, to), ==, 0);
    g_autoptr(Error) e = find(moving, 95, false, &found);
    g_assert_nonnull(e);
}

static void test_bad_dirs(void)
{
    g_autoptr(GPtrArray) list = NULL;
    const char *const missing[] = {"/nonexistent", NULL};
    make_program("odd/postgres", "hello");
    g_autofree char *dir = g_build_filename(root, "odd", NULL);
    const char *const odd[] = {dir, NULL};

    g_autoptr(Error) e = installation_list(missing, &list);
    g_assert_cmpint(e->code, ==, ERR_NOT_FOUND);
    const char *const relative[] = {"", NULL};
    g_autoptr(Error) not_absolute = installation_list(relative, &list);
    g_assert_cmpint(not_absolute->code, ==, ERR_INVALID);
    g_autoptr(Error) no_version = installation_list(odd, &list);
    g_assert_cmpint(no_version->code, ==, ERR_EXTERNAL);
    g_assert_nonnull(strstr(no_version->message, dir));
}

static void test_program(void)
{
    g_autoptr(Installation) own = NULL;
    g_autofree char *beside = NULL;
    g_autofree char *elsewhere = NULL;
    g_autofree char *none = NULL;

    g_assert_null(find(dirs(), 97, false, &own));
    g_assert_null(installation_program(dirs(), own, "postgres", &beside));
    g_assert_true(g_str_has_suffix(beside, "/own/bin/postgres"));
    g_assert_null(installation_program(dirs(), own, "pg_dump", &elsewhere));
    g_assert_true(g_str_has_suffix(elsewhere, "/98/bin/pg_dump"));

    g_autoptr(Error) e = installation_program(dirs(), own, "pg_nothing", &none);
    g_assert_cmpint(e->code, ==, ERR_NOT_FOUND);
    g_assert_null(none);
}

static void test_extension(void)
{
    g_autoptr(Installation) own = NULL;
    g_autoptr(Installation) debian = NULL;

    g_assert_null(find(dirs(), 97, false, &own));
    g_assert_null(find(dirs(), 98, false, &debian));
    g_assert_true(installation_has_extension(own, "hypopg"));
    g_assert_false(installation_has_extension(own, "hll"));
    g_assert_true(installation_has_extension(debian, "hll"));
    g_assert_false(installation_has_extension(debian, "hypopg"));
}

static void test_data_major(void)
{
    g_autofree char *dir = g_build_filename(root, "data", NULL);
    int64_t major = 0;

    g_autoptr(Error) missing = installation_data_major(dir, &major);
    g_assert_cmpint(missing->code, ==, ERR_INVALID);
    make_file("15\n", 0600, "data/PG_VERSION");
    g_assert_null(installation_data_major(dir, &major));
    g_assert_cmpint(major, ==, 15);
    make_file("9.6\n", 0600, "data/PG_VERSION");
    g_assert_null(installation_data_major(dir, &major));
    g_assert_cmpint(major, ==, 9);
    make_file("9.5\n", 0600, "data/PG_VERSION");
    g_autoptr(Error) old = installation_data_major(dir, &major);
    g_assert_nonnull(old);
    g_assert_cmpint(old->code, ==, ERR_INVALID);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    make_tree();
    g_test_add_func("/installation/list", test_list);
    g_test_add_func("/installation/find", test_find);
    g_test_add_func("/installation/replaced-program", test_replaced_program);
    g_test_add_func("/installation/bad-dirs", test_bad_dirs);
    g_test_add_func("/installation/program", test_program);
    g_test_add_func("/installation/extension", test_extension);
    g_test_add_func("/installation/data-major", test_data_major);
    int status = g_test_run();
    error_ignore(fs_remove_tree(root), "a test's directory is left over");
    return status;
}

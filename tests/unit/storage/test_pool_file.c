/*
 * The identity of a pool, there and back, and what is refused.
 */
#include "storage/pool_file.h"

#include "base/fs.h"

static void test_there_and_back(void)
{
    const PoolFile file = {(char[]){"p1"}, (char[]){"btrfs"}, (char[]){"c-1"}, 1782892800123};
    g_autofree char *text = pool_file_format(&file);
    g_auto(PoolFile) back = {0};
    g_autoptr(Error) e = pool_file_parse(text, &back);

    g_assert_null(e);
    g_assert_cmpstr(back.name, ==, "p1");
    g_assert_cmpstr(back.driver, ==, "btrfs");
    g_assert_cmpstr(back.instance, ==, "c-1");
    g_assert_cmpint(back.created_at_ms, ==, 1782892800123);
}

/* A pool made before pools had an owner: it is nobody's yet. */
static void test_without_instance(void)
{
    g_auto(PoolFile) file = {0};
    g_autoptr(Error) e = pool_file_parse("{\"name\": \"p1\", \"driver\": \"btrfs\"}", &file);

    g_assert_null(e);
    g_assert_cmpstr(file.instance, ==, "");
}

static void test_invalid(void)
{
    static const char *const invalid[] = {
        "", "{", "[]", "{}", "{\"name\": \"p1\"}", "{\"name\": 1, \"driver\": \"btrfs\"}"};

    for (size_t i = 0; i < G_N_ELEMENTS(invalid); i++) {
        PoolFile file = {0};
        g_autoptr(Error) e = pool_file_parse(invalid[i], &file);

        g_assert_nonnull(e);
        g_assert_cmpint(e->code, ==, ERR_INVALID);
        g_assert_null(file.name);
    }
}

static void test_on_disk(void)
{
    g_autofree char *mount = g_dir_make_tmp("ramet-test-XXXXXX", NULL);
    g_autofree char *dir = g_build_filename(mount, ".ramet", NULL);
    const PoolFile file = {(char[]){"p1"}, (char[]){"reflink"}, NULL, 1};
    g_auto(PoolFile) back = {0};

    g_assert_null(fs_make_dir(dir, 0700, NULL));

    g_autoptr(Error) missing = pool_file_read(mount, &back);

    g_assert_cmpint(missing->code, ==, ERR_NOT_FOUND);
    g_assert_nonnull(missing->hint);
    g_assert_false(pool_file_exists(mount));
    g_assert_null(pool_file_write(mount, &file));
    g_assert_true(pool_file_exists(mount));
    g_assert_null(pool_file_read(mount, &back));
    g_assert_cmpstr(back.driver, ==, "reflink");
    g_assert_null(pool_file_remove(mount));
    g_assert_null(pool_file_remove(mount));
    g_assert_false(pool_file_exists(mount));
    g_assert_null(fs_remove_tree(mount));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/storage/pool-file/there-and-back", test_there_and_back);
    g_test_add_func("/storage/pool-file/without-instance", test_without_instance);
    g_test_add_func("/storage/pool-file/invalid", test_invalid);
    g_test_add_func("/storage/pool-file/on-disk", test_on_disk);
    return g_test_run();
}

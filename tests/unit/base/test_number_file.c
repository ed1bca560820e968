/*
 * A number in a file: kept, written over in its place, and told from what is none.
 */
#include "base/number_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"

static char *dir, *path;

static void assert_ok(Error *e)
{
    if (e)
        g_error("%s", e->message);
}

static int64_t read_number(void)
{
    int64_t number = -1;

    assert_ok(number_file_read(path, &number));
    return number;
}

static void test_kept(void)
{
    static const int64_t numbers[] = {1, INT64_MAX, 0, 41, 42};
    struct stat before, after;

    g_assert_cmpint(read_number(), ==, 0); /* missing */
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
        assert_ok(number_file_write(path, numbers[i]));
        g_assert_cmpint(read_number(), ==, numbers[i]);
        g_assert_cmpint(stat(path, i ? &after : &before), ==, 0);
    }
    g_assert_cmpuint(before.st_ino, ==, after.st_ino);
    g_assert_cmpint(before.st_size, ==, after.st_size);
    g_assert_cmpint(after.st_mode & 0777, ==, 0600);
}

static void test_no_number(void)
{
    static const char *const texts[] = {"", "x", "-1", "1 2", "99999999999999999999"};

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        int64_t number = 7;

        assert_ok(fs_write_file(path, texts[i], NULL));

        g_autoptr(Error) e = number_file_read(path, &number);

        g_assert_nonnull(e);
        g_assert_cmpint(e->code, ==, ERR_INVALID);
        g_assert_cmpint(number, ==, 7);
    }
}

/* Where a link lies instead, what it leads to stays as it is. */
static void test_link(void)
{
    g_autofree char *target = g_strconcat(path, ".target", NULL);
    g_autofree char *text = NULL;

    assert_ok(fs_remove(path));
    assert_ok(fs_write_file(target, "precious", NULL));
    g_assert_cmpint(symlink(target, path), ==, 0);

    g_autoptr(Error) e = number_file_write(path, 1);

    g_assert_nonnull(e);
    assert_ok(fs_read_file(target, 64, &text));
    g_assert_cmpstr(text, ==, "precious");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    dir = g_dir_make_tmp("ramet-number-XXXXXX", NULL);
    path = g_build_filename(dir, "number", NULL);
    g_test_add_func("/base/number_file/kept", test_kept);
    g_test_add_func("/base/number_file/no_number", test_no_number);
    g_test_add_func("/base/number_file/link", test_link);

    int status = g_test_run();

    assert_ok(fs_remove_tree(dir));
    g_free(path);
    g_free(dir);
    return status;
}

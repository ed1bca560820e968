/*
 * What a walk finds, and what it refuses.
 */
#include "storage/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/fs.h"

static void make(const char *root, const char *path, bool is_dir)
{
    g_autofree char *full = g_build_filename(root, path, NULL);

    g_assert_null(is_dir ? fs_make_dir(full, 0700, NULL) : fs_write_file(full, "", NULL));
}

/* Position of a path in the list, which has its type; -1 when it is not there. */
static int find(const GPtrArray *entries, const char *path, unsigned char type)
{
    for (guint i = 0; i < entries->len; i++) {
        const TreeEntry *entry = g_ptr_array_index(entries, i);

        if (g_str_equal(entry->path, path)) {
            g_assert_cmpint(entry->type, ==, type);
            return (int)i;
        }
    }
    return -1;
}

static void test_all_kinds(void)
{
    g_autofree char *root = g_dir_make_tmp("ramet-test-XXXXXX", NULL);
    g_autofree char *link = g_build_filename(root, "base/link", NULL);
    g_autofree char *pipe = g_build_filename(root, "base/pipe", NULL);
    g_autoptr(GPtrArray) entries = NULL;
    AUTO_FD fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    make(root, "base/1/2", true);
    make(root, "base/1/2/file", false);
    make(root, ".hidden", false);
    g_assert_cmpint(symlink("/", link), ==, 0);
    g_assert_cmpint(mkfifo(pipe, 0600), ==, 0);

    g_assert_null(tree_list(fd, &entries));
    g_assert_cmpuint(entries->len, ==, 7);
    g_assert_cmpint(find(entries, ".hidden", DT_REG), >=, 0);
    g_assert_cmpint(find(entries, "base/link", DT_LNK), >=, 0);
    g_assert_cmpint(find(entries, "base/pipe", DT_FIFO), >=, 0);
    g_assert_cmpint(find(entries, "base", DT_DIR), <, find(entries, "base/1", DT_DIR));
    g_assert_cmpint(find(entries, "base/1", DT_DIR), <, find(entries, "base/1/2", DT_DIR));
    g_assert_cmpint(find(entries, "base/1/2", DT_DIR), <, find(entries, "base/1/2/file", DT_REG));
    g_assert_null(fs_remove_tree(root));
}

static void test_empty(void)
{
    g_autofree char *root = g_dir_make_tmp("ramet-test-XXXXXX", NULL);
    g_autoptr(GPtrArray) entries = NULL;
    AUTO_FD fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    g_assert_null(tree_list(fd, &entries));
    g_assert_cmpuint(entries->len, ==, 0);
    g_assert_null(fs_remove_tree(root));
}

/* A tree that is deeper than any data directory: refused, not followed to the end of the stack. */
static void test_too_deep(void)
{
    g_autofree char *root = g_dir_make_tmp("ramet-test-XXXXXX", NULL);
    g_autofree char *top = g_build_filename(root, "d", NULL);
    g_autofree char *moved = g_build_filename(root, "moved", NULL);
    g_autoptr(GPtrArray) entries = NULL;
    AUTO_FD fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    GString *path = g_string_new("d");

    for (int i = 0; i < 80; i++)
        g_string_append(path, "/d");
    make(root, path->str, true);

    g_autoptr(Error) e = tree_list(fd, &entries);

    g_assert_nonnull(e);
    g_assert_cmpint(e->code, ==, ERR_INVALID);
    g_assert_null(entries);

    /* In two halves, as removing has its limit too. */
    g_autofree char *half = g_strndup(path->str, strlen("d") + 40 * strlen("/d"));
    g_autofree char *half_path = g_build_filename(root, half, NULL);

    g_assert_cmpint(rename(half_path, moved), ==, 0);
    g_assert_null(fs_remove_tree(top));
    g_assert_null(fs_remove_tree(root));
    g_string_free(path, TRUE);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/storage/tree/all-kinds", test_all_kinds);
    g_test_add_func("/storage/tree/empty", test_empty);
    g_test_add_func("/storage/tree/too-deep", test_too_deep);
    return g_test_run();
}

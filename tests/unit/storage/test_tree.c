/*
 * What a walk finds.
 */
#include "storage/tree.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "common/hostile_tree.h"

/* In the place of libc's: what a disk that fails makes of a listing. */
static bool is_disk_failing;

struct dirent *readdir(DIR *dir)
{
    static struct dirent *(*real)(DIR *);

    if (!real)
        real = (struct dirent * (*)(DIR *))(uintptr_t)dlsym(RTLD_NEXT, "readdir64");
    if (!is_disk_failing)
        return real(dir);
    errno = EIO;
    return NULL;
}

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

/* Each entry can be reached, and no path is longer than the kernel takes. */
static void test_hostile(void)
{
    g_autofree char *root = g_dir_make_tmp("ramet-test-XXXXXX", NULL);
    g_autoptr(GPtrArray) entries = NULL;
    AUTO_FD fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g_auto(TreeAt) at = {.root_fd = fd};
    int n_last = 0;

    if (geteuid() != 0) {
        g_test_skip("directories of mode 000 are read by root alone");
        g_assert_null(fs_remove_dir(root));
        return;
    }
    hostile_tree_make(root, false);
    g_assert_null(tree_list(fd, &entries));
    g_assert_cmpuint(entries->len, >, HOSTILE_LEVELS + HOSTILE_LONG_NAMES);
    for (guint i = 0; i < entries->len; i++) {
        const TreeEntry *entry = g_ptr_array_index(entries, i);
        AUTO_FD entry_fd = tree_open(&at, entry, O_PATH | O_NOFOLLOW);

        g_assert_cmpuint(strlen(entry->path), <, PATH_MAX);
        g_assert_cmpint(entry_fd, >=, 0);
        n_last += entry->type == DT_REG && g_str_has_suffix(entry->path, "last");
    }
    g_assert_cmpint(n_last, ==, 2);
    g_assert_null(tree_take_over(root, "root"));
    g_assert_null(fs_remove_tree(root));
}

/* A copy that lacks what could not be read is none. */
static void test_failing_disk(void)
{
    g_autofree char *root = g_dir_make_tmp("ramet-test-XXXXXX", NULL);
    g_autoptr(GPtrArray) entries = NULL;
    g_auto(GStrv) names = NULL;
    g_autoptr(Error) listed = NULL;
    g_autoptr(Error) walked = NULL;
    AUTO_FD fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    is_disk_failing = true;
    walked = tree_list(fd, &entries);
    listed = fs_list_dir(root, &names);
    is_disk_failing = false;
    g_assert_nonnull(walked);
    g_assert_null(entries);
    g_assert_nonnull(listed);
    g_assert_null(names);
    g_assert_null(fs_remove_tree(root));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/storage/tree/all-kinds", test_all_kinds);
    g_test_add_func("/storage/tree/empty", test_empty);
    g_test_add_func("/storage/tree/hostile", test_hostile);
    g_test_add_func("/storage/tree/failing-disk", test_failing_disk);
    return g_test_run();
}

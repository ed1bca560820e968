/*
 * Files, directories and trees, in a directory of its own for each test.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"

typedef struct Place {
    char *dir;
} Place;

static void set_up(Place *place, gconstpointer unused)
{
    place->dir = g_dir_make_tmp("fs-XXXXXX", NULL);
    g_assert_nonnull(place->dir);
}

static void tear_down(Place *place, gconstpointer unused)
{
    g_assert_null(fs_remove_tree(place->dir));
    g_assert_false(fs_exists(place->dir));
    g_free(place->dir);
}

static char *in(const Place *place, const char *name)
{
    return g_build_filename(place->dir, name, NULL);
}

static void put(const char *path, const char *text)
{
    g_assert_null(fs_write_file(path, text, NULL));
}

static void assert_content(const char *path, const char *expected)
{
    g_autofree char *text = NULL;

    g_assert_null(fs_read_file(path, 1 << 20, &text));
    g_assert_cmpstr(text, ==, expected);
}

static void assert_failure(Error *e, ErrorCode code, const char *part)
{
    g_autoptr(Error) failure = e;

    g_assert_nonnull(failure);
    g_assert_cmpint(failure->code, ==, code);
    g_assert_nonnull(strstr(failure->message, part));
}

static mode_t mode_of(const char *path)
{
    struct stat status;

    g_assert_cmpint(lstat(path, &status), ==, 0);
    return status.st_mode & 07777;
}

/* The name of the user that runs the test. */
static const char *myself(void)
{
    return g_get_user_name();
}

static void test_read(Place *place, gconstpointer unused)
{
    g_autofree char *path = in(place, "f");
    g_autofree char *below = g_build_filename(path, "below", NULL);
    char *text = NULL;

    assert_failure(fs_read_file(path, 10, &text), ERR_NOT_FOUND, "does not exist");
    put(path, "0123456789");
    assert_content(path, "0123456789");
    assert_failure(fs_read_file(path, 9, &text), ERR_INVALID, "longer than 9 bytes");
    assert_failure(fs_read_file(below, 10, &text), ERR_NOT_FOUND, "does not exist");
    assert_failure(fs_read_file(place->dir, 10, &text), ERR_EXTERNAL, "Is a directory");
    g_assert_null(text);
    put(path, "");
    assert_content(path, "");
}

static void test_read_without_size(Place *place, gconstpointer unused)
{
    g_autofree char *text = NULL;

    g_assert_null(fs_read_file("/proc/self/status", 1 << 20, &text));
    g_assert_nonnull(strstr(text, "Pid:"));
}

static void test_write(Place *place, gconstpointer unused)
{
    g_autofree char *path = in(place, "f");
    g_autofree char *big = g_strnfill(3 << 20, 'x');
    g_auto(GStrv) names = NULL;

    umask(077);
    put(path, "one");
    g_assert_cmpint(mode_of(path), ==, 0600);
    g_assert_null(fs_write_file(path, "two", &(FsWrite){.mode = 0644, .is_durable = true}));
    g_assert_cmpint(mode_of(path), ==, 0644);
    assert_content(path, "two");
    put(path, big);

    struct stat status;

    g_assert_cmpint(stat(path, &status), ==, 0);
    g_assert_cmpint(status.st_size, ==, 3 << 20);
    g_assert_null(fs_list_dir(place->dir, &names));
    g_assert_cmpuint(g_strv_length(names), ==, 1); /* no temporary file is left */
}

/* A reader never sees a half-written file: it holds the old or the new one. */
static void test_write_is_atomic(Place *place, gconstpointer unused)
{
    g_autofree char *path = in(place, "f");
    char old[4] = "";

    put(path, "old");

    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);

    put(path, "new");
    g_assert_cmpint(pread(fd, old, 3, 0), ==, 3);
    g_assert_cmpstr(old, ==, "old");
    assert_content(path, "new");
}

static void test_write_replaces_link(Place *place, gconstpointer unused)
{
    g_autofree char *target = in(place, "target");
    g_autofree char *link = in(place, "link");

    put(target, "safe");
    g_assert_cmpint(symlink(target, link), ==, 0);
    put(link, "new");
    assert_content(target, "safe");
    assert_content(link, "new");
}

static void test_write_fails_cleanly(Place *place, gconstpointer unused)
{
    g_autofree char *missing = in(place, "no/such/dir/f");
    g_autofree char *dir = in(place, "dir");
    g_auto(GStrv) names = NULL;

    assert_failure(fs_write_file(missing, "x", NULL), ERR_EXTERNAL, missing);
    g_assert_null(fs_make_dir(dir, 0700, NULL));
    assert_failure(fs_write_file(dir, "x", NULL), ERR_EXTERNAL, "Is a directory");
    assert_failure(fs_write_file(dir, "x", &(FsWrite){.user = "no-such-user"}), ERR_NOT_FOUND,
                   "no-such-user");
    g_assert_null(fs_list_dir(place->dir, &names));
    g_assert_cmpuint(g_strv_length(names), ==, 1);
}

static void test_write_owner(Place *place, gconstpointer unused)
{
    g_autofree char *path = in(place, "f");
    bool is_root = geteuid() == 0;
    const char *user = is_root ? "nobody" : myself();
    struct stat status;
    uid_t uid = 0;
    gid_t gid = 0;

    g_assert_null(fs_find_user(user, &uid, &gid));
    g_assert_null(fs_write_file(path, "x", &(FsWrite){.user = user, .mode = 0640}));
    g_assert_cmpint(stat(path, &status), ==, 0);
    g_assert_cmpuint(status.st_uid, ==, uid);
    g_assert_cmpuint(status.st_gid, ==, gid);
    g_assert_cmpint(mode_of(path), ==, 0640);
}

static void test_make_dir(Place *place, gconstpointer unused)
{
    g_autofree char *path = in(place, "a/b/c");
    g_autofree char *file = in(place, "file");
    g_autofree char *below_file = in(place, "file/d");

    g_assert_null(fs_make_dir(path, 0711, myself()));
    g_assert_cmpint(mode_of(path), ==, 0711);
    g_assert_null(fs_make_dir(path, 02770, NULL));
    g_assert_cmpint(mode_of(path), ==, 02770);
    put(file, "x");
    assert_failure(fs_make_dir(file, 0700, NULL), ERR_EXTERNAL, file);
    g_assert_cmpint(mode_of(file), ==, 0600);
    assert_failure(fs_make_dir(below_file, 0700, NULL), ERR_EXTERNAL, below_file);
    assert_failure(fs_make_dir(path, 0700, "no-such-user"), ERR_NOT_FOUND, "no-such-user");
}

static void test_remove(Place *place, gconstpointer unused)
{
    g_autofree char *file = in(place, "file");
    g_autofree char *dir = in(place, "dir");
    g_autofree char *inside = in(place, "dir/x");

    g_assert_null(fs_remove(file));
    put(file, "x");
    g_assert_true(fs_exists(file));
    g_assert_null(fs_remove(file));
    g_assert_false(fs_exists(file));
    g_assert_null(fs_make_dir(dir, 0700, NULL));
    put(inside, "x");
    assert_failure(fs_remove(dir), ERR_EXTERNAL, "Directory not empty");
    g_assert_null(fs_remove(inside));
    g_assert_null(fs_remove(dir));
    g_assert_false(fs_exists(dir));
}

static void test_remove_tree(Place *place, gconstpointer unused)
{
    g_autofree char *tree = in(place, "tree");
    g_autofree char *deep = in(place, "tree/a/b/c");
    g_autofree char *file = in(place, "tree/a/file");

    g_assert_null(fs_remove_tree(tree));
    g_assert_null(fs_make_dir(deep, 0700, NULL));
    put(file, "x");
    g_assert_null(fs_remove_tree(tree));
    g_assert_false(fs_exists(tree));
    put(tree, "only a file");
    g_assert_null(fs_remove_tree(tree));
    g_assert_false(fs_exists(tree));
}

static void test_remove_tree_leaves_links_alone(Place *place, gconstpointer unused)
{
    g_autofree char *outside = in(place, "outside");
    g_autofree char *precious = in(place, "outside/precious");
    g_autofree char *tree = in(place, "tree");
    g_autofree char *link = in(place, "tree/link");
    g_autofree char *top_link = in(place, "top");

    g_assert_null(fs_make_dir(outside, 0700, NULL));
    g_assert_null(fs_make_dir(tree, 0700, NULL));
    put(precious, "x");
    g_assert_cmpint(symlink(outside, link), ==, 0);
    g_assert_cmpint(symlink(outside, top_link), ==, 0);
    g_assert_null(fs_remove_tree(tree));
    g_assert_false(fs_exists(tree));
    g_assert_null(fs_remove_tree(top_link));
    assert_content(precious, "x");
}

static void test_list(Place *place, gconstpointer unused)
{
    static const char *const wanted[] = {".hidden", "B", "a", "c", NULL};
    g_autofree char *missing = in(place, "missing");
    g_auto(GStrv) names = NULL;
    g_auto(GStrv) none = NULL;

    for (int i = 3; i >= 0; i--) {
        g_autofree char *path = in(place, wanted[i]);

        put(path, "");
    }
    g_assert_null(fs_list_dir(place->dir, &names));
    g_assert_true(g_strv_equal((const char *const *)names, wanted));
    g_assert_null(fs_list_dir(missing, &none));
    g_assert_nonnull(none);
    g_assert_null(none[0]);
}

static void test_find_user(Place *place, gconstpointer unused)
{
    uid_t uid = 42;
    gid_t gid = 42;
    g_autoptr(Error) e = fs_find_user("no-such-user", &uid, &gid);

    g_assert_cmpint(e->code, ==, ERR_NOT_FOUND);
    g_assert_nonnull(e->hint);
    g_assert_cmpuint(uid, ==, 42);
    g_assert_null(fs_find_user("root", &uid, &gid));
    g_assert_cmpuint(uid, ==, 0);
    g_assert_cmpuint(gid, ==, 0);
}

static void test_auto_fd(Place *place, gconstpointer unused)
{
    int number;

    {
        AUTO_FD fd = open(place->dir, O_RDONLY | O_CLOEXEC);
        AUTO_FD none = -1;

        number = fd;
        g_assert_cmpint(fcntl(number, F_GETFD), ==, FD_CLOEXEC);
        g_assert_cmpint(none, ==, -1);
    }
    g_assert_cmpint(fcntl(number, F_GETFD), ==, -1);
    g_assert_cmpint(errno, ==, EBADF);
}

#define ADD(name, function) g_test_add(name, Place, NULL, set_up, function, tear_down)

static void test_read_end(Place *place, gconstpointer unused)
{
    g_autofree char *path = in(place, "long");
    g_autofree char *end = NULL;
    g_autofree char *all = NULL;
    g_autofree char *after_hole = NULL;
    AUTO_FD fd = -1;

    put(path, "first line\nlast line\n");
    g_assert_null(fs_read_end(path, 10, &end));
    g_assert_cmpstr(end, ==, "last line\n");
    g_assert_null(fs_read_end(path, 1000, &all));
    g_assert_cmpstr(all, ==, "first line\nlast line\n");

    fd = open(path, O_WRONLY | O_CLOEXEC);
    g_assert_cmpint(ftruncate(fd, 0), ==, 0);
    g_assert_cmpint(pwrite(fd, "after\n", 6, 100000), ==, 6);
    g_assert_null(fs_read_end(path, 50000, &after_hole));
    g_assert_cmpstr(after_hole, ==, "after\n");
    assert_failure(fs_read_end(place->dir, 10, &end), ERR_INVALID, "is not a plain file");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/fs/read", test_read);
    ADD("/fs/read-without-size", test_read_without_size);
    ADD("/fs/read-end", test_read_end);
    ADD("/fs/write", test_write);
    ADD("/fs/write-is-atomic", test_write_is_atomic);
    ADD("/fs/write-replaces-link", test_write_replaces_link);
    ADD("/fs/write-fails-cleanly", test_write_fails_cleanly);
    ADD("/fs/write-owner", test_write_owner);
    ADD("/fs/make-dir", test_make_dir);
    ADD("/fs/remove", test_remove);
    ADD("/fs/remove-tree", test_remove_tree);
    ADD("/fs/remove-tree-leaves-links-alone", test_remove_tree_leaves_links_alone);
    ADD("/fs/list", test_list);
    ADD("/fs/find-user", test_find_user);
    ADD("/fs/auto-fd", test_auto_fd);
    return g_test_run();
}

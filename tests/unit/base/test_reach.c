/*
 * Reaching a socket in a directory that a stranger writes to.
 */
#include "base/reach.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fs.h"

static char *directory;

static char *place(const char *name)
{
    return g_build_filename(directory, name, NULL);
}

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
    g_assert_no_errno(bind(fd, (const struct sockaddr *)&address, sizeof(address)));
    g_assert_no_errno(listen(fd, 0));
    return fd;
}

static void test_reached(void)
{
    g_autofree char *path = place("socket");
    AUTO_FD listener = listen_at(path);
    AUTO_FD fd = -1;
    int err = 0;

    g_assert_cmpint(reach_socket(path, &fd, &err), ==, REACH_OK);
    g_assert_cmpint(fd, >=, 0);
}

static void test_links_are_not_followed(void)
{
    g_autofree char *path = place("real");
    g_autofree char *link = place("link");
    AUTO_FD listener = listen_at(path);
    int fd = -1, err = -1;

    g_assert_no_errno(symlink(path, link));
    g_assert_cmpint(reach_socket(link, &fd, &err), ==, REACH_REFUSED);
    g_assert_cmpint(err, ==, 0);
    g_assert_cmpint(fd, ==, -1);
}

static void test_what_is_no_socket(void)
{
    g_autofree char *pipe_path = place("pipe");
    g_autofree char *none = place("none");
    int fd = -1, err = -1;

    g_assert_no_errno(mkfifo(pipe_path, 0600));
    g_assert_cmpint(reach_socket(pipe_path, &fd, &err), ==, REACH_REFUSED);
    g_assert_cmpint(reach_socket(none, &fd, &err), ==, REACH_MISSING);
    g_assert_cmpint(err, ==, ENOENT);
}

/* Nobody accepts, and the queue is full: this must not wait. */
static void test_full_queue(void)
{
    g_autofree char *path = place("full");
    AUTO_FD listener = listen_at(path);
    AUTO_FD first = -1;
    Reach reach = REACH_OK;
    int fd = -1, err = 0;

    g_assert_cmpint(reach_socket(path, &first, &err), ==, REACH_OK);
    for (int i = 0; i < 8 && reach == REACH_OK; i++) {
        reach = reach_socket(path, &fd, &err);
        if (reach == REACH_OK)
            close(fd);
    }
    g_assert_cmpint(reach, ==, REACH_BUSY);
    g_assert_cmpint(err, ==, EAGAIN);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    directory = g_dir_make_tmp("ramet-reach-XXXXXX", NULL);
    g_test_add_func("/reach/reached", test_reached);
    g_test_add_func("/reach/links", test_links_are_not_followed);
    g_test_add_func("/reach/no-socket", test_what_is_no_socket);
    g_test_add_func("/reach/full-queue", test_full_queue);

    int status = g_test_run();

    g_assert_null(fs_remove_tree(directory));
    g_free(directory);
    return status;
}

/*
 * Descriptors 0 to 2, in a child that has lost them.
 */
#include "base/standard_files.h"

#include <fcntl.h>
#include <glib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the child: nothing may be said, since there is nowhere to say it. */
static int child_is_null(int fd)
{
    struct stat null, st;

    return stat("/dev/null", &null) == 0 && fstat(fd, &st) == 0 && st.st_rdev == null.st_rdev;
}

/* Closes some of them, opens what is missing, and sees which number the next file gets. */
static int child_status(unsigned closed)
{
    for (int fd = 0; fd <= 2; fd++)
        if (closed & (1u << fd))
            close(fd);
    standard_files_open();
    for (int fd = 0; fd <= 2; fd++)
        if ((closed & (1u << fd)) && !child_is_null(fd))
            return 10 + fd;
    return open("/dev/null", O_RDONLY | O_CLOEXEC) > 2 ? 0 : 20;
}

static void test_closed_ones_are_opened(void)
{
    for (unsigned closed = 0; closed < 8; closed++) {
        int status = 0;
        pid_t pid = fork();

        if (pid == 0)
            _exit(child_status(closed));
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        g_assert_cmpint(status, ==, 0);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/standard-files/closed-ones-are-opened", test_closed_ones_are_opened);
    return g_test_run();
}

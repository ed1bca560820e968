/*
 * Orphans: a process with the mark is stopped, its like without it is not.
 */
#include "retrieval/orphan.h"

#include <signal.h>
#include <sys/wait.h>

static GPid start_sleep(const char *mark)
{
    static char program[] = "sleep", argument[] = "60";
    char *argv[] = {program, argument, NULL};
    g_autofree char *entry = g_strdup(mark);
    char *env[] = {entry, NULL};
    GPid pid = 0;

    g_assert_true(g_spawn_async(NULL, argv, env,
                                G_SPAWN_SEARCH_PATH_FROM_ENVP | G_SPAWN_SEARCH_PATH |
                                    G_SPAWN_DO_NOT_REAP_CHILD,
                                NULL, NULL, &pid, NULL));
    return pid;
}

static void test_by_mark(void)
{
    g_autofree char *id = g_strdup_printf("test-%" G_GINT64_FORMAT, g_get_real_time());
    g_autofree char *mark = orphan_mark(id);
    g_autofree char *longer = g_strconcat(mark, "0", NULL);
    GPid marked = start_sleep(mark);
    GPid other = start_sleep(longer);

    g_autoptr(Error) e = orphans_stop(id);
    g_assert_null(e);
    g_assert_cmpint(kill(other, 0), ==, 0);
    g_assert_cmpint(waitpid(other, NULL, WNOHANG), ==, 0);
    g_assert_cmpint(kill(marked, 0), !=, 0);
    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
}

static void test_none(void)
{
    g_autoptr(Error) e = orphans_stop("nobody-has-this-mark");

    g_assert_null(e);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/orphan/by-mark", test_by_mark);
    g_test_add_func("/orphan/none", test_none);
    return g_test_run();
}

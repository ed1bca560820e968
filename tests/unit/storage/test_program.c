/*
 * Programs of storage speak one language, whatever the server's is.
 */
#include "storage/program.h"

static Error *answer(const ProcSpec *spec, ProcResult *ret_result)
{
    g_assert_true(g_strv_contains(spec->env, "LC_ALL=C"));
    g_assert_cmpint(spec->timeout_ms, ==, 1000);
    if (ret_result)
        *ret_result = (ProcResult){.output = g_strjoinv(" ", (char **)(uintptr_t)spec->argv),
                                   .errors = g_strdup("")};
    return NULL;
}

static void test_locale(void)
{
    const char *const argv[] = {"wipefs", "--all", NULL};
    g_auto(ProcResult) result = {0};
    g_autofree char *output = NULL;

    proc_run_hook = answer;
    g_assert_null(program_run(argv, 1000, &result));
    g_assert_null(program_ask(argv, 1000, &output));
    g_assert_cmpstr(output, ==, "wipefs --all");
    g_assert_null(program_run_on(argv, "/dev/loop9", 1000));
    proc_run_hook = NULL;
}

static bool is_without_udev;

static Error *note_udev(const ProcSpec *spec, ProcResult *ret_result)
{
    is_without_udev = g_strv_contains(spec->env, "DM_DISABLE_UDEV=1");
    return NULL;
}

/* LVM makes its device nodes itself where there is no udev, or where it is told to. */
static void test_udev(void)
{
    const char *const argv[] = {"lvcreate", NULL};

    proc_run_hook = note_udev;
    program_udev_socket = "/dev/null";
    g_assert_null(program_run(argv, 1000, NULL));
    g_assert_false(is_without_udev);
    program_udev_socket = "/dev/null/nothing";
    g_assert_null(program_run(argv, 1000, NULL));
    g_assert_true(is_without_udev);
    program_udev_socket = "/dev/null";
    g_setenv("DM_DISABLE_UDEV", "1", TRUE);
    g_assert_null(program_run(argv, 1000, NULL));
    g_assert_true(is_without_udev);
    proc_run_hook = NULL;
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/storage/program/locale", test_locale);
    g_test_add_func("/storage/program/udev", test_udev);
    return g_test_run();
}

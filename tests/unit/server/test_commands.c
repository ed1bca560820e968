/*
 * How a command ends: its exit status, and what is written of an error.
 */
#include "server/commands.h"

static void end_with(Error *e)
{
    _exit(command_exit(e));
}

static void expect_end(const char *path, int status, const char *pattern)
{
    g_test_trap_subprocess(path, 0, G_TEST_SUBPROCESS_DEFAULT);
    g_assert_true(g_test_trap_has_passed() == (status == 0));
    g_test_trap_assert_stderr(pattern);
}

static void test_statuses(void)
{
    static const struct {
        ErrorCode code;
        int status;
    } cases[] = {
        {ERR_INVALID, 2},  {ERR_DENIED, 1},  {ERR_NOT_FOUND, 1}, {ERR_CONFLICT, 1}, {ERR_BUSY, 1},
        {ERR_NO_SPACE, 1}, {ERR_TIMEOUT, 1}, {ERR_EXTERNAL, 1},  {ERR_BUG, 1},
    };

    g_assert_cmpint(command_exit(NULL), ==, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpint(command_exit(error_new(cases[i].code, "of code %d", cases[i].code)), ==,
                        cases[i].status);
}

static void write_whole(void)
{
    end_with(error_hint(error_detail(error_new(ERR_INVALID, "what"), "why"), "do this"));
}

static void write_message(void)
{
    end_with(error_new(ERR_BUSY, "only this"));
}

/* An escape would colour, move or retitle the terminal of whoever reads it. */
static void write_escapes(void)
{
    end_with(error_detail(error_new(ERR_EXTERNAL, "a\033[31mb\007"), "\033]0;mine\007"));
}

static void test_written(void)
{
    expect_end("/commands/written/subprocess/whole", 2,
               "rametd: what\ndetail: why\nhint: do this\n");
    expect_end("/commands/written/subprocess/message", 1, "rametd: only this\n");
    expect_end("/commands/written/subprocess/escapes", 1, "rametd: a*");
    g_test_trap_assert_stderr_unmatched("*\033*");
    g_test_trap_assert_stderr_unmatched("*\007*");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/commands/statuses", test_statuses);
    g_test_add_func("/commands/written", test_written);
    g_test_add_func("/commands/written/subprocess/whole", write_whole);
    g_test_add_func("/commands/written/subprocess/message", write_message);
    g_test_add_func("/commands/written/subprocess/escapes", write_escapes);
    return g_test_run();
}

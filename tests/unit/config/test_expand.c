/*
 * Environment variables in options.
 */
#include "config/expand.h"

#include <stdbool.h>

static void expect(const char *text, const char *expanded)
{
    g_autofree char *got = NULL;
    g_autoptr(Error) error = expand_variables(text, &got);

    g_assert_null(error);
    g_assert_cmpstr(got, ==, expanded);
}

static void expect_error(const char *text, const char *message)
{
    g_autofree char *got = NULL;
    g_autoptr(Error) error = expand_variables(text, &got);

    g_assert_nonnull(error);
    g_assert_null(got);
    g_assert_cmpint(error->code, ==, ERR_INVALID);
    g_assert_cmpstr(error->message, ==, message);
}

static void test_set(void)
{
    g_setenv("RAMET_TEST_A", "one", true);
    g_setenv("RAMET_TEST_EMPTY", "", true);
    expect("$RAMET_TEST_A", "one");
    expect("${RAMET_TEST_A}", "one");
    expect("x-${RAMET_TEST_A}y$RAMET_TEST_A-z", "x-oneyone-z");
    expect("${RAMET_TEST_EMPTY}", "");
}

static void test_value_is_not_expanded_again(void)
{
    g_setenv("RAMET_TEST_A", "$RAMET_TEST_UNSET", true);
    expect("$RAMET_TEST_A", "$RAMET_TEST_UNSET");
}

static void test_plain(void)
{
    expect("", "");
    expect("no variable", "no variable");
    expect("cash$", "cash$");
    expect("5$ or $5", "5$ or $5");
    expect("a$$b", "a$b");
}

static void test_errors(void)
{
    g_unsetenv("RAMET_TEST_UNSET");
    expect_error("$RAMET_TEST_UNSET", "environment variable \"RAMET_TEST_UNSET\" is not set");
    expect_error("a${RAMET_TEST_UNSET}b", "environment variable \"RAMET_TEST_UNSET\" is not set");
    expect_error("${RAMET_TEST_A", "\"${\" must be followed by the name of a variable and \"}\"");
    expect_error("${}", "\"${\" must be followed by the name of a variable and \"}\"");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/config/expand/set", test_set);
    g_test_add_func("/config/expand/once", test_value_is_not_expanded_again);
    g_test_add_func("/config/expand/plain", test_plain);
    g_test_add_func("/config/expand/errors", test_errors);
    return g_test_run();
}

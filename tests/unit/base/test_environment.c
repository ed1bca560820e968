/*
 * Variables that are taken out of the environment.
 */
#include "base/environment.h"

#include <glib.h>

static void test_taken(void)
{
    static const char *const shared[] = {"RAMETTEST_SHARED", NULL};

    g_setenv("RAMETTEST_PASSWORD", "s3cret=1", TRUE);
    g_setenv("RAMETTEST_SHARED", "file", TRUE);
    g_setenv("OTHER_RAMETTEST", "stays", TRUE);
    environment_take("RAMETTEST_", shared);

    g_assert_null(g_getenv("RAMETTEST_PASSWORD"));
    g_assert_cmpstr(g_getenv("RAMETTEST_SHARED"), ==, "file");
    g_assert_cmpstr(g_getenv("OTHER_RAMETTEST"), ==, "stays");
    g_assert_cmpstr(environment_get("RAMETTEST_PASSWORD"), ==, "s3cret=1");
    g_assert_cmpstr(environment_get("RAMETTEST_SHARED"), ==, "file");
    g_assert_cmpstr(environment_get("OTHER_RAMETTEST"), ==, "stays");
    g_assert_null(environment_get("RAMETTEST_NONE"));
    g_assert_true(g_strv_contains(environment_taken(), "RAMETTEST_PASSWORD=s3cret=1"));
    g_assert_false(g_strv_contains(environment_taken(), "OTHER_RAMETTEST=stays"));
}

static void test_nothing_taken(void)
{
    g_assert_null(environment_taken()[0]);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/environment/nothing-taken", test_nothing_taken);
    g_test_add_func("/environment/taken", test_taken);
    return g_test_run();
}

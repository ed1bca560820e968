/*
 * Names of operating-system users.
 */
#include <glib.h>
#include <unistd.h>

#include "base/user.h"

#define NOBODY_HAS_IT 3999999999U

static void test_name(void)
{
    g_autofree char *root = user_name(0);
    g_autofree char *self = user_name(geteuid());
    g_autofree char *none = user_name(NOBODY_HAS_IT);

    g_assert_cmpstr(root, ==, "root");
    g_assert_cmpstr(self, ==, g_get_user_name());
    g_assert_null(none);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/user/name", test_name);
    return g_test_run();
}

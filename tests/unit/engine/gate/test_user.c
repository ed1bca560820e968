/*
 * Whom the gateway runs as where its user is not there and cannot be made.
 */
#include "engine/gate/user.h"

#define NOBODY_HAS_IT "ramet-test-unmade"

static void test_not_made_in_vain(void)
{
    g_autofree char *user = gate_user_made("root");

    g_assert_cmpstr(user, ==, "root");
}

/* There is no program to make one. */
static void test_fall_back(void)
{
    if (g_test_subprocess()) {
        g_setenv("PATH", "/nonexistent", TRUE);
        g_autofree char *user = gate_user_made(NOBODY_HAS_IT);
        g_assert_cmpstr(user, ==, "nobody");
        return;
    }
    g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr("*warn*the gateway has no user of its own*user=nobody*");
}

/* Whoever configures one knows him: none is made, and a wrong name is told by the gateway's start. */
static void test_configured(void)
{
    char name[] = NOBODY_HAS_IT;
    const Config config = {.runtime.gateway_user = name};
    g_autofree char *user = gate_user(&config);

    g_assert_cmpstr(user, ==, NOBODY_HAS_IT);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gate-user/not-made-in-vain", test_not_made_in_vain);
    g_test_add_func("/gate-user/fall-back", test_fall_back);
    g_test_add_func("/gate-user/configured", test_configured);
    return g_test_run();
}

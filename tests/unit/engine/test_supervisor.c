/*
 * How long a restart is put off.
 */
#include "engine/supervisor.h"

static void test_delay(void)
{
    g_assert_cmpint(supervisor_delay_ms(0), ==, -1);
    g_assert_cmpint(supervisor_delay_ms(1), ==, 0);
    for (int64_t n = 2; n <= 5; n++)
        g_assert_cmpint(supervisor_delay_ms(n), >, supervisor_delay_ms(n - 1));
    g_assert_cmpint(supervisor_delay_ms(6), ==, -1);
}

/* There is always a next start. */
static void test_retry_delay(void)
{
    for (int64_t n = 2; n <= 5; n++)
        g_assert_cmpint(supervisor_retry_delay_ms(n), >, supervisor_retry_delay_ms(n - 1));
    g_assert_cmpint(supervisor_retry_delay_ms(1000), ==, supervisor_retry_delay_ms(5));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/supervisor/delay", test_delay);
    g_test_add_func("/supervisor/retry-delay", test_retry_delay);
    return g_test_run();
}

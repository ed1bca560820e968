/*
 * The rules of leases, as tables.
 */
#include "engine/lease.h"

#include <glib.h>

#define NOW        INT64_C(1000000000000)
#define MINUTES(n) (INT64_C(60000) * (n))

static void test_end(void)
{
    static const struct {
        LeaseRules rules;
        LeaseRequest request;
        int64_t end_ms;
    } cases[] = {
        /* nothing is configured */
        {{0, 0}, {true, false, 0}, 0},
        {{0, 0}, {true, true, 0}, 0},
        {{0, 0}, {true, true, 5}, NOW + MINUTES(5)},
        /* a default: for those who ask for none */
        {{60, 0}, {true, false, 0}, NOW + MINUTES(60)},
        {{60, 0}, {true, true, 0}, 0},
        {{60, 0}, {true, true, 90}, NOW + MINUTES(90)},
        /* a maximum: cuts what is longer, and what has no end */
        {{0, 100}, {true, false, 0}, NOW + MINUTES(100)},
        {{0, 100}, {true, true, 0}, NOW + MINUTES(100)},
        {{0, 100}, {true, true, 99}, NOW + MINUTES(99)},
        {{0, 100}, {true, true, 101}, NOW + MINUTES(100)},
        {{200, 100}, {true, false, 0}, NOW + MINUTES(100)},
        /* what is not protected has no end of it */
        {{60, 100}, {false, true, 5}, 0},
        /* further than time goes */
        {{0, 0}, {true, true, INT64_MAX / 2}, 0},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        int64_t end_ms = lease_end(&cases[i].rules, &cases[i].request, NOW);
        g_test_message("case %zu", i);
        g_assert_cmpint(end_ms, ==, cases[i].end_ms);
    }
}

static void test_is_on(void)
{
    g_assert_true(lease_is_on(true, 0, NOW));
    g_assert_true(lease_is_on(true, NOW + 1, NOW));
    g_assert_false(lease_is_on(true, NOW, NOW));
    g_assert_false(lease_is_on(true, NOW - 1, NOW));
    g_assert_false(lease_is_on(false, 0, NOW));
    g_assert_false(lease_is_on(false, NOW + 1, NOW));
}

static void test_is_due(void)
{
    g_assert_false(lease_is_due(0, NOW));
    g_assert_false(lease_is_due(NOW + 1, NOW));
    g_assert_true(lease_is_due(NOW, NOW));
    g_assert_true(lease_is_due(1, NOW));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/lease/end", test_end);
    g_test_add_func("/lease/is-on", test_is_on);
    g_test_add_func("/lease/is-due", test_is_due);
    return g_test_run();
}

/*
 * Levels and the reserve, from numbers alone.
 */
#include <glib.h>

#include "engine/pool/space.h"

#define GIB (UINT64_C(1) << 30)

static Config test_config(int64_t reserve, int64_t warn, int64_t alarm)
{
    return (Config){
        .pool_manager = {.reserve_percent = reserve, .warn_percent = warn, .alarm_percent = alarm}};
}

static SpaceLevel test_level(const Config *config, uint64_t size, uint64_t free_bytes)
{
    const SpaceUsage usage = {.size_bytes = size, .free_bytes = free_bytes};

    return space_level(config, &usage);
}

static void test_levels(void)
{
    const Config config = test_config(5, 80, 90);

    g_assert_cmpint(test_level(&config, 100 * GIB, 100 * GIB), ==, SPACE_OK);
    g_assert_cmpint(test_level(&config, 100 * GIB, 21 * GIB), ==, SPACE_OK);
    g_assert_cmpint(test_level(&config, 100 * GIB, 19 * GIB), ==, SPACE_WARNING);
    g_assert_cmpint(test_level(&config, 100 * GIB, 9 * GIB), ==, SPACE_ALARM);
    g_assert_cmpint(test_level(&config, 100 * GIB, 0), ==, SPACE_ALARM);
}

static void test_reserve_is_an_alarm(void)
{
    const Config config = test_config(30, 95, 99);

    g_assert_cmpint(test_level(&config, 100 * GIB, 31 * GIB), ==, SPACE_OK);
    g_assert_cmpint(test_level(&config, 100 * GIB, 29 * GIB), ==, SPACE_ALARM);
}

static void test_odd_sizes(void)
{
    const Config config = test_config(0, 80, 100);
    const SpaceUsage huge = {.size_bytes = UINT64_MAX, .free_bytes = UINT64_MAX};

    g_assert_cmpint(test_level(&config, 0, 0), ==, SPACE_OK); /* unknown */
    g_assert_cmpint(test_level(&config, GIB, 2 * GIB), ==, SPACE_OK);
    g_assert_cmpint(test_level(&config, UINT64_MAX, UINT64_MAX / 10), ==, SPACE_WARNING);
    g_assert_cmpuint(space_reserve_bytes(&config, &huge), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/space/levels", test_levels);
    g_test_add_func("/space/reserve-is-an-alarm", test_reserve_is_an_alarm);
    g_test_add_func("/space/odd-sizes", test_odd_sizes);
    return g_test_run();
}

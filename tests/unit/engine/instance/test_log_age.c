/*
 * How long logs were on which day.
 */
#include "engine/instance/log_age.h"

#include <glib.h>

static void test_days(void)
{
    json_t *ages = json_object();

    g_assert_true(
        log_age_note(ages, "a.log", 100, 5000)); /* unknown: all of it counts as of today */
    g_assert_false(log_age_note(ages, "a.log", 100, 6000));
    g_assert_true(log_age_note(ages, "a.log", 101, 7000));
    g_assert_true(log_age_note(ages, "a.log", 103, 9000));
    g_assert_cmpint(log_age_offset(ages, "a.log", 100), ==, 0);
    g_assert_cmpint(log_age_offset(ages, "a.log", 101), ==, 7000);
    g_assert_cmpint(log_age_offset(ages, "a.log", 102), ==, 7000);
    g_assert_cmpint(log_age_offset(ages, "a.log", 200), ==, 9000);
    g_assert_cmpint(log_age_offset(ages, "b.log", 200), ==, 0);

    log_age_forget(ages, "a.log", 102);
    g_assert_cmpint(log_age_offset(ages, "a.log", 102), ==, 0);
    log_age_forget(ages, "a.log", 200);
    g_assert_true(log_age_note(ages, "a.log", 201, 9500)); /* it is known all the same */
    g_assert_cmpint(log_age_offset(ages, "a.log", 201), ==, 9500);
    json_decref(ages);
}

static void test_begun_anew(void)
{
    json_t *ages = json_object();

    log_age_note(ages, "a.log", 100, 0);
    log_age_note(ages, "a.log", 101, 7000);
    g_assert_true(log_age_note(ages, "a.log", 101, 100));
    g_assert_cmpint(log_age_offset(ages, "a.log", 101), ==, 0);
    json_decref(ages);
}

/* Somebody has edited the file. */
static void test_broken(void)
{
    static const char *const broken[] = {"{\"a.log\": 7}", "{\"a.log\": [7]}",
                                         "{\"a.log\": [[\"x\", null], {}, [1]]}"};

    for (size_t i = 0; i < G_N_ELEMENTS(broken); i++) {
        json_t *ages = json_loads(broken[i], 0, NULL);

        g_assert_cmpint(log_age_offset(ages, "a.log", 300), ==, 0);
        log_age_forget(ages, "a.log", 100);
        log_age_note(ages, "a.log", 200, 10);
        log_age_note(ages, "a.log", 201, 20);
        g_assert_cmpint(log_age_offset(ages, "a.log", 201), ==, 20);
        json_decref(ages);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/log_age/days", test_days);
    g_test_add_func("/log_age/begun_anew", test_begun_anew);
    g_test_add_func("/log_age/broken", test_broken);
    return g_test_run();
}

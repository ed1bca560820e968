/*
 * Timetables.
 */
#include "config/cron.h"

static void test_valid(void)
{
    static const char *const timetables[] = {
        "0 4 * * *", "*/15 * * * 1-5", "0,30 8-18/2 1 JAN-mar ?", "  5\t4  * * sun ", "0 0 * * 7",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(timetables); i++) {
        g_autoptr(Error) error = cron_check(timetables[i]);
        g_assert_null(error);
    }
}

static void test_invalid(void)
{
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"", "5 fields are needed, there are 0"},
        {"* * * *", "5 fields are needed, there are 4"},
        {"0 0 4 * * *", "5 fields are needed, there are 6"},
        {"60 * * * *", "\"60\" is no minute"},
        {"* 24 * * *", "\"24\" is no hour"},
        {"* * 0 * *", "\"0\" is no day of the month"},
        {"* * * 13 *", "\"13\" is no month"},
        {"* * * * 8", "\"8\" is no day of the week"},
        {"5-1 * * * *", "\"5-1\" is no minute"},
        {"*/0 * * * *", "\"*/0\" is no minute"},
        {"1, * * * *", "\"\" is no minute"},
        {"-1 * * * *", "\"-1\" is no minute"},
        {"1-2-3 * * * *", "\"1-2-3\" is no minute"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Error) error = cron_check(cases[i].text);
        g_assert_nonnull(error);
        g_assert_cmpstr(error->message, ==, cases[i].message);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/config/cron/valid", test_valid);
    g_test_add_func("/config/cron/invalid", test_invalid);
    return g_test_run();
}

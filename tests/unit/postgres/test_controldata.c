/*
 * pg_controldata's report, as PostgreSQL 15 printed it.
 */
#include "postgres/controldata.h"

#include <string.h>

static const char report[] = "pg_control version number:            1300\n"
                             "Catalog version number:               202209061\n"
                             "Database system identifier:           7575460392345678901\n"
                             "Database cluster state:               shut down\n"
                             "pg_control last modified:             Sat Nov 22 07:33:01 2025\n"
                             "Latest checkpoint location:           0/15A2B38\n"
                             "Latest checkpoint's REDO location:    0/15A2B38\n"
                             "Latest checkpoint's TimeLineID:       3\n"
                             "Latest checkpoint's PrevTimeLineID:   3\n"
                             "Time of latest checkpoint:            Sat Nov  1 07:32:57 2025\n"
                             "Mock authentication nonce:            00\n";

static char *report_with(const char *from, const char *to)
{
    g_auto(GStrv) pieces = g_strsplit(report, from, 2);

    g_assert_cmpuint(g_strv_length(pieces), ==, 2);
    return g_strjoinv(to, pieces);
}

static void test_fields(void)
{
    g_autoptr(ControlData) data = NULL;

    g_assert_null(control_data_parse(report, &data));
    g_assert_cmpstr(data->state, ==, "shut down");
    g_assert_true(data->is_shut_down);
    g_assert_cmpstr(data->checkpoint_lsn, ==, "0/15A2B38");
    g_assert_cmpint(data->timeline, ==, 3);
    g_assert_cmpstr(data->system_identifier, ==, "7575460392345678901");
    g_assert_cmpint(data->checkpoint_at_ms, ==, INT64_C(1761982377000));
}

static void test_states(void)
{
    static const char *const unclean[] = {"in production", "shut down in recovery",
                                          "shutting down"};

    for (size_t i = 0; i < G_N_ELEMENTS(unclean); i++) {
        g_autofree char *text = report_with("shut down\n", "?\n");
        g_auto(GStrv) pieces = g_strsplit(text, "?", 2);
        g_autofree char *output = g_strjoinv(unclean[i], pieces);
        g_autoptr(ControlData) data = NULL;

        g_assert_null(control_data_parse(output, &data));
        g_assert_cmpstr(data->state, ==, unclean[i]);
        g_assert_false(data->is_shut_down);
    }
}

static void assert_refused(const char *output, const char *words)
{
    g_autoptr(ControlData) data = NULL;
    g_autoptr(Error) e = control_data_parse(output, &data);

    g_assert_nonnull(e);
    g_assert_null(data);
    g_assert_cmpint(e->code, !=, ERR_BUG);
    g_assert_nonnull(strstr(e->message, words));
}

static void test_damage(void)
{
    g_autofree char *no_state = report_with("Database cluster state", "Cluster");
    g_autofree char *bad_time = report_with("Sat Nov  1", "Le samedi");
    g_autofree char *bad_timeline = report_with("3\n", "-\n");

    assert_refused("", "Database cluster state");
    assert_refused(no_state, "Database cluster state");
    assert_refused(bad_time, "Le samedi");
    assert_refused(bad_timeline, "-");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/controldata/fields", test_fields);
    g_test_add_func("/controldata/states", test_states);
    g_test_add_func("/controldata/damage", test_damage);
    return g_test_run();
}

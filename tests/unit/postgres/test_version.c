/*
 * What is known of majors.
 */
#include "postgres/version.h"

#include <string.h>

static void test_parse(void)
{
    static const struct {
        const char *text;
        int64_t major;
    } good[] = {
        {"15", 15},      {"15.4 (Debian 15.4-1)", 15},
        {"17beta2", 17}, {"18devel", 18},
        {"9.6.24", 9},   {"9.6", 9},
        {"10.23\n", 10}, {"99", 99},
    };
    static const char *const bad[] = {"", "x15", "9.5.1", "9", "9.65", "8.4", "100", "-1"};
    int64_t major = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        g_assert_null(version_parse(good[i].text, &major));
        g_assert_cmpint(major, ==, good[i].major);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(Error) e = version_parse(bad[i], &major);
        g_assert_nonnull(e);
        g_assert_cmpint(e->code, ==, ERR_INVALID);
    }
    g_assert_cmpint(version_of_number(150018), ==, 15);
    g_assert_cmpint(version_of_number(90624), ==, 9);
}

static void test_names(void)
{
    g_autofree char *old = version_name(9);
    g_autofree char *new = version_name(18);

    g_assert_cmpstr(old, ==, "9.6");
    g_assert_cmpstr(new, ==, "18");
}

static void test_spans(void)
{
    g_assert_false(version_has(9, VERSION_HAS_SCRAM));
    g_assert_true(version_has(10, VERSION_HAS_SCRAM));
    g_assert_true(version_has(19, VERSION_HAS_SCRAM));
    g_assert_false(version_has(13, VERSION_HAS_MULTIRANGE_OWNER));
    g_assert_true(version_has(14, VERSION_HAS_MULTIRANGE_OWNER));
    g_assert_true(version_has(16, VERSION_HAS_MULTIRANGE_OWNER));
    g_assert_false(version_has(17, VERSION_HAS_MULTIRANGE_OWNER));

    g_assert_false(version_has_setting(11, "wal_recycle"));
    g_assert_true(version_has_setting(12, "wal_recycle"));
    g_assert_false(version_has_setting(9, "password_encryption"));
    g_assert_true(version_has_setting(9, "shared_buffers"));
}

static void test_control(void)
{
    g_assert_cmpint(version_control(13), ==, 1300);
    g_assert_cmpint(version_control(16), ==, 1300);
    g_assert_cmpint(version_control(17), ==, 1700);
    g_assert_cmpint(version_control(19), ==, 0);
    for (int64_t major = 10; major <= 18; major++)
        g_assert_cmpuint(version_control_crc_offset(major), >, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/version/parse", test_parse);
    g_test_add_func("/version/names", test_names);
    g_test_add_func("/version/spans", test_spans);
    g_test_add_func("/version/control", test_control);
    return g_test_run();
}

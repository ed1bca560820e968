/*
 * Times in text, there and back, and waiting.
 */
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"

#define JULY_MS INT64_C(1782896400000) /* 2026-07-01T09:00:00Z */

static void assert_parses(const char *text, int64_t expected_ms)
{
    int64_t at_ms = -1;

    g_assert_null(clock_parse_rfc3339(text, &at_ms));
    g_assert_cmpint(at_ms, ==, expected_ms);
}

static void assert_formats(int64_t at_ms, const char *expected)
{
    g_autofree char *text = clock_format_rfc3339(at_ms);

    g_assert_cmpstr(text, ==, expected);
}

static void set_zone(const char *zone)
{
    setenv("TZ", zone, 1);
    tzset();
}

static void test_format(void)
{
    set_zone("UTC");
    assert_formats(JULY_MS, "2026-07-01T09:00:00Z");
    assert_formats(JULY_MS + 999, "2026-07-01T09:00:00Z");
    assert_formats(0, "");
    assert_formats(-1, "1969-12-31T23:59:59Z");
    assert_formats(INT64_MAX, "");
    set_zone("XYZ-05:30");
    assert_formats(JULY_MS, "2026-07-01T09:00:00Z"); /* clients know no other zone */
    set_zone("UTC");
}

static void test_parse(void)
{
    assert_parses("", 0);
    assert_parses("2026-07-01T09:00:00Z", JULY_MS);
    assert_parses("2026-07-01T11:00:00+02:00", JULY_MS);
    assert_parses("2026-07-01T03:30:00-05:30", JULY_MS);
    assert_parses("2026-07-01T09:00:00.5Z", JULY_MS + 500);
    assert_parses("2026-07-01T09:00:00.123Z", JULY_MS + 123);
    assert_parses("2026-07-01T09:00:00.007999999Z", JULY_MS + 7);
    assert_parses("2026-07-01 09:00:00 UTC", JULY_MS);
    assert_parses("2024-02-29T00:00:00Z", INT64_C(1709164800000));
    assert_parses("1969-12-31T23:59:59Z", -1000);
}

static void test_parse_refused(void)
{
    static const char *const wrong[] = {
        "2026-07-01",
        "2026-07-01T09:00:00",
        "2026-07-01T09:00Z",
        "20260701T090000Z",
        "2026-13-01T09:00:00Z",
        "2026-02-29T09:00:00Z",
        "2026-07-01T24:00:00Z",
        "2026-07-01T09:60:00Z",
        "2026-07-01T09:00:00+99:00",
        "2026-07-01T09:00:00.Z",
        "2026-07-01T09:00:00Z\n",
        " 2026-07-01T09:00:00Z",
        "2026-07-01T09:00:00 CET",
        "now",
        "\xff",
    };
    int64_t at_ms = 42;

    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(Error) e = clock_parse_rfc3339(wrong[i], &at_ms);

        g_assert_nonnull(e);
        g_assert_cmpint(e->code, ==, ERR_INVALID);
    }
    g_assert_cmpint(at_ms, ==, 42);
}

static void test_stamp(void)
{
    static const char *const wrong[] = {"2026070109000", "202607010900001", "20261301090000",
                                        "2026070109000x", "20260701090000\n"};
    g_autofree char *text = clock_format_stamp(JULY_MS);
    g_autofree char *none = clock_format_stamp(0);
    int64_t at_ms = -1;

    g_assert_cmpstr(text, ==, "20260701090000");
    g_assert_cmpstr(none, ==, "");
    g_assert_null(clock_parse_stamp(text, &at_ms));
    g_assert_cmpint(at_ms, ==, JULY_MS);
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(Error) e = clock_parse_stamp(wrong[i], &at_ms);

        g_assert_nonnull(e);
        g_assert_cmpint(e->code, ==, ERR_INVALID);
    }
    g_assert_null(clock_parse_stamp("", &at_ms));
    g_assert_cmpint(at_ms, ==, 0);
}

static void test_stamp_is_utc(void)
{
    set_zone("XYZ-05:30");

    g_autofree char *text = clock_format_stamp(JULY_MS);
    int64_t at_ms = 0;

    g_assert_cmpstr(text, ==, "20260701090000");
    g_assert_null(clock_parse_stamp(text, &at_ms));
    g_assert_cmpint(at_ms, ==, JULY_MS);
    set_zone("UTC");
}

static void test_now(void)
{
    int64_t before_ms = clock_monotonic_ms();

    g_assert_cmpint(clock_now_ms() / 1000, >=, JULY_MS / 1000 - 86400 * 3650);
    g_assert_cmpint(ABS(clock_now_ms() / 1000 - time(NULL)), <=, 1);
    g_assert_cmpint(clock_monotonic_ms(), >=, before_ms);
}

typedef struct Countdown {
    int calls_left;
    int calls;
    Error *failure;
} Countdown;

static Error *count_down(void *data, bool *ret_done)
{
    Countdown *countdown = data;

    countdown->calls++;
    *ret_done = countdown->calls_left-- == 0;
    return g_steal_pointer(&countdown->failure);
}

static void test_wait_until(void)
{
    Countdown at_once = {.calls_left = 0};
    Countdown later = {.calls_left = 4};
    int64_t start_ms = clock_monotonic_ms();

    g_assert_null(
        wait_until(start_ms - 1000, count_down, &at_once)); /* tried even when it is late */
    g_assert_cmpint(at_once.calls, ==, 1);
    g_assert_null(wait_until(start_ms + 60000, count_down, &later));
    g_assert_cmpint(later.calls, ==, 5);
    g_assert_cmpint(clock_monotonic_ms() - start_ms, >=, 1 + 2 + 4 + 8);
}

static void test_wait_until_fails(void)
{
    Countdown never = {.calls_left = -1};
    Countdown failing = {.calls_left = -1, .failure = error_new(ERR_BUSY, "b")};
    int64_t start_ms = clock_monotonic_ms();
    g_autoptr(Error) late = wait_until(start_ms + 30, count_down, &never);
    g_autoptr(Error) busy = wait_until(start_ms + 60000, count_down, &failing);

    g_assert_cmpint(late->code, ==, ERR_TIMEOUT);
    g_assert_cmpint(clock_monotonic_ms() - start_ms, >=, 30);
    g_assert_cmpint(never.calls, >=, 2);
    g_assert_cmpint(busy->code, ==, ERR_BUSY);
    g_assert_cmpint(failing.calls, ==, 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/clock/format", test_format);
    g_test_add_func("/clock/parse", test_parse);
    g_test_add_func("/clock/parse-refused", test_parse_refused);
    g_test_add_func("/clock/stamp", test_stamp);
    g_test_add_func("/clock/stamp-is-utc", test_stamp_is_utc);
    g_test_add_func("/clock/now", test_now);
    g_test_add_func("/clock/wait-until", test_wait_until);
    g_test_add_func("/clock/wait-until-fails", test_wait_until_fails);
    return g_test_run();
}

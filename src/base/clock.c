/*
 * Time in, time out. Shapes are checked by a regular expression first, since GLib's own parser
 * accepts far more of ISO 8601 than clients may send; GLib then judges the calendar.
 */
#include "base/clock.h"

#include "base/outside.h"
#include "base/text.h"

#define CLOCK_PAUSE_MAX_MS 50

/* Groups 1..6: year, month, day, hour, minute, second. */
#define CLOCK_RFC3339                                                                              \
    "^([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2}):([0-9]{2})"                        \
    "(?<fraction>\\.[0-9]{1,9})?(?<zone>Z| UTC|[+-][0-9]{2}:[0-9]{2})\\z"
#define CLOCK_STAMP                                                                                \
    "^([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})(?<fraction>)(?<zone>)\\z"

static int clock_group(const GMatchInfo *match, int group)
{
    g_autofree char *digits = g_match_info_fetch(match, group);

    return (int)g_ascii_strtoll(digits, NULL, 10);
}

/* ".5" → 500, ".1239" → 123, "" → 0 */
static int clock_fraction_ms(const GMatchInfo *match)
{
    g_autofree char *fraction = g_match_info_fetch_named(match, "fraction");
    int ms = 0;

    if (!fraction || !*fraction)
        return 0;
    for (int i = 0, unit = 100; i < 3 && fraction[1 + i]; i++, unit /= 10)
        ms += (fraction[1 + i] - '0') * unit;
    return ms;
}

static GTimeZone *clock_zone(const GMatchInfo *match)
{
    g_autofree char *zone = g_match_info_fetch_named(match, "zone");

    if (!*zone || g_str_equal(zone, "Z") || g_str_equal(zone, " UTC"))
        return g_time_zone_new_utc();
    return g_time_zone_new_identifier(zone);
}

static Error *clock_parse(const char *text, const char *pattern, const char *form,
                          int64_t *ret_at_ms)
{
    g_autoptr(GRegex) regex = g_regex_new(pattern, G_REGEX_RAW, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL;
    g_autoptr(GDateTime) at = NULL;

    g_assert(regex);
    if (g_regex_match(regex, text, 0, &match)) {
        g_autoptr(GTimeZone) zone = clock_zone(match);

        if (zone)
            at = g_date_time_new(zone, clock_group(match, 1), clock_group(match, 2),
                                 clock_group(match, 3), clock_group(match, 4),
                                 clock_group(match, 5), clock_group(match, 6));
    }
    if (!at) {
        g_autofree char *shown = text_printable(text, 64);

        return error_new(ERR_INVALID, "\"%s\" is not a time of the form %s", shown, form);
    }
    *ret_at_ms = g_date_time_to_unix(at) * 1000 + clock_fraction_ms(match);
    return NULL;
}

/* Whole seconds, also before 1970. */
static int64_t clock_seconds(int64_t at_ms)
{
    return at_ms / 1000 - (at_ms % 1000 < 0);
}

int64_t clock_monotonic_ms(void)
{
    return g_get_monotonic_time() / 1000;
}

int64_t clock_now_ms(void)
{
    return g_get_real_time() / 1000;
}

char *clock_format_rfc3339(int64_t at_ms)
{
    g_autoptr(GDateTime) at = g_date_time_new_from_unix_utc(clock_seconds(at_ms));

    if (at_ms == 0 || !at)
        return g_strdup("");
    return g_date_time_format(at, "%Y-%m-%dT%H:%M:%SZ");
}

Error *clock_parse_rfc3339(const char *text, int64_t *ret_at_ms)
{
    if (!*text) {
        *ret_at_ms = 0;
        return NULL;
    }
    return clock_parse(text, CLOCK_RFC3339, "\"2026-07-01T09:00:00Z\"", ret_at_ms);
}

char *clock_format_stamp(int64_t at_ms)
{
    g_autoptr(GDateTime) at = g_date_time_new_from_unix_utc(clock_seconds(at_ms));

    if (at_ms == 0 || !at)
        return g_strdup("");
    return g_date_time_format(at, "%Y%m%d%H%M%S");
}

Error *clock_parse_stamp(const char *text, int64_t *ret_at_ms)
{
    if (!*text) {
        *ret_at_ms = 0;
        return NULL;
    }
    return clock_parse(text, CLOCK_STAMP, "\"20260701090000\"", ret_at_ms);
}

Error *wait_until(int64_t deadline_ms, WaitCheck check, void *data)
{
    outside_call(__func__);
    for (int64_t pause_ms = 1;; pause_ms = MIN(2 * pause_ms, CLOCK_PAUSE_MAX_MS)) {
        bool is_done = false;

        TRY(check(data, &is_done));
        if (is_done)
            return NULL;

        int64_t left_ms = deadline_ms - clock_monotonic_ms();

        if (left_ms <= 0)
            return error_new(ERR_TIMEOUT, "the deadline passed");
        g_usleep((gulong)MIN(pause_ms, left_ms) * 1000);
    }
}

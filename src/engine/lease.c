#include "engine/lease.h"

#include <glib.h>

#define MINUTE_MS 60000

/* Requests are bounded by their fields; what a configuration may hold is cut here. */
static int64_t lease_after(int64_t now_ms, int64_t minutes)
{
    return minutes > (INT64_MAX - now_ms) / MINUTE_MS ? 0 : now_ms + minutes * MINUTE_MS;
}

int64_t lease_end(const LeaseRules *rules, const LeaseRequest *request, int64_t now_ms)
{
    int64_t minutes = request->has_duration ? request->minutes : rules->default_minutes;

    if (!request->is_protected)
        return 0;
    if (rules->max_minutes > 0 && (minutes <= 0 || minutes > rules->max_minutes))
        minutes = rules->max_minutes;
    return minutes > 0 ? lease_after(now_ms, minutes) : 0;
}

bool lease_is_on(bool is_protected, int64_t till_ms, int64_t now_ms)
{
    return is_protected && (till_ms == 0 || till_ms > now_ms);
}

bool lease_is_due(int64_t delete_at_ms, int64_t now_ms)
{
    return delete_at_ms != 0 && delete_at_ms <= now_ms;
}

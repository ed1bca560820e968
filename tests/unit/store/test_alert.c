/*
 * Alerts: one row a type, counted.
 */
#include "store/alert.h"

#include "fixture.h"

static void raise_alert(Fixture *f, const char *type, const char *message, int64_t at_ms)
{
    g_autoptr(Alert) alert = g_new0(Alert, 1);

    alert->type = g_strdup(type);
    alert->level = g_strdup("error");
    alert->message = g_strdup(message);
    alert->last_seen_ms = at_ms;
    assert_ok(store_raise_alert(f->store, alert));
}

static void test_raise(Fixture *f, const void *unused)
{
    g_autoptr(GPtrArray) alerts = NULL;
    const Alert *failed;

    raise_alert(f, "refresh_skipped", "busy", 500);
    raise_alert(f, "refresh_failed", "first", 1000);
    raise_alert(f, "refresh_failed", "second", 2000);
    assert_ok(store_list_alerts(f->store, &alerts));
    g_assert_cmpuint(alerts->len, ==, 2);
    failed = alerts->pdata[0];
    g_assert_cmpstr(failed->type, ==, "refresh_failed");
    g_assert_cmpstr(failed->level, ==, "error");
    g_assert_cmpstr(failed->message, ==, "second");
    g_assert_cmpstr(failed->detail, ==, "");
    g_assert_cmpstr(failed->hint, ==, "");
    g_assert_cmpint(failed->last_seen_ms, ==, 2000);
    g_assert_cmpint(failed->count, ==, 2);
    g_assert_cmpint(((Alert *)alerts->pdata[1])->count, ==, 1);
}

static void test_clear(Fixture *f, const void *unused)
{
    g_autoptr(GPtrArray) alerts = NULL;

    raise_alert(f, "refresh_failed", "first", 1000);
    assert_ok(store_clear_alerts(f->store));
    assert_ok(store_list_alerts(f->store, &alerts));
    g_assert_cmpuint(alerts->len, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fixture_test("/store/alert/raise", test_raise);
    fixture_test("/store/alert/clear", test_clear);
    return g_test_run();
}

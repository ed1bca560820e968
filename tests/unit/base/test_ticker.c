/*
 * The ticker: it ticks on, waits for a tick under way, and does not wait for the next one.
 */
#include <glib.h>

#include "base/ticker.h"

static int n_ticks;

static void test_count(void *data)
{
    g_assert_cmpstr(data, ==, "data");
    g_atomic_int_inc(&n_ticks);
}

static void test_ticks(void)
{
    char data[] = "data";
    Ticker *ticker = NULL;

    g_assert_null(ticker_start("test", 1, test_count, data, &ticker));

    while (g_atomic_int_get(&n_ticks) < 3)
        g_thread_yield();
    ticker_stop(ticker);

    int n_then = n_ticks;
    g_usleep(10000);
    g_assert_cmpint(n_ticks, ==, n_then);
}

static void test_stop_while_waiting(void)
{
    Ticker *ticker = NULL;

    n_ticks = 0;
    /* A month: the test would hang. */
    g_assert_null(ticker_start("test", G_MAXINT32, test_count, NULL, &ticker));
    ticker_stop(ticker);
    g_assert_cmpint(n_ticks, ==, 0);
    ticker_stop(NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ticker/ticks", test_ticks);
    g_test_add_func("/ticker/stop-while-waiting", test_stop_while_waiting);
    return g_test_run();
}

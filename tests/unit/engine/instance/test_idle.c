/*
 * When a clone is idle: by what was seen of it, and by no clock that can be set.
 */
#include "engine/instance/idle.h"

#define WINDOW_MS 60000

static bool see(IdleWatch *watch, IdleSight sight, int64_t now_ms)
{
    return idle_watch_see(watch, &sight, now_ms, WINDOW_MS);
}

static void test_first_look(void)
{
    IdleWatch watch = {0};

    /* Whatever the wall clock says: it was not seen to be idle. */
    g_assert_false(see(&watch, (IdleSight){.mark = 1, .started_at_ms = 1}, 900000));
    g_assert_false(see(&watch, (IdleSight){.mark = 1, .started_at_ms = 1}, 900000 + WINDOW_MS - 1));
    g_assert_true(see(&watch, (IdleSight){.mark = 1, .started_at_ms = 1}, 900000 + WINDOW_MS));
}

static void test_connection(void)
{
    IdleWatch watch = {0};

    for (int64_t now_ms = 1; now_ms < 10 * WINDOW_MS; now_ms += WINDOW_MS)
        g_assert_false(see(&watch, (IdleSight){.is_connected = true}, now_ms));
}

static void test_use(void)
{
    IdleWatch watch = {0};

    g_assert_false(see(&watch, (IdleSight){.mark = 1}, 1));
    g_assert_false(see(&watch, (IdleSight){.mark = 2}, 1 + WINDOW_MS));
    g_assert_false(see(&watch, (IdleSight){.mark = 2, .started_at_ms = 5}, 1 + 2 * WINDOW_MS));
    g_assert_true(see(&watch, (IdleSight){.mark = 2, .started_at_ms = 5}, 1 + 3 * WINDOW_MS));
}

/* Our own looks are counted by the server, too. */
static void test_own_looks(void)
{
    IdleWatch watch = {0};

    g_assert_false(see(&watch, (IdleSight){.counter = 10, .own_share = 2}, 1));
    g_assert_true(see(&watch, (IdleSight){.counter = 12, .own_share = 2}, 1 + WINDOW_MS));
    g_assert_false(see(&watch, (IdleSight){.counter = 15, .own_share = 2}, 1 + 2 * WINDOW_MS));
}

/* A reload may switch it off while clones are looked at: then none is idle, however long unused. */
static void test_switched_off(void)
{
    IdleWatch watch = {0};
    const IdleSight sight = {.mark = 1};

    g_assert_false(idle_watch_see(&watch, &sight, 1, 0));
    g_assert_false(idle_watch_see(&watch, &sight, 1 + 10 * WINDOW_MS, 0));
    g_assert_true(idle_watch_see(&watch, &sight, 1 + 10 * WINDOW_MS, WINDOW_MS));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/idle/first-look", test_first_look);
    g_test_add_func("/idle/connection", test_connection);
    g_test_add_func("/idle/use", test_use);
    g_test_add_func("/idle/own-looks", test_own_looks);
    g_test_add_func("/idle/switched-off", test_switched_off);
    return g_test_run();
}

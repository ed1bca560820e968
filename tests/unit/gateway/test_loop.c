/*
 * Rounds and timers.
 */
#include <sys/eventfd.h>
#include <unistd.h>

#include "gateway/loop.h"

static Loop *loop;
static Watch watches[2];
static GString *events;

static void open_loop(void)
{
    g_assert_null(loop_open(&loop));
    events = g_string_new(NULL);
}

static void close_loop(void)
{
    loop_close(loop);
    g_string_free(events, TRUE);
}

/* The first to be called takes the other out of the round that both are in. */
static void unwatch_other(Watch *watch, uint32_t ready)
{
    g_string_append(events, "w");
    loop_unwatch(loop, &watches[watch == &watches[0]]);
    loop_unwatch(loop, watch);
    loop_quit(loop);
}

static void test_unwatch_in_round(void)
{
    open_loop();
    for (int i = 0; i < 2; i++) {
        watches[i] = (Watch){.fd = eventfd(1, EFD_CLOEXEC), .on_ready = unwatch_other};
        g_assert_null(loop_watch(loop, &watches[i], EPOLLIN));
    }
    g_assert_null(loop_run(loop));
    g_assert_cmpstr(events->str, ==, "w");
    for (int i = 0; i < 2; i++)
        close(watches[i].fd);
    close_loop();
}

static void note(Timer *timer)
{
    g_string_append(events, timer->data);
    if (g_str_equal(timer->data, "z"))
        loop_quit(loop);
}

static void test_timers(void)
{
    char a[] = "a", b[] = "b", never[] = "never", z[] = "z";
    Timer timers[] = {{.on_due = note, .data = z},
                      {.on_due = note, .data = a},
                      {.on_due = note, .data = never},
                      {.on_due = note, .data = b}};

    open_loop();
    loop_set_timer(loop, &timers[0], 30);
    loop_set_timer(loop, &timers[1], 0);
    loop_set_timer(loop, &timers[2], 5);
    loop_set_timer(loop, &timers[3], 100000);
    loop_set_timer(loop, &timers[3], 10); /* what was set before is forgotten */
    loop_stop_timer(loop, &timers[2]);
    loop_stop_timer(loop, &timers[2]);
    g_assert_null(loop_run(loop));
    g_assert_cmpstr(events->str, ==, "abz");
    close_loop();
}

static void note_ready(Watch *watch, uint32_t ready)
{
    g_string_append(events, ready == EPOLLOUT ? "o" : "i");
    loop_change(loop, watch, LOOP_NOTHING);
}

static void test_change(void)
{
    char z[] = "z";
    Timer end = {.on_due = note, .data = z};

    open_loop();
    watches[0] = (Watch){.fd = eventfd(1, EFD_CLOEXEC), .on_ready = note_ready};
    g_assert_null(loop_watch(loop, &watches[0], LOOP_NOTHING));
    loop_change(loop, &watches[0], EPOLLOUT);
    loop_set_timer(loop, &end, 20);
    g_assert_null(loop_run(loop));
    g_assert_cmpstr(events->str, ==, "oz"); /* not ready again after the change */
    close(watches[0].fd);
    close_loop();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gateway/loop/unwatch-in-round", test_unwatch_in_round);
    g_test_add_func("/gateway/loop/timers", test_timers);
    g_test_add_func("/gateway/loop/change", test_change);
    return g_test_run();
}

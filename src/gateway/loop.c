/*
 * A round is one epoll_wait() and the calls for what it brought. A call may end other descriptors
 * of the same round, whose structs are freed then: loop_unwatch() takes them out of the round.
 */
#include "gateway/loop.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"

#define LOOP_ROUND_MAX 64 /* descriptors a round */

struct Loop {
    int epoll_fd;
    bool is_over;
    int64_t now_ms;
    GQueue timers; /* by due_ms; the links are the timers' own */
    int n_events;
    struct epoll_event events[LOOP_ROUND_MAX];
};

/* --- descriptors --- */

static int loop_control(Loop *loop, int verb, Watch *watch)
{
    struct epoll_event event = {.events = watch->events, .data.ptr = watch};

    return epoll_ctl(loop->epoll_fd, verb, watch->fd, &event);
}

Error *loop_watch(Loop *loop, Watch *watch, uint32_t events)
{
    watch->events = events;
    if (loop_control(loop, EPOLL_CTL_ADD, watch) < 0)
        return error_errno(errno, "could not watch a socket");
    return NULL;
}

void loop_change(Loop *loop, Watch *watch, uint32_t events)
{
    if (watch->events == events)
        return;
    watch->events = events;
    loop_control(loop, EPOLL_CTL_MOD, watch); /* of a watched descriptor: cannot fail */
}

void loop_unwatch(Loop *loop, Watch *watch)
{
    loop_control(loop, EPOLL_CTL_DEL, watch);
    for (int i = 0; i < loop->n_events; i++)
        if (loop->events[i].data.ptr == watch)
            loop->events[i].data.ptr = NULL;
}

/* --- timers --- */

static gint loop_compare_timers(gconstpointer a, gconstpointer b, gpointer unused)
{
    const Timer *left = a, *right = b;

    return (left->due_ms > right->due_ms) - (left->due_ms < right->due_ms);
}

void loop_set_timer(Loop *loop, Timer *timer, int64_t delay_ms)
{
    GList *next;

    loop_stop_timer(loop, timer);
    timer->due_ms = clock_monotonic_ms() + delay_ms;
    timer->link.data = timer;
    for (next = loop->timers.head; next; next = next->next)
        if (loop_compare_timers(next->data, timer, NULL) > 0)
            break;
    if (next)
        g_queue_insert_before_link(&loop->timers, next, &timer->link);
    else
        g_queue_push_tail_link(&loop->timers, &timer->link);
    timer->is_set = true;
}

void loop_stop_timer(Loop *loop, Timer *timer)
{
    if (!timer->is_set)
        return;
    g_queue_unlink(&loop->timers, &timer->link);
    timer->is_set = false;
}

/* Milliseconds until the first timer, as epoll_wait() takes them. */
static int loop_timeout_ms(Loop *loop)
{
    const Timer *first = g_queue_peek_head(&loop->timers);

    if (!first)
        return -1;
    return (int)CLAMP(first->due_ms - clock_monotonic_ms(), 0, INT_MAX);
}

static void loop_run_timers(Loop *loop)
{
    Timer *first;

    while ((first = g_queue_peek_head(&loop->timers)) && first->due_ms <= clock_monotonic_ms()) {
        loop_stop_timer(loop, first);
        first->on_due(first);
    }
}

/* --- the loop --- */

Error *loop_open(Loop **ret_loop)
{
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);

    if (epoll_fd < 0)
        return error_errno(errno, "could not open an event loop");
    *ret_loop = g_new0(Loop, 1);
    (*ret_loop)->epoll_fd = epoll_fd;
    (*ret_loop)->now_ms = clock_now_ms();
    return NULL;
}

void loop_close(Loop *loop)
{
    if (!loop)
        return;
    fs_close_fd(&loop->epoll_fd);
    g_free(loop);
}

int64_t loop_now_ms(const Loop *loop)
{
    return loop->now_ms;
}

static Error *loop_run_round(Loop *loop)
{
    int n = epoll_wait(loop->epoll_fd, loop->events, LOOP_ROUND_MAX, loop_timeout_ms(loop));

    if (n < 0 && errno != EINTR)
        return error_errno(errno, "could not wait for events");
    loop->now_ms = clock_now_ms();
    loop->n_events = MAX(n, 0);
    for (int i = 0; i < loop->n_events; i++) {
        Watch *watch = loop->events[i].data.ptr;

        if (watch)
            watch->on_ready(watch, loop->events[i].events);
    }
    loop->n_events = 0;
    if (loop->timers.head)
        loop_run_timers(loop);
    return NULL;
}

Error *loop_run(Loop *loop)
{
    while (!loop->is_over)
        TRY(loop_run_round(loop));
    return NULL;
}

void loop_quit(Loop *loop)
{
    loop->is_over = true;
}

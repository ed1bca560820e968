/*
 * The event loop of the gateway: epoll, level-triggered, and timers. One thread; nothing here
 * blocks but the wait itself. Level-triggered readiness makes the kernel's list of ready
 * descriptors a round: who is handled goes to its end, so nobody starves.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "base/error.h"

/* Waited for when there is nothing to wait for: a failure is told once, and not again and again. */
#define LOOP_NOTHING ((uint32_t)EPOLLET)

typedef struct Loop Loop;

/* A descriptor that is waited for. The struct is the caller's; it lives until loop_unwatch(). */
typedef struct Watch Watch;
struct Watch {
    int fd;
    uint32_t events; /* the loop's: what it waits for */
    void (*on_ready)(Watch *watch, uint32_t events);
    void *data;
};

/* A moment that is waited for. The struct is the caller's, all zero but for the last two. */
typedef struct Timer Timer;
struct Timer {
    GList link;
    int64_t due_ms;
    bool is_set;
    void (*on_due)(Timer *timer);
    void *data;
};

MUST_CHECK Error *loop_open(Loop **ret_loop);
void loop_close(Loop *loop);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Loop, loop_close)

/* Calls on_ready() whenever one of the events (EPOLLIN, …) is there. ERR_EXTERNAL. */
MUST_CHECK Error *loop_watch(Loop *loop, Watch *watch, uint32_t events);

/* Waits for other events; cheap when they are the same. */
void loop_change(Loop *loop, Watch *watch, uint32_t events);

/* Its on_ready() is not called again, though the event may be there already. The fd stays open. */
void loop_unwatch(Loop *loop, Watch *watch);

/* Calls on_due() once, so many milliseconds from now; what was set before is forgotten. */
void loop_set_timer(Loop *loop, Timer *timer, int64_t delay_ms);
void loop_stop_timer(Loop *loop, Timer *timer);

/* The instant of the round under way, since 1970: costs nothing. */
int64_t loop_now_ms(const Loop *loop);

/* Runs until loop_quit(). ERR_EXTERNAL the kernel refuses to wait. */
MUST_CHECK Error *loop_run(Loop *loop);
void loop_quit(Loop *loop);

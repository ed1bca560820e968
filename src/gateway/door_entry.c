/*
 * Letting clients in. A client is accepted, then the clone's socket is connected to, which never
 * blocks. Where that fails for a reason that may pass (the clone's queue is full; it has been held
 * until a moment ago and is not quite there), the client waits, its bytes in the kernel, and it is
 * tried again with growing pauses, in the order of arrival. Otherwise it is sent away, and told
 * why (refusal.c).
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/reach.h"
#include "gateway/door_private.h"
#include "gateway/refusal.h"

#define DOOR_ACCEPT_MAX   16    /* clients a round: connections that exist come first */
#define DOOR_WAIT_MAX_MS  10000 /* for a clone whose queue is full                    */
#define DOOR_GRACE_MS     3000  /* after a hold, for a clone that is missing          */
#define DOOR_RETRY_MIN_MS 5
#define DOOR_RETRY_MAX_MS 200
#define DOOR_PAUSE_MS     100 /* when there are no descriptors left */

typedef struct DoorWaiter {
    GList link; /* in waiting */
    int fd;
    int64_t until_ms; /* on the monotonic clock */
} DoorWaiter;

/* --- in and out --- */

static void door_on_relay_end(void *data)
{
    Door *door = data;

    door->traffic.last_active_at_ms = loop_now_ms(door->loop);
    if (door_connections(door) <= door->max_connections / 2) /* not at each coming and going */
        door->is_full_logged = false;
}

static void door_refuse_take(Door *door, int fd, const RefusalReason *why)
{
    door->n_refused++;
    refusal_start_take(door->loop, &door->refusals, fd, why);
}

static void door_refuse_missing_take(Door *door, int fd)
{
    static const RefusalReason why = {
        .sqlstate = "57P03", /* cannot_connect_now */
        .message = "the clone is not running",
        .hint = "Ask for its status. While it is being started, try again in a moment.",
    };

    door_refuse_take(door, fd, &why);
}

static void door_refuse_full_take(Door *door, int fd)
{
    g_autofree char *message = g_strdup_printf(
        "the clone has all its %" G_GINT64_FORMAT " connections", door->max_connections);
    const RefusalReason why = {
        .sqlstate = "53300", /* too_many_connections */
        .message = message,
        .hint = "Close some, or raise runtime.connectionsPerClone in the server's configuration.",
    };

    door_refuse_take(door, fd, &why);
}

static void door_start_relay_take(Door *door, int client_fd, int server_fd)
{
    const RelaySpec spec = {
        .loop = door->loop,
        .stock = door->stock,
        .traffic = &door->traffic,
        .client_fd = client_fd,
        .server_fd = server_fd,
        .relays = &door->relays,
        .on_end = door_on_relay_end,
        .data = door,
    };
    g_autoptr(Error) e = relay_start_take(&spec);

    if (!e) {
        door->n_ever++;
        return;
    }
    door->n_refused++;
    log_failure(LOG_LEVEL_WARN, e, "a client was sent away", "clone", door->id, NULL);
}

/* --- those who wait --- */

static void door_log_missing(Door *door, int err)
{
    if (!door->is_missing_logged)
        log_warn("a clone cannot be reached: its clients are sent away", "clone", door->id,
                 "socket", door->socket_path, "why", err ? g_strerror(err) : "it is not a socket");
    door->is_missing_logged = true;
}

/* Reaches the clone, and keeps the log. */
static Reach door_reach(Door *door, int *ret_fd, int *ret_err)
{
    Reach reach = reach_socket(door->socket_path, ret_fd, ret_err);

    if (reach == REACH_OK && door->is_missing_logged) {
        door->is_missing_logged = false;
        log_info("a clone is reached again", "clone", door->id);
    }
    return reach;
}

static bool door_may_wait(const Door *door, Reach reach, int64_t until_ms)
{
    switch (reach) {
    case REACH_BUSY:
        return clock_monotonic_ms() < until_ms;
    case REACH_MISSING:
        return clock_monotonic_ms() < door->grace_until_ms;
    default:
        return false;
    }
}

/* One client: true when it is settled, carried or sent away; false when it has to wait. */
static bool door_admit_take(Door *door, int fd, int64_t until_ms)
{
    int server_fd = -1, err = 0;
    Reach reach = door_reach(door, &server_fd, &err);

    if (reach == REACH_OK) {
        door_start_relay_take(door, fd, server_fd);
        return true;
    }
    if (door_may_wait(door, reach, until_ms))
        return false;
    door_log_missing(door, err);
    door_refuse_missing_take(door, fd);
    return true;
}

static void door_set_retry(Door *door)
{
    loop_set_timer(door->loop, &door->retry_timer, door->retry_ms);
    door->retry_ms = MIN(2 * door->retry_ms, DOOR_RETRY_MAX_MS);
}

void door_admit_waiting(Door *door)
{
    DoorWaiter *first;

    while ((first = g_queue_peek_head(&door->waiting))) {
        if (!door_admit_take(door, first->fd, first->until_ms)) {
            door_set_retry(door);
            return;
        }
        door->retry_ms = DOOR_RETRY_MIN_MS;
        g_queue_unlink(&door->waiting, &first->link);
        g_free(first);
    }
}

static void door_on_retry(Timer *timer)
{
    door_admit_waiting(timer->data);
}

static void door_let_wait_take(Door *door, int fd, int64_t until_ms)
{
    DoorWaiter *waiter = g_new0(DoorWaiter, 1);

    waiter->fd = fd;
    waiter->until_ms = until_ms;
    waiter->link.data = waiter;
    g_queue_push_tail_link(&door->waiting, &waiter->link);
    if (!door->is_held && !door->retry_timer.is_set)
        door_set_retry(door);
}

void door_start_grace(Door *door)
{
    door->grace_until_ms = clock_monotonic_ms() + DOOR_GRACE_MS;
    door->retry_ms = DOOR_RETRY_MIN_MS;
}

/* --- accepting --- */

uint32_t door_listens_for(const Door *door)
{
    return door->is_held || door->is_paused ? LOOP_NOTHING : (uint32_t)EPOLLIN;
}

static void door_on_pause_over(Timer *timer)
{
    Door *door = timer->data;

    door->is_paused = false;
    door_set_listening(door);
}

/* A listener that cannot be served would be ready in every round. */
static void door_pause(Door *door, int err)
{
    static int64_t logged_at_ms; /* of all doors: once a minute is enough */
    int64_t now_ms = clock_monotonic_ms();

    if (logged_at_ms == 0 || now_ms - logged_at_ms >= 60000) {
        logged_at_ms = now_ms;
        log_error("no more connections can be accepted: clients wait", "why", g_strerror(err));
    }
    door->is_paused = true;
    door_set_listening(door);
    loop_set_timer(door->loop, &door->pause_timer, DOOR_PAUSE_MS);
}

/* Refusing is the answer to what goes beyond the limit; a client that waits forever is not. */
static bool door_is_full(Door *door)
{
    if (door->max_connections == 0 || door_connections(door) < door->max_connections)
        return false;
    if (!door->is_full_logged) {
        g_autofree char *limit = g_strdup_printf("%" G_GINT64_FORMAT, door->max_connections);

        log_warn("a clone has all its connections: clients are sent away", "clone", door->id,
                 "limit", limit);
    }
    door->is_full_logged = true;
    return true;
}

static void door_enter_take(Door *door, int fd)
{
    int64_t until_ms = clock_monotonic_ms() + DOOR_WAIT_MAX_MS;

    door->traffic.last_active_at_ms = loop_now_ms(door->loop);
    if (door_is_full(door))
        door_refuse_full_take(door, fd);
    else if (door->waiting.head || !door_admit_take(door, fd, until_ms))
        door_let_wait_take(door, fd, until_ms);
}

/* errno of accept4() that says: there is nobody, or we have no room; others are of that client. */
static bool door_is_out_of_room(int err)
{
    return err == EMFILE || err == ENFILE || err == ENOBUFS || err == ENOMEM;
}

void door_on_client(Watch *watch, uint32_t events)
{
    Door *door = watch->data;

    for (int i = 0; i < DOOR_ACCEPT_MAX; i++) {
        int fd = accept4(watch->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            door_enter_take(door, fd);
            continue;
        }
        if (door_is_out_of_room(errno))
            door_pause(door, errno);
        if (errno == EAGAIN || door->is_paused)
            return;
    }
}

/* --- begin and end --- */

void door_init_entry(Door *door)
{
    door->retry_ms = DOOR_RETRY_MIN_MS;
    door->retry_timer = (Timer){.on_due = door_on_retry, .data = door};
    door->pause_timer = (Timer){.on_due = door_on_pause_over, .data = door};
}

void door_end_entry(Door *door)
{
    DoorWaiter *waiter;

    loop_stop_timer(door->loop, &door->retry_timer);
    loop_stop_timer(door->loop, &door->pause_timer);
    relay_cut_all(&door->relays);
    refusal_cut_all(&door->refusals);
    while ((waiter = g_queue_peek_head(&door->waiting))) {
        g_queue_unlink(&door->waiting, &waiter->link);
        close(waiter->fd);
        g_free(waiter);
    }
}

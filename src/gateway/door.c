/*
 * Opening, changing, holding and describing a door. Who comes in is let in by door_entry.c.
 */
#include "gateway/door_private.h"

#include <string.h>
#include <unistd.h>

#include "base/listener.h"
#include "base/log.h"
#include "base/text.h"

/* --- listeners --- */

static void door_free_listener(gpointer data)
{
    DoorListener *listener = data;

    loop_unwatch(listener->door->loop, &listener->watch);
    close(listener->watch.fd);
    g_free(listener->address);
    g_free(listener);
}

static Error *door_open_listener(Door *door, GPtrArray *listeners, const char *address,
                                 int64_t port)
{
    int fd = -1;

    TRY(listener_open(address, port, &fd));

    DoorListener *listener = g_new0(DoorListener, 1);

    listener->door = door;
    listener->address = g_strdup(address);
    listener->port = port;
    listener->watch = (Watch){.fd = fd, .on_ready = door_on_client, .data = door};
    g_ptr_array_add(listeners, listener);

    Error *e = loop_watch(door->loop, &listener->watch, door_listens_for(door));
    if (e)
        g_ptr_array_remove(listeners, listener);
    return e;
}

static DoorListener *door_find_listener(const Door *door, const char *address, int64_t port)
{
    for (guint i = 0; i < door->listeners->len; i++) {
        DoorListener *listener = g_ptr_array_index(door->listeners, i);

        if (listener->port == port && g_str_equal(listener->address, address))
            return listener;
    }
    return NULL;
}

static bool door_is_wanted(const DoorListener *listener, const GatewayClone *clone)
{
    return listener->port == clone->port && g_strv_contains(clone->addresses, listener->address);
}

/* Opens what is new of a clone's listeners. On failure none of them is open. */
static Error *door_open_new(Door *door, const GatewayClone *clone)
{
    guint n_before = door->listeners->len;

    for (const char *const *address = clone->addresses; *address; address++) {
        if (door_find_listener(door, *address, clone->port))
            continue;
        Error *e = door_open_listener(door, door->listeners, *address, clone->port);
        if (e) {
            g_ptr_array_set_size(door->listeners, (gint)n_before);
            return e;
        }
    }
    return NULL;
}

/* Returns how many were closed. */
static guint door_close_unwanted(Door *door, const GatewayClone *clone)
{
    guint n_closed = 0;

    for (guint i = door->listeners->len; i-- > 0;) {
        if (door_is_wanted(g_ptr_array_index(door->listeners, i), clone))
            continue;
        g_ptr_array_remove_index(door->listeners, i);
        n_closed++;
    }
    return n_closed;
}

/*
 * New listeners are opened before old ones are closed, so that a failure changes nothing. An old
 * one may stand in the way ("127.0.0.1" of "*"): then it must go first, and comes back on failure.
 */
static Error *door_replace_listeners(Door *door, const GatewayClone *clone)
{
    g_autoptr(Error) e = door_open_new(door, clone);

    if (e && e->code == ERR_CONFLICT && door_close_unwanted(door, clone) > 0) {
        const GatewayClone old = {.port = door->port,
                                  .addresses = (const char *const *)door->addresses};

        g_clear_pointer(&e, error_free);
        e = door_open_new(door, clone);
        if (e)
            error_ignore(door_open_new(door, &old), "the old listeners of a clone are lost");
    }
    if (e)
        return g_steal_pointer(&e);
    door_close_unwanted(door, clone);
    return NULL;
}

void door_set_listening(Door *door)
{
    for (guint i = 0; i < door->listeners->len; i++) {
        DoorListener *listener = g_ptr_array_index(door->listeners, i);

        loop_change(door->loop, &listener->watch, door_listens_for(door));
    }
}

/* --- hold --- */

static void door_end_hold(Door *door)
{
    door->is_held = false;
    loop_stop_timer(door->loop, &door->hold_timer);
    door_set_listening(door);
    door_admit_waiting(door);
}

static void door_on_hold_over(Timer *timer)
{
    Door *door = timer->data;

    log_warn("a hold was not released in time: clients are let in", "clone", door->id);
    door_release(door);
}

void door_hold(Door *door, int64_t timeout_ms)
{
    door->is_held = true;
    loop_stop_timer(door->loop, &door->retry_timer);
    loop_set_timer(door->loop, &door->hold_timer, timeout_ms);
    door_set_listening(door);
}

void door_release(Door *door)
{
    if (!door->is_held)
        return;
    door_start_grace(door);
    door_end_hold(door);
}

/* --- open, change, close --- */

static void door_take_over(Door *door, const GatewayClone *clone)
{
    g_free(door->socket_path);
    g_strfreev(door->addresses);
    door->socket_path = g_strdup(clone->socket_path);
    door->addresses = g_strdupv((char **)(uintptr_t)clone->addresses);
    door->port = clone->port;
    door->max_connections = clone->max_connections;
}

Error *door_open(Loop *loop, Stock *stock, const GatewayClone *clone, Door **ret_door)
{
    Door *door = g_new0(Door, 1);

    door->loop = loop;
    door->stock = stock;
    door->id = g_strdup(clone->id);
    door->listeners = g_ptr_array_new_with_free_func(door_free_listener);
    door->hold_timer = (Timer){.on_due = door_on_hold_over, .data = door};
    door_init_entry(door);

    Error *e = door_open_new(door, clone);
    if (e) {
        door_close(door);
        return e;
    }
    door_take_over(door, clone);
    *ret_door = door;
    return NULL;
}

Error *door_change(Door *door, const GatewayClone *clone)
{
    TRY(door_replace_listeners(door, clone));
    door_take_over(door, clone);
    return NULL;
}

void door_close(Door *door)
{
    if (!door)
        return;
    loop_stop_timer(door->loop, &door->hold_timer);
    g_ptr_array_free(door->listeners, TRUE);
    door_end_entry(door);
    g_strfreev(door->addresses);
    g_free(door->socket_path);
    g_free(door->id);
    g_free(door);
}

/* --- describe --- */

int64_t door_connections(const Door *door)
{
    return (int64_t)door->relays.length + (int64_t)door->waiting.length;
}

json_t *door_describe(const Door *door)
{
    const struct {
        const char *key;
        uint64_t value;
    } numbers[] = {
        {"port", (uint64_t)door->port},
        {"max_connections", (uint64_t)door->max_connections},
        {"connections", (uint64_t)door_connections(door)},
        {"waiting", door->waiting.length},
        {"connections_ever", (uint64_t)door->n_ever},
        {"refused", (uint64_t)door->n_refused},
        {"from_client_bytes", door->traffic.from_client_bytes},
        {"to_client_bytes", door->traffic.to_client_bytes},
        {"last_active_at_ms", (uint64_t)door->traffic.last_active_at_ms},
    };
    json_t *described =
        json_pack("{s:s, s:s, s:s, s:o}", "id", door->id, "socket_path", door->socket_path, "state",
                  door->is_held ? "held" : "open", "addresses",
                  text_list_json((const char *const *)door->addresses));

    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
        json_object_set_new(described, numbers[i].key, json_integer((json_int_t)numbers[i].value));
    return described;
}

/*
 * How an end is passed on (a clone's Unix socket tells being closed from ending to send):
 *
 *   the client ends its sending     the clone sees the end of its input, its answers still pass
 *   the clone ends its sending      likewise
 *   the client is gone (reset)      the clone's socket is closed at once
 *   the clone is gone (reset)       the client is reset, too, unless bytes for it are under way:
 *                                   a last message from PostgreSQL must arrive
 *
 *   the clone is gone (closed)      the client is closed as soon as it has been sent everything
 *
 * A clone that takes no more bytes (it has ended) may still have sent its last words: these pass.
 */
#include "gateway/relay.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/flow.h"

typedef struct Relay {
    RelaySpec spec;
    GList link; /* in spec.relays */
    Watch client;
    Watch server;
    Flow to_server;
    Flow to_client;
    bool is_server_gone; /* closed, not just at the end of its sending */
} Relay;

static bool relay_is_over(const Relay *relay)
{
    const Flow *to_server = &relay->to_server, *to_client = &relay->to_client;

    if (to_server->is_reset || to_client->is_reset || to_client->is_unwanted)
        return true;
    return to_client->has_ended && (to_server->has_ended || relay->is_server_gone);
}

/* Closing resets the connection, instead of ending it in order. */
static void relay_reset_client(const Relay *relay)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    int under_way = 0;

    if (ioctl(relay->client.fd, SIOCOUTQ, &under_way) == 0 && under_way == 0)
        setsockopt(relay->client.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

static void relay_free(Relay *relay)
{
    g_queue_unlink(relay->spec.relays, &relay->link);
    flow_drop(&relay->to_server, relay->spec.stock);
    flow_drop(&relay->to_client, relay->spec.stock);
    close(relay->client.fd);
    close(relay->server.fd);
    g_free(relay);
}

static void relay_end(Relay *relay)
{
    const RelaySpec spec = relay->spec;

    if (relay->to_client.is_reset)
        relay_reset_client(relay);
    loop_unwatch(spec.loop, &relay->client);
    loop_unwatch(spec.loop, &relay->server);
    relay_free(relay);
    spec.on_end(spec.data);
}

/* What to wait for on a socket, by the flow that comes from it and the one that goes to it. */
static uint32_t relay_events(const Flow *in, const Flow *out)
{
    uint32_t events =
        (flow_wants_input(in) ? (uint32_t)EPOLLIN : 0) | (out->pending ? (uint32_t)EPOLLOUT : 0);

    return events ? events : LOOP_NOTHING;
}

/* After an event: is it over, and if not, what is waited for now? */
static void relay_settle(Relay *relay)
{
    Loop *loop = relay->spec.loop;

    if (relay_is_over(relay)) {
        relay_end(relay);
        return;
    }
    loop_change(loop, &relay->client, relay_events(&relay->to_server, &relay->to_client));
    loop_change(loop, &relay->server, relay_events(&relay->to_client, &relay->to_server));
}

/* Failures (EPOLLERR, EPOLLHUP) are found out by the read or the write that they make possible. */
static void relay_carry(Relay *relay, Flow *in, Flow *out, uint32_t events)
{
    if ((events & ~(uint32_t)EPOLLOUT) && flow_wants_input(in))
        flow_carry(in, relay->spec.stock);
    if ((events & ~(uint32_t)EPOLLIN) && out->pending)
        flow_carry(out, relay->spec.stock);
    relay->spec.traffic->last_active_at_ms = loop_now_ms(relay->spec.loop);
}

static void relay_on_client(Watch *watch, uint32_t events)
{
    Relay *relay = watch->data;

    if ((events & EPOLLERR) && watch->events == LOOP_NOTHING)
        relay->to_server.is_reset = true; /* and the clone does not read: nobody else would tell */
    else
        relay_carry(relay, &relay->to_server, &relay->to_client, events);
    relay_settle(relay);
}

static void relay_on_server(Watch *watch, uint32_t events)
{
    Relay *relay = watch->data;

    relay->is_server_gone |= (events & EPOLLHUP) != 0;
    relay_carry(relay, &relay->to_client, &relay->to_server, events);
    relay_settle(relay);
}

static Error *relay_watch(Relay *relay)
{
    Loop *loop = relay->spec.loop;

    TRY(loop_watch(loop, &relay->client, EPOLLIN));
    Error *e = loop_watch(loop, &relay->server, EPOLLIN);
    if (e)
        loop_unwatch(loop, &relay->client);
    return e;
}

Error *relay_start_take(const RelaySpec *spec)
{
    Relay *relay = g_new0(Relay, 1);
    int client = spec->client_fd, server = spec->server_fd;

    relay->spec = *spec;
    relay->client = (Watch){.fd = client, .on_ready = relay_on_client, .data = relay};
    relay->server = (Watch){.fd = server, .on_ready = relay_on_server, .data = relay};
    relay->to_server =
        (Flow){.from = client, .to = server, .bytes = &spec->traffic->from_client_bytes};
    relay->to_client =
        (Flow){.from = server, .to = client, .bytes = &spec->traffic->to_client_bytes};
    relay->link.data = relay;
    g_queue_push_tail_link(spec->relays, &relay->link);

    Error *e = relay_watch(relay);
    if (e)
        relay_free(relay);
    return e;
}

void relay_cut_all(GQueue *relays)
{
    while (relays->head)
        relay_end(relays->head->data);
}

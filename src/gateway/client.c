/*
 * A call is one message there and one back, over gateway_link. Calls may be repeated, so a
 * connection that broke since the last call (the gateway was started anew) is made again once.
 */
#include "gateway/client.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/outside.h"
#include "base/proc.h"
#include "base/text.h"
#include "gateway/link.h"
#include "gateway/request.h"

struct GatewayClient {
    char *socket_path;
    int64_t timeout_ms;
    GMutex lock; /* one call at a time; guards what follows */
    int fd;      /* -1 = not connected */
    char *reply; /* GATEWAY_REPLY_MAX bytes */
    int pidfd;   /* of the gateway, when it is our child; -1 = it is not */
};

GatewayClient *gateway_client_new(const char *socket_path, int64_t timeout_ms)
{
    GatewayClient *client = g_new0(GatewayClient, 1);

    client->socket_path = g_strdup(socket_path);
    client->timeout_ms = timeout_ms;
    client->fd = -1;
    client->pidfd = -1;
    client->reply = g_malloc(GATEWAY_REPLY_MAX);
    g_mutex_init(&client->lock);
    return client;
}

static void gateway_disconnect(GatewayClient *client)
{
    if (client->fd >= 0)
        link_close(client->fd);
    client->fd = -1;
}

/* A gateway of ours that has ended leaves the table of processes. */
static void gateway_reap(GatewayClient *client)
{
    if (client->pidfd < 0 || !proc_has_ended(client->pidfd))
        return;
    close(client->pidfd);
    client->pidfd = -1;
}

void gateway_client_adopt_take(GatewayClient *client, int pidfd)
{
    client->pidfd = pidfd;
}

void gateway_client_free(GatewayClient *client)
{
    if (!client)
        return;
    gateway_disconnect(client);
    gateway_reap(client);
    fs_close_fd(&client->pidfd);
    g_mutex_clear(&client->lock);
    g_free(client->socket_path);
    g_free(client->reply);
    g_free(client);
}

/* --- calls --- */

/* A failed exchange leaves no connection: a late reply must not be taken for the next one's. */
static Error *gateway_exchange(GatewayClient *client, const char *text, int64_t deadline_ms,
                               size_t *ret_length)
{
    if (client->fd < 0)
        TRY(link_open(client->socket_path, deadline_ms, &client->fd));

    Error *e = link_send(client->fd, text, deadline_ms);
    if (!e)
        e = link_receive(client->fd, client->reply, GATEWAY_REPLY_MAX, deadline_ms, ret_length);
    if (e) {
        gateway_disconnect(client);
        gateway_reap(client);
    }
    return e;
}

static Error *gateway_call_locked(GatewayClient *client, const char *text, json_t **ret_reply)
{
    int64_t deadline_ms = clock_monotonic_ms() + client->timeout_ms;
    bool was_connected = client->fd >= 0;
    size_t length = 0;
    Error *e = gateway_exchange(client, text, deadline_ms, &length);

    if (e && was_connected && e->code != ERR_TIMEOUT) {
        error_free(e);
        e = gateway_exchange(client, text, deadline_ms, &length);
    }
    if (e)
        return e;
    *ret_reply = json_loadb(client->reply, length, 0, NULL);
    return *ret_reply ? NULL : error_new(ERR_EXTERNAL, "the reply is not JSON");
}

/* ret_reply: caller owns the reference; NULL = not wanted. */
static Error *gateway_call_take(GatewayClient *client, json_t *message, json_t **ret_reply)
{
    g_autoptr(json_t) request = message;
    g_autoptr(json_t) reply = NULL;

    if (!request)
        return error_new(ERR_INVALID, "gateway: a text is not UTF-8");

    char *text = json_dumps(request, JSON_COMPACT);

    outside_call("gateway_client");
    g_mutex_lock(&client->lock);
    Error *e = gateway_call_locked(client, text, &reply);
    g_mutex_unlock(&client->lock);
    free(text); /* jansson's */
    if (!e)
        e = reply_check(reply);
    if (!e && ret_reply)
        *ret_reply = g_steal_pointer(&reply);
    return error_wrap(e, "gateway");
}

static json_t *gateway_named(const char *op, const char *id)
{
    return json_pack("{s:s, s:s}", "op", op, "id", id);
}

Error *gateway_client_add(GatewayClient *client, const GatewayClone *clone)
{
    json_t *message = json_pack("{s:s, s:s, s:s, s:I, s:I, s:o}", "op", "add", "id", clone->id,
                                "socket_path", clone->socket_path, "port", (json_int_t)clone->port,
                                "max_connections", (json_int_t)clone->max_connections, "addresses",
                                text_list_json(clone->addresses));

    return error_wrap(gateway_call_take(client, message, NULL), "adding clone \"%s\"", clone->id);
}

Error *gateway_client_remove(GatewayClient *client, const char *id)
{
    return gateway_call_take(client, gateway_named("remove", id), NULL);
}

Error *gateway_client_hold(GatewayClient *client, const char *id, int64_t timeout_ms)
{
    json_t *message =
        json_pack("{s:s, s:s, s:I}", "op", "hold", "id", id, "timeout_ms", (json_int_t)timeout_ms);

    return gateway_call_take(client, message, NULL);
}

Error *gateway_client_release(GatewayClient *client, const char *id)
{
    return gateway_call_take(client, gateway_named("release", id), NULL);
}

Error *gateway_client_quit(GatewayClient *client)
{
    return gateway_call_take(client, json_pack("{s:s}", "op", "quit"), NULL);
}

/* --- hello --- */

static int64_t gateway_number(const json_t *object, const char *member)
{
    return json_integer_value(json_object_get(object, member));
}

static char *gateway_text(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));

    return g_strdup(text ? text : "");
}

void gateway_hello_clear(GatewayHello *hello)
{
    g_free(hello->version);
    *hello = (GatewayHello){0};
}

Error *gateway_client_hello(GatewayClient *client, GatewayHello *ret_hello)
{
    g_autoptr(json_t) reply = NULL;

    TRY(gateway_call_take(client, json_pack("{s:s}", "op", "hello"), &reply));
    if (ret_hello)
        *ret_hello = (GatewayHello){
            .version = gateway_text(reply, "version"),
            .pid = gateway_number(reply, "pid"),
            .uptime_ms = gateway_number(reply, "uptime_ms"),
            .clones = gateway_number(reply, "clones"),
            .connections = gateway_number(reply, "connections"),
        };
    return NULL;
}

/* --- list --- */

static void gateway_free_status(gpointer data)
{
    GatewayStatus *status = data;

    g_free(status->id);
    g_free(status->socket_path);
    g_free(status);
}

static GatewayStatus *gateway_read_status(const json_t *object)
{
    GatewayStatus *status = g_new(GatewayStatus, 1);
    const char *state = json_string_value(json_object_get(object, "state"));

    *status = (GatewayStatus){
        .id = gateway_text(object, "id"),
        .socket_path = gateway_text(object, "socket_path"),
        .port = gateway_number(object, "port"),
        .is_held = g_strcmp0(state, "held") == 0,
        .connections = gateway_number(object, "connections"),
        .waiting = gateway_number(object, "waiting"),
        .connections_ever = gateway_number(object, "connections_ever"),
        .refused = gateway_number(object, "refused"),
        .from_client_bytes = gateway_number(object, "from_client_bytes"),
        .to_client_bytes = gateway_number(object, "to_client_bytes"),
        .last_active_at_ms = gateway_number(object, "last_active_at_ms"),
    };
    return status;
}

/* Adds the clones behind those of the list. An answer that leads nowhere must not be asked again. */
static Error *gateway_read_page(GatewayClient *client, GPtrArray *list, bool *ret_more)
{
    const GatewayStatus *last = list->len ? g_ptr_array_index(list, list->len - 1) : NULL;
    g_autoptr(json_t) reply = NULL;
    const json_t *object;
    size_t i;

    TRY(gateway_call_take(
        client, json_pack("{s:s, s:s}", "op", "list", "after", last ? last->id : ""), &reply));

    const json_t *clones = json_object_get(reply, "clones");

    json_array_foreach (clones, i, object) {
        g_ptr_array_add(list, gateway_read_status(object));
    }
    *ret_more = json_is_true(json_object_get(reply, "more"));
    if (!json_is_array(clones) || (*ret_more && i == 0))
        return error_new(ERR_EXTERNAL, "gateway: the reply makes no sense");
    return NULL;
}

Error *gateway_client_list(GatewayClient *client, GPtrArray **ret_list)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(gateway_free_status);
    bool more = true;

    while (more)
        TRY(gateway_read_page(client, list, &more));
    *ret_list = g_steal_pointer(&list);
    return NULL;
}

/*
 * Those who ask stand in two queues, one for each time that is allowed, so each is in the order of its deadlines. The
 * strangers of an address stand in a queue of their own, in the order they came, and in one of all strangers.
 */
#include "api/peers.h"

#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PEERS_NETWORK 8 /* bytes of an IPv6 address that one customer has: a /64 */

typedef enum PeersQueue {
    PEERS_FIRST,
    PEERS_NEXT,
    PEERS_QUEUES,
} PeersQueue;

/* An IPv4 address as it is, of an IPv6 one its network. */
typedef struct PeerAddress {
    sa_family_t family;
    unsigned char bytes[PEERS_NETWORK];
} PeerAddress;

typedef struct Strangers {
    PeerAddress address; /* the key: first */
    GQueue queue;        /* of Peer *, the oldest first */
} Strangers;

struct Peer {
    int fd;
    int64_t deadline_ms;
    GQueue *asking;       /* the queue it stands in, or NULL */
    Strangers *strangers; /* of its address; NULL when it is known */
    GList in_asking, in_strangers, in_all_strangers;
    bool is_cut;
};

typedef struct Lingerer {
    int fd;
    int64_t deadline_ms;
} Lingerer;

struct Peers {
    GMutex lock;
    GQueue asking[PEERS_QUEUES];
    GHashTable *strangers; /* PeerAddress → Strangers */
    GQueue all_strangers;  /* of Peer *, the oldest first */
    unsigned max_strangers;
    GQueue lingering; /* of Lingerer * */
};

/* --- addresses --- */

static PeerAddress peer_address(const struct sockaddr *address)
{
    PeerAddress key = {.family = address ? address->sa_family : AF_UNSPEC};
    const struct sockaddr_in6 *six = (const void *)address;

    if (key.family == AF_INET)
        memcpy(key.bytes, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
    else if (key.family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
        memcpy(key.bytes, six->sin6_addr.s6_addr + 12, 4);
    else if (key.family == AF_INET6)
        memcpy(key.bytes, six->sin6_addr.s6_addr, PEERS_NETWORK);
    return key;
}

static guint peer_address_hash(gconstpointer key)
{
    const PeerAddress *address = key;
    guint hash = address->family;

    for (int i = 0; i < PEERS_NETWORK; i++)
        hash = hash * 31 + address->bytes[i];
    return hash;
}

static gboolean peer_address_equal(gconstpointer a, gconstpointer b)
{
    const PeerAddress *one = a, *other = b;

    return one->family == other->family && memcmp(one->bytes, other->bytes, sizeof one->bytes) == 0;
}

/* --- queues --- */

static void peer_stop_asking(Peer *peer)
{
    if (peer->asking)
        g_queue_unlink(peer->asking, &peer->in_asking);
    peer->asking = NULL;
}

static void peer_start_asking(Peers *peers, Peer *peer, PeersQueue queue, int64_t deadline_ms)
{
    peer_stop_asking(peer);
    peer->deadline_ms = deadline_ms;
    peer->asking = &peers->asking[queue];
    g_queue_push_tail_link(peer->asking, &peer->in_asking);
}

static void peer_stop_being_strange(Peers *peers, Peer *peer)
{
    Strangers *strangers = g_steal_pointer(&peer->strangers);

    if (!strangers)
        return;
    g_queue_unlink(&peers->all_strangers, &peer->in_all_strangers);
    g_queue_unlink(&strangers->queue, &peer->in_strangers);
    if (g_queue_is_empty(&strangers->queue))
        g_hash_table_remove(peers->strangers, strangers);
}

/* Its owner sees the end of it and calls peers_leave(): until then fd is ours to speak of. */
static void peer_drop(Peers *peers, Peer *peer)
{
    peer_stop_asking(peer);
    peer_stop_being_strange(peers, peer);
    shutdown(peer->fd, SHUT_RDWR);
}

static void peer_become_strange(Peers *peers, Peer *peer, const struct sockaddr *address)
{
    PeerAddress key = peer_address(address);
    Strangers *strangers = g_hash_table_lookup(peers->strangers, &key);

    if (!strangers) {
        strangers = g_new0(Strangers, 1);
        strangers->address = key;
        g_hash_table_add(peers->strangers, strangers);
    }
    peer->strangers = strangers;
    g_queue_push_tail_link(&strangers->queue, &peer->in_strangers);
    g_queue_push_tail_link(&peers->all_strangers, &peer->in_all_strangers);
    if (g_queue_get_length(&strangers->queue) > PEERS_STRANGERS_MAX)
        peer_drop(peers, g_queue_peek_head(&strangers->queue));
    if (g_queue_get_length(&peers->all_strangers) > peers->max_strangers)
        peer_drop(peers, g_queue_peek_head(&peers->all_strangers));
}

/* --- lingering --- */

static void peers_end_lingering(Peers *peers)
{
    Lingerer *lingerer = g_queue_pop_head(&peers->lingering);

    close(lingerer->fd);
    g_free(lingerer);
}

static void peers_linger(Peers *peers, int fd, int64_t now_ms)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

    if (copy < 0)
        return;
    if (g_queue_get_length(&peers->lingering) >= PEERS_LINGER_MAX)
        peers_end_lingering(peers);
    Lingerer *lingerer = g_new(Lingerer, 1);
    *lingerer = (Lingerer){copy, now_ms + PEERS_LINGER_MS};
    g_queue_push_tail(&peers->lingering, lingerer);
}

/* --- public --- */

Peers *peers_new(unsigned max_strangers)
{
    Peers *peers = g_new0(Peers, 1);

    peers->max_strangers = max_strangers;
    g_mutex_init(&peers->lock);
    peers->strangers = g_hash_table_new_full(peer_address_hash, peer_address_equal, g_free, NULL);
    return peers;
}

void peers_free(Peers *peers)
{
    if (!peers)
        return;
    while (!g_queue_is_empty(&peers->lingering))
        peers_end_lingering(peers);
    g_hash_table_unref(peers->strangers);
    g_mutex_clear(&peers->lock);
    g_free(peers);
}

Peer *peers_join(Peers *peers, int fd, const struct sockaddr *address, int64_t now_ms)
{
    Peer *peer = g_new0(Peer, 1);

    peer->fd = fd;
    peer->in_asking.data = peer->in_strangers.data = peer->in_all_strangers.data = peer;
    g_mutex_lock(&peers->lock);
    peer_start_asking(peers, peer, PEERS_FIRST, now_ms + PEERS_FIRST_MS);
    peer_become_strange(peers, peer, address);
    g_mutex_unlock(&peers->lock);
    return peer;
}

void peers_know(Peers *peers, Peer *peer)
{
    g_mutex_lock(&peers->lock);
    peer_stop_being_strange(peers, peer);
    g_mutex_unlock(&peers->lock);
}

void peers_ask(Peers *peers, Peer *peer, int64_t now_ms)
{
    g_mutex_lock(&peers->lock);
    peer_start_asking(peers, peer, PEERS_NEXT, now_ms + PEERS_REQUEST_MS);
    g_mutex_unlock(&peers->lock);
}

void peers_answer(Peers *peers, Peer *peer)
{
    g_mutex_lock(&peers->lock);
    peer_stop_asking(peer);
    g_mutex_unlock(&peers->lock);
}

void peers_cut(Peers *peers, Peer *peer)
{
    g_mutex_lock(&peers->lock);
    peer->is_cut = true;
    g_mutex_unlock(&peers->lock);
}

void peers_leave(Peers *peers, Peer *peer, int64_t now_ms)
{
    g_mutex_lock(&peers->lock);
    peer_stop_asking(peer);
    peer_stop_being_strange(peers, peer);
    if (peer->is_cut)
        peers_linger(peers, peer->fd, now_ms);
    g_mutex_unlock(&peers->lock);
    g_free(peer);
}

void peers_look(Peers *peers, int64_t now_ms)
{
    g_mutex_lock(&peers->lock);
    for (int i = 0; i < PEERS_QUEUES; i++) {
        Peer *peer;
        while ((peer = g_queue_peek_head(&peers->asking[i])) && peer->deadline_ms <= now_ms)
            peer_drop(peers, peer);
    }
    const Lingerer *lingerer;
    while ((lingerer = g_queue_peek_head(&peers->lingering)) && lingerer->deadline_ms <= now_ms)
        peers_end_lingering(peers);
    g_mutex_unlock(&peers->lock);
}

/*
 * The ports of clones. A port that a stranger listens on is skipped, not remembered: it may be free
 * later.
 */
#include "engine/gate/port.h"

#include <arpa/inet.h>
#include <glib.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/fs.h"

struct PortPool {
    int64_t from;
    int64_t to;
    GMutex lock;
    bool *is_taken; /* of port from + index */
};

PortPool *port_pool_new(int64_t from, int64_t to)
{
    PortPool *pool = g_new0(PortPool, 1);

    pool->from = from;
    pool->to = to;
    pool->is_taken = g_new0(bool, (size_t)(to - from + 1));
    g_mutex_init(&pool->lock);
    return pool;
}

void port_pool_free(PortPool *pool)
{
    if (!pool)
        return;
    g_mutex_clear(&pool->lock);
    g_free(pool->is_taken);
    g_free(pool);
}

/* Binding says what connecting cannot: also a listener on one address only stands in the way. */
bool port_is_free(int64_t port)
{
    AUTO_FD fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_ANY),
    };

    /* As PostgreSQL does: a connection of the port's last owner that lingers is no obstacle. */
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
        return false;
    return bind(fd, (const struct sockaddr *)&address, sizeof address) == 0;
}

static Error *port_find_locked(PortPool *pool, int64_t *ret_port)
{
    int64_t n_ours = 0, n_others = 0;

    for (int64_t port = pool->from; port <= pool->to; port++) {
        if (pool->is_taken[port - pool->from]) {
            n_ours++;
        } else if (!port_is_free(port)) {
            n_others++;
        } else {
            *ret_port = port;
            return NULL;
        }
    }
    Error *e = error_new(ERR_BUSY, "no free port in %" G_GINT64_FORMAT "-%" G_GINT64_FORMAT,
                         pool->from, pool->to);
    return error_hint(e,
                      "%" G_GINT64_FORMAT " are clones', %" G_GINT64_FORMAT
                      " are used by other programs. Destroy clones, or enlarge provision.portPool.",
                      n_ours, n_others);
}

Error *port_reserve(PortPool *pool, int64_t *ret_port)
{
    int64_t port = 0;

    g_mutex_lock(&pool->lock);
    Error *e = port_find_locked(pool, &port);
    if (!e) {
        pool->is_taken[port - pool->from] = true;
        *ret_port = port;
    }
    g_mutex_unlock(&pool->lock);
    return e;
}

static void port_mark(PortPool *pool, int64_t port, bool is_taken)
{
    if (port < pool->from || port > pool->to)
        return;
    g_mutex_lock(&pool->lock);
    pool->is_taken[port - pool->from] = is_taken;
    g_mutex_unlock(&pool->lock);
}

void port_take(PortPool *pool, int64_t port)
{
    port_mark(pool, port, true);
}

void port_release(PortPool *pool, int64_t port)
{
    port_mark(pool, port, false);
}

/*
 * The ports of clones.
 */
#include "engine/gate/port.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fs.h"

/* A listener on a port of the kernel's choice. */
static int listen_somewhere(int64_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_assert_cmpint(bind(fd, (const struct sockaddr *)&address, size), ==, 0);
    g_assert_cmpint(listen(fd, 1), ==, 0);
    g_assert_cmpint(getsockname(fd, (struct sockaddr *)&address, &size), ==, 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static void test_a_strangers_port_is_skipped(void)
{
    int64_t port = 0, reserved = 0;
    AUTO_FD fd = listen_somewhere(&port);
    PortPool *pool = port_pool_new(port, port);
    g_autoptr(Error) e = port_reserve(pool, &reserved);

    g_assert_nonnull(e);
    g_assert_cmpint(e->code, ==, ERR_BUSY);
    g_assert_nonnull(strstr(e->hint, "1 are used by other programs"));
    port_pool_free(pool);
}

static void test_reserve_release(void)
{
    int64_t port = 0, first = 0, again = 0;
    int fd = listen_somewhere(&port);
    fs_close_fd(&fd);
    PortPool *pool = port_pool_new(port, port);

    g_assert_null(port_reserve(pool, &first));
    g_assert_cmpint(first, ==, port);
    g_autoptr(Error) e = port_reserve(pool, &again);
    g_assert_nonnull(e);
    port_release(pool, first);
    g_assert_null(port_reserve(pool, &again));
    g_assert_cmpint(again, ==, port);
    port_release(pool, 0); /* a clone that has none */
    port_take(pool, 70000);
    port_pool_free(pool);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/port/a-strangers-port-is-skipped", test_a_strangers_port_is_skipped);
    g_test_add_func("/port/reserve-release", test_reserve_release);
    return g_test_run();
}

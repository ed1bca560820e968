/*
 * A connection: bytes both ways, back-pressure, and each way to end.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fs.h"
#include "fixture.h"

#define BULK_BYTES (32 << 20)

static int client_fd, server_fd;

static void open_pair(void)
{
    fixture_start();
    client_fd = fixture_connect(fixture.port);
    server_fd = fixture_accept();
}

static void close_pair(void)
{
    fs_close_fd(&client_fd);
    fs_close_fd(&server_fd);
    fixture_wait_number(offsetof(GatewayStatus, connections), 0);
    fixture_stop();
}

static void reset(int fd)
{
    const struct linger at_once = {.l_onoff = 1};

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(fd);
}

static void test_both_ways(void)
{
    open_pair();
    fixture_say(client_fd, "question");
    fixture_hear(server_fd, "question");
    fixture_say(server_fd, "the answer");
    fixture_hear(client_fd, "the answer");
    fixture_wait_number(offsetof(GatewayStatus, from_client_bytes), 8);
    fixture_wait_number(offsetof(GatewayStatus, to_client_bytes), 10);

    g_autoptr(GPtrArray) list = NULL;
    const GatewayStatus *status = fixture_status("one", &list);

    g_assert_cmpint(status->connections, ==, 1);
    g_assert_cmpint(status->connections_ever, ==, 1);
    g_assert_cmpint(status->refused, ==, 0);
    g_assert_cmpint(status->last_active_at_ms, >, 1600000000000);
    close_pair();
}

static void test_client_ends_sending(void)
{
    open_pair();
    fixture_say(client_fd, "last");
    shutdown(client_fd, SHUT_WR);
    fixture_hear(server_fd, "last");
    fixture_hear_end(server_fd);
    fixture_say(server_fd, "still heard");
    fixture_hear(client_fd, "still heard");
    close(server_fd);
    server_fd = -1;
    fixture_hear_end(client_fd);
    close_pair();
}

static void test_clone_ends_sending(void)
{
    open_pair();
    fixture_say(server_fd, "last");
    shutdown(server_fd, SHUT_WR);
    fixture_hear(client_fd, "last");
    fixture_hear_end(client_fd);
    fixture_say(client_fd, "still heard");
    fixture_hear(server_fd, "still heard");
    close_pair();
}

/* A backend that exits: its last words pass, and the connection is over without the client. */
static void test_clone_closes(void)
{
    open_pair();
    fixture_say(server_fd, "FATAL: going down");
    close(server_fd);
    server_fd = -1;
    fixture_wait_number(offsetof(GatewayStatus, connections), 0);
    fixture_hear(client_fd, "FATAL: going down");
    fixture_hear_end(client_fd);
    close_pair();
}

/* The same with bytes that the clone never read. */
static void test_clone_resets(void)
{
    open_pair();
    fixture_say(client_fd, "never read");
    fixture_wait_number(offsetof(GatewayStatus, from_client_bytes), 10);
    close(server_fd);
    server_fd = -1;
    fixture_hear_end(client_fd);
    close_pair();
}

static void test_client_resets(void)
{
    open_pair();
    reset(client_fd);
    client_fd = -1;
    fixture_hear_end(server_fd);
    close_pair();
}

/* Fills a non-blocking socket until it takes no more for as long as the gateway is given to help. */
static size_t fill(int fd)
{
    static char block[65536];
    size_t sum = 0;

    for (int idle = 0; idle < 20;) {
        ssize_t n = send(fd, block, sizeof(block), MSG_DONTWAIT | MSG_NOSIGNAL);

        g_assert_true(n > 0 || errno == EAGAIN);
        sum += n > 0 ? (size_t)n : 0;
        idle = n > 0 ? 0 : idle + 1;
        if (n < 0)
            g_usleep(5000);
    }
    return sum;
}

static size_t drain(int fd, size_t wanted)
{
    static char block[65536];
    size_t sum = 0;
    ssize_t n = 1;

    while (sum < wanted && (n = recv(fd, block, sizeof(block), 0)) > 0)
        sum += (size_t)n;
    return sum;
}

/* Who does not read holds the other back, and loses nothing. */
static void test_back_pressure(void)
{
    open_pair();
    for (int i = 0; i < 2; i++) {
        int from = i ? server_fd : client_fd, to = i ? client_fd : server_fd;
        size_t sent = fill(from);

        g_assert_cmpuint(sent, <, BULK_BYTES); /* the sockets' buffers and one of ours */
        g_assert_cmpuint(drain(to, sent), ==, sent);
        fixture_say(from, "alive");
        fixture_hear(to, "alive");
    }
    close_pair();
}

/* A client that is gone is noticed though its clone takes nothing. */
static void test_reset_while_full(void)
{
    open_pair();
    fill(client_fd);
    reset(client_fd);
    client_fd = -1;
    fixture_wait_number(offsetof(GatewayStatus, connections), 0);
    close_pair();
}

static void *send_bulk(void *fd)
{
    g_autofree char *bytes = g_malloc0(BULK_BYTES);

    for (uint32_t i = 0; i < BULK_BYTES / sizeof(i); i++)
        memcpy(bytes + i * sizeof(i), &i, sizeof(i));
    for (size_t sent = 0; sent < BULK_BYTES;) {
        ssize_t n = send(GPOINTER_TO_INT(fd), bytes + sent, BULK_BYTES - sent, MSG_NOSIGNAL);

        g_assert_cmpint(n, >, 0);
        sent += (size_t)n;
    }
    return NULL;
}

/* All bytes, in order, both ways at once. */
static void test_bulk(void)
{
    open_pair();

    int fds[] = {client_fd, server_fd};
    GThread *senders[2];
    g_autofree char *bytes = g_malloc(BULK_BYTES);

    for (int i = 0; i < 2; i++)
        senders[i] = g_thread_new("sender", send_bulk, GINT_TO_POINTER(fds[i]));
    for (int i = 0; i < 2; i++) {
        g_assert_cmpint(recv(fds[i], bytes, BULK_BYTES, MSG_WAITALL), ==, BULK_BYTES);
        for (uint32_t k = 0; k < BULK_BYTES / sizeof(k); k++)
            g_assert_cmpint(memcmp(bytes + k * sizeof(k), &k, sizeof(k)), ==, 0);
    }
    for (int i = 0; i < 2; i++)
        g_thread_join(senders[i]);
    close_pair();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gateway/relay/both-ways", test_both_ways);
    g_test_add_func("/gateway/relay/client-ends-sending", test_client_ends_sending);
    g_test_add_func("/gateway/relay/clone-ends-sending", test_clone_ends_sending);
    g_test_add_func("/gateway/relay/clone-closes", test_clone_closes);
    g_test_add_func("/gateway/relay/clone-resets", test_clone_resets);
    g_test_add_func("/gateway/relay/client-resets", test_client_resets);
    g_test_add_func("/gateway/relay/back-pressure", test_back_pressure);
    g_test_add_func("/gateway/relay/reset-while-full", test_reset_while_full);
    g_test_add_func("/gateway/relay/bulk", test_bulk);
    return fixture_run();
}

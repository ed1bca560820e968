/*
 * How long a connection may take to ask, by a clock of the test's.
 */
#include "api/peers.h"

#include <arpa/inet.h>
#include <glib.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct Pair {
    int ours, theirs;
    Peer *peer;
} Pair;

static Pair join(Peers *peers, const char *ip, int64_t now_ms)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int fds[2];

    inet_pton(AF_INET, ip, &address.sin_addr);
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), ==, 0);
    return (Pair){fds[0], fds[1],
                  peers_join(peers, fds[0], (const struct sockaddr *)&address, now_ms)};
}

static bool is_dropped(const Pair *pair)
{
    char byte;

    return read(pair->theirs, &byte, 1) == 0;
}

static void leave(Peers *peers, Pair *pair, int64_t now_ms)
{
    peers_leave(peers, pair->peer, now_ms);
    close(pair->ours);
    close(pair->theirs);
}

static void test_first_request(void)
{
    Peers *peers = peers_new(10000);
    Pair slow = join(peers, "10.0.0.1", 0), quick = join(peers, "10.0.0.1", 0);

    peers_answer(peers, quick.peer);
    peers_look(peers, PEERS_FIRST_MS - 1);
    g_assert_false(is_dropped(&slow));
    peers_look(peers, PEERS_FIRST_MS);
    g_assert_true(is_dropped(&slow));
    peers_look(peers, 100 * PEERS_REQUEST_MS); /* an answer takes as long as it takes */
    g_assert_false(is_dropped(&quick));
    leave(peers, &slow, 0);
    leave(peers, &quick, 0);
    peers_free(peers);
}

static void test_next_request(void)
{
    Peers *peers = peers_new(10000);
    Pair pair = join(peers, "10.0.0.1", 0);

    peers_ask(peers, pair.peer, 5);
    peers_look(peers, PEERS_FIRST_MS + 1);
    g_assert_false(is_dropped(&pair));
    peers_answer(peers, pair.peer);
    peers_ask(peers, pair.peer, 100000);
    peers_look(peers, 100000 + PEERS_REQUEST_MS - 1);
    g_assert_false(is_dropped(&pair));
    peers_look(peers, 100000 + PEERS_REQUEST_MS);
    g_assert_true(is_dropped(&pair));
    leave(peers, &pair, 0);
    peers_free(peers);
}

/* The oldest stranger of an address goes; who has shown the token, and other addresses, stay. */
static void test_strangers(void)
{
    Peers *peers = peers_new(10000);
    Pair known = join(peers, "10.0.0.1", 0), other = join(peers, "10.0.0.2", 0);
    Pair strangers[PEERS_STRANGERS_MAX + 2];

    peers_know(peers, known.peer);
    for (size_t i = 0; i < G_N_ELEMENTS(strangers); i++)
        strangers[i] = join(peers, "10.0.0.1", 0);
    for (size_t i = 0; i < G_N_ELEMENTS(strangers); i++)
        g_assert_cmpint(is_dropped(&strangers[i]), ==, i < 2);
    g_assert_false(is_dropped(&known));
    g_assert_false(is_dropped(&other));
    for (size_t i = 0; i < G_N_ELEMENTS(strangers); i++)
        leave(peers, &strangers[i], 0);
    leave(peers, &known, 0);
    leave(peers, &other, 0);
    peers_free(peers);
}

/* Of all addresses together: who comes with another one each time does not get more. */
static void test_strangers_of_all_addresses(void)
{
    Peers *peers = peers_new(3);
    Pair known = join(peers, "10.0.0.9", 0), strangers[5];

    peers_know(peers, known.peer);
    for (size_t i = 0; i < G_N_ELEMENTS(strangers); i++) {
        g_autofree char *ip = g_strdup_printf("10.0.0.%zu", i);

        strangers[i] = join(peers, ip, 0);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(strangers); i++)
        g_assert_cmpint(is_dropped(&strangers[i]), ==, i < 2);
    g_assert_false(is_dropped(&known));
    for (size_t i = 0; i < G_N_ELEMENTS(strangers); i++)
        leave(peers, &strangers[i], 0);
    leave(peers, &known, 0);
    peers_free(peers);
}

/* Kept open for a moment after its owner has closed it. */
static void test_lingering(void)
{
    Peers *peers = peers_new(10000);
    Pair cut = join(peers, "10.0.0.1", 0);

    peers_cut(peers, cut.peer);
    peers_leave(peers, cut.peer, 1000);
    close(cut.ours);
    peers_look(peers, 1000 + PEERS_LINGER_MS - 1);
    g_assert_cmpint(write(cut.theirs, "x", 1), ==, 1);
    g_assert_false(is_dropped(&cut));
    peers_look(peers, 1000 + PEERS_LINGER_MS);
    g_assert_cmpint(send(cut.theirs, "x", 1, MSG_NOSIGNAL), <, 0);
    close(cut.theirs);
    peers_free(peers);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/peers/first-request", test_first_request);
    g_test_add_func("/peers/next-request", test_next_request);
    g_test_add_func("/peers/strangers", test_strangers);
    g_test_add_func("/peers/strangers-of-all-addresses", test_strangers_of_all_addresses);
    g_test_add_func("/peers/lingering", test_lingering);
    return g_test_run();
}

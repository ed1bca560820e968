/*
 * One direction, call by call.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/flow.h"

static int in[2], out[2];
static uint64_t n_bytes;
static Stock *stock;

static Flow open_flow(void)
{
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in), ==, 0);
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, out), ==, 0);
    n_bytes = 0;
    stock = stock_new();
    return (Flow){.from = in[1], .to = out[0], .bytes = &n_bytes};
}

static void close_flow(Flow *flow)
{
    flow_drop(flow, stock);
    for (int i = 0; i < 2; i++) {
        close(in[i]);
        close(out[i]);
    }
    stock_free(stock);
}

static void test_nothing(void)
{
    Flow flow = open_flow();

    flow_carry(&flow, stock);
    g_assert_true(flow_wants_input(&flow));
    g_assert_cmpuint(n_bytes, ==, 0);
    close_flow(&flow);
}

static void test_bytes(void)
{
    char text[8] = {0};
    Flow flow = open_flow();

    g_assert_cmpint(write(in[0], "text", 4), ==, 4);
    flow_carry(&flow, stock);
    g_assert_cmpint(read(out[1], text, sizeof(text)), ==, 4);
    g_assert_cmpstr(text, ==, "text");
    g_assert_cmpuint(n_bytes, ==, 4);
    g_assert_null(flow.pending);
    close_flow(&flow);
}

/* Carries until the receiver is full; then nothing is read, and nothing is lost. */
static void test_full(void)
{
    static char block[STOCK_BUFFER_BYTES];
    uint64_t sent = 0;
    ssize_t n;
    Flow flow = open_flow();

    while (!flow.pending) {
        sent += (uint64_t)write(in[0], block, sizeof(block) / 2);
        flow_carry(&flow, stock);
    }
    g_assert_false(flow_wants_input(&flow));

    uint64_t before = n_bytes;

    flow_carry(&flow, stock);
    g_assert_cmpuint(n_bytes, ==, before);
    shutdown(in[0], SHUT_WR);
    for (uint64_t received = 0; (n = read(out[1], block, sizeof(block))) > 0;) {
        received += (uint64_t)n;
        flow_carry(&flow, stock);
        flow_carry(&flow, stock);
        g_assert_cmpuint(received, <=, sent);
    }
    g_assert_cmpuint(n_bytes, ==, sent);
    g_assert_true(flow.has_ended);
    close_flow(&flow);
}

static void test_end(void)
{
    char byte;
    Flow flow = open_flow();

    g_assert_cmpint(write(in[0], "x", 1), ==, 1);
    shutdown(in[0], SHUT_WR);
    flow_carry(&flow, stock);
    flow_carry(&flow, stock);
    g_assert_true(flow.has_ended);
    g_assert_false(flow.is_reset);
    g_assert_cmpint(read(out[1], &byte, 1), ==, 1);
    g_assert_cmpint(read(out[1], &byte, 1), ==, 0); /* the end was passed on */
    close_flow(&flow);
}

static void test_reset(void)
{
    Flow flow = open_flow();

    g_assert_cmpint(write(in[1], "unread", 6), ==, 6);
    close(in[0]);
    in[0] = dup(in[1]);
    flow_carry(&flow, stock);
    g_assert_true(flow.has_ended);
    g_assert_true(flow.is_reset);
    close_flow(&flow);
}

static void test_unwanted(void)
{
    Flow flow = open_flow();

    g_assert_cmpint(write(in[0], "x", 1), ==, 1);
    close(out[1]);
    out[1] = dup(out[0]);
    flow_carry(&flow, stock);
    g_assert_true(flow.has_ended);
    g_assert_true(flow.is_unwanted);
    g_assert_null(flow.pending);
    close_flow(&flow);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gateway/flow/nothing", test_nothing);
    g_test_add_func("/gateway/flow/bytes", test_bytes);
    g_test_add_func("/gateway/flow/full", test_full);
    g_test_add_func("/gateway/flow/end", test_end);
    g_test_add_func("/gateway/flow/reset", test_reset);
    g_test_add_func("/gateway/flow/unwanted", test_unwanted);
    return g_test_run();
}

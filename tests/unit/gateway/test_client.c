/*
 * rametd's side: hello, lists of many pages, deadlines, a gateway that comes and goes, threads.
 */
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fs.h"
#include "fixture.h"

#define N_CLONES  75 /* three pages */
#define N_THREADS 8

static void test_hello(void)
{
    g_auto(GatewayHello) hello = {0};

    fixture_start();
    assert_ok(gateway_client_hello(fixture.client, &hello));
    g_assert_cmpstr(hello.version, ==, RAMET_VERSION);
    g_assert_cmpint(hello.pid, ==, getpid());
    g_assert_cmpint(hello.uptime_ms, >=, 0);
    g_assert_cmpint(hello.clones, ==, 1);
    g_assert_cmpint(hello.connections, ==, 0);
    fixture_stop();
}

static void test_list(void)
{
    g_autoptr(GPtrArray) list = NULL;

    fixture_start();
    for (int i = 0; i < N_CLONES; i++) {
        g_autofree char *id = g_strdup_printf("clone-%d", i);
        GatewayClone clone = fixture_clone();

        clone.id = id;
        clone.port = fixture_free_port();
        assert_ok(gateway_client_add(fixture.client, &clone));
    }
    assert_ok(gateway_client_list(fixture.client, &list));
    g_assert_cmpint(list->len, ==, N_CLONES + 1);
    for (guint i = 1; i < list->len; i++) {
        const GatewayStatus *a = g_ptr_array_index(list, i - 1), *b = g_ptr_array_index(list, i);

        g_assert_cmpstr(a->id, <, b->id);
        g_assert_cmpstr(a->socket_path, ==, fixture.clone_path);
    }
    fixture_stop();
}

static void test_gateway_is_started_anew(void)
{
    fixture_start();
    fixture_stop_gateway();
    assert_fails_take(gateway_client_hello(fixture.client, NULL), ERR_NOT_FOUND, "no gateway");
    fixture_start_gateway();
    assert_fails_take(gateway_client_hold(fixture.client, "one", 1), ERR_NOT_FOUND, "\"one\"");

    GatewayClone clone = fixture_clone();

    assert_ok(gateway_client_add(fixture.client, &clone));
    fixture_stop();
}

/* The connection of before is dead, and the call does not show it. */
static void test_reconnect(void)
{
    fixture_start();
    fixture_stop_gateway();
    fixture_start_gateway();
    assert_ok(gateway_client_hello(fixture.client, NULL));
    fixture_stop();
}

static void test_deadline(void)
{
    g_autofree char *path = g_build_filename(fixture.dir, "silent", NULL);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    AUTO_FD fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    g_autoptr(GatewayClient) client = gateway_client_new(path, 30);

    g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
    g_assert_cmpint(bind(fd, (const struct sockaddr *)&address, sizeof(address)), ==, 0);
    g_assert_cmpint(listen(fd, 0), ==, 0);
    assert_fails_take(gateway_client_hello(client, NULL), ERR_TIMEOUT, "gateway: it did not");
    assert_fails_take(gateway_client_hello(client, NULL), ERR_TIMEOUT,
                      "gateway: "); /* queue full */
}

static void test_long_path(void)
{
    g_autofree char *name = g_strnfill(200, 'x');
    g_autofree char *path = g_build_filename(fixture.dir, name, NULL);
    g_autoptr(GatewayClient) client = gateway_client_new(path, 1000);

    assert_fails_take(gateway_client_hello(client, NULL), ERR_INVALID, "is too long");
}

static void *ask_often(void *unused)
{
    for (int i = 0; i < 100; i++) {
        g_autoptr(GPtrArray) list = NULL;

        g_assert_nonnull(fixture_status("one", &list));
    }
    return NULL;
}

static void test_threads(void)
{
    GThread *threads[N_THREADS];

    fixture_start();
    for (int i = 0; i < N_THREADS; i++)
        threads[i] = g_thread_new("asker", ask_often, NULL);
    for (int i = 0; i < N_THREADS; i++)
        g_thread_join(threads[i]);
    fixture_stop();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gateway/client/hello", test_hello);
    g_test_add_func("/gateway/client/list", test_list);
    g_test_add_func("/gateway/client/gateway-is-started-anew", test_gateway_is_started_anew);
    g_test_add_func("/gateway/client/reconnect", test_reconnect);
    g_test_add_func("/gateway/client/deadline", test_deadline);
    g_test_add_func("/gateway/client/long-path", test_long_path);
    g_test_add_func("/gateway/client/threads", test_threads);
    return fixture_run();
}

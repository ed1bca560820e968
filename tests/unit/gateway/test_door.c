/*
 * Adding, changing and removing clones.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fs.h"
#include "fixture.h"

static void assert_talks(int client_fd)
{
    AUTO_FD server_fd = fixture_accept();

    fixture_say(client_fd, "hello");
    fixture_hear(server_fd, "hello");
}

static void add(GatewayClone clone)
{
    assert_ok(gateway_client_add(fixture.client, &clone));
}

static void test_add_again(void)
{
    fixture_start();

    AUTO_FD waiting_fd = -1;

    assert_ok(gateway_client_hold(fixture.client, "one", 60000));
    waiting_fd = fixture_connect(fixture.port);
    add(fixture_clone()); /* leaves the listener, and so who waits in its queue */

    g_autoptr(GPtrArray) list = NULL;

    g_assert_true(fixture_status("one", &list)->is_held);
    g_assert_cmpint(list->len, ==, 1);
    assert_ok(gateway_client_release(fixture.client, "one"));
    assert_talks(waiting_fd);
    fixture_stop();
}

static void test_change_port(void)
{
    fixture_start();

    AUTO_FD old_client_fd = fixture_connect(fixture.port);
    AUTO_FD old_server_fd = fixture_accept();
    GatewayClone clone = fixture_clone();

    clone.port = fixture_free_port();
    add(clone);
    g_assert_cmpint(fixture_connect(fixture.port), ==, -1);

    AUTO_FD client_fd = fixture_connect(clone.port);

    assert_talks(client_fd);
    fixture_say(old_client_fd, "not cut");
    fixture_hear(old_server_fd, "not cut");
    fixture_stop();
}

static void test_change_socket(void)
{
    fixture_start();

    g_autofree char *moved = g_strconcat(fixture.clone_path, ".moved", NULL);
    GatewayClone clone = fixture_clone();

    g_assert_cmpint(rename(fixture.clone_path, moved), ==, 0);
    clone.socket_path = moved;
    add(clone);

    AUTO_FD client_fd = fixture_connect(fixture.port);

    assert_talks(client_fd);
    fixture_stop();
}

/* All addresses stand in the way of one of them, and the other way round. */
static void test_change_addresses(void)
{
    static const char *const all[] = {"*", NULL}, *const bad[] = {"127.0.0.1", "192.0.2.1", NULL};

    fixture_start();

    GatewayClone clone = fixture_clone();

    clone.addresses = all;
    add(clone);

    AUTO_FD all_fd = fixture_connect(fixture.port);

    assert_talks(all_fd);
    clone.addresses = bad;
    assert_fails_take(gateway_client_add(fixture.client, &clone), ERR_INVALID, "no such address");

    AUTO_FD still_fd = fixture_connect(fixture.port);

    assert_talks(still_fd);
    add(fixture_clone());

    AUTO_FD one_fd = fixture_connect(fixture.port);

    assert_talks(one_fd);
    fixture_stop();
}

static void test_in_use(void)
{
    fixture_start();

    GatewayClone clone = fixture_clone();

    clone.id = "two";
    assert_fails_take(gateway_client_add(fixture.client, &clone), ERR_CONFLICT, "it is in use");

    g_autoptr(GPtrArray) list = NULL;

    g_assert_null(fixture_status("two", &list));
    clone.port = fixture_free_port();
    add(clone);
    clone.port = fixture.port; /* a change that fails changes nothing */
    assert_fails_take(gateway_client_add(fixture.client, &clone), ERR_CONFLICT, "it is in use");

    g_autoptr(GPtrArray) again = NULL;

    g_assert_cmpint(fixture_status("two", &again)->port, !=, fixture.port);
    fixture_stop();
}

static void test_ipv6(void)
{
    static const char *const addresses[] = {"::1", "127.0.0.1", NULL};
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    AUTO_FD fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        g_test_skip("this machine has no IPv6");
        return;
    }
    close(fd);
    fixture_start();

    GatewayClone clone = fixture_clone();

    clone.addresses = addresses;
    add(clone);
    fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin6_port = htons((uint16_t)fixture.port);
    g_assert_cmpint(connect(fd, (const struct sockaddr *)&address, sizeof(address)), ==, 0);
    assert_talks(fd);
    fixture_stop();
}

static void test_remove(void)
{
    fixture_start();

    AUTO_FD client_fd = fixture_connect(fixture.port);
    AUTO_FD server_fd = fixture_accept();

    assert_ok(gateway_client_remove(fixture.client, "one"));
    fixture_hear_end(client_fd);
    fixture_hear_end(server_fd);
    g_assert_cmpint(fixture_connect(fixture.port), ==, -1);
    assert_ok(gateway_client_remove(fixture.client, "one")); /* again is success */
    assert_fails_take(gateway_client_hold(fixture.client, "one", 1000), ERR_NOT_FOUND, "\"one\"");
    assert_fails_take(gateway_client_release(fixture.client, "one"), ERR_NOT_FOUND, "\"one\"");
    fixture_stop();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gateway/door/add-again", test_add_again);
    g_test_add_func("/gateway/door/change-port", test_change_port);
    g_test_add_func("/gateway/door/change-socket", test_change_socket);
    g_test_add_func("/gateway/door/change-addresses", test_change_addresses);
    g_test_add_func("/gateway/door/in-use", test_in_use);
    g_test_add_func("/gateway/door/ipv6", test_ipv6);
    g_test_add_func("/gateway/door/remove", test_remove);
    return fixture_run();
}

/*
 * Who comes in, who waits, and who is sent away.
 */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fs.h"
#include "fixture.h"

#define HOLD_MS 60000

static void assert_talks(int client_fd)
{
    AUTO_FD server_fd = fixture_accept();

    fixture_say(client_fd, "hello");
    fixture_hear(server_fd, "hello");
}

static void send_bytes(int fd, const void *bytes, size_t size)
{
    g_assert_cmpint(send(fd, bytes, size, MSG_NOSIGNAL), ==, (ssize_t)size);
}

/* As libpq would: an offer of TLS, which is declined, and its first message. Then it is told why. */
static void assert_is_told(int fd, const char *sqlstate)
{
    static const char offer[] = "\0\0\0\x08\x04\xd2\x16\x2f";
    static const char startup[] = "\0\0\0\x12\0\3\0\0user\0me\0\0";
    char answer[1024] = {0};
    ssize_t n;

    send_bytes(fd, offer, sizeof(offer) - 1);
    fixture_hear(fd, "N");
    send_bytes(fd, startup, 5); /* in parts */
    send_bytes(fd, startup + 5, 0x12 - 5);
    n = recv(fd, answer, sizeof(answer), MSG_WAITALL);
    g_assert_cmpint(n, >, 5);
    g_assert_cmpint(answer[0], ==, 'E');
    g_assert_cmpint((unsigned char)answer[3] << 8 | (unsigned char)answer[4], ==, n - 1);
    g_assert_nonnull(memmem(answer, (size_t)n, sqlstate, strlen(sqlstate) + 1));
    g_assert_cmpint(answer[n - 1], ==, '\0');
}

/* Who asks for the end of a query, or speaks something else, is closed without a word. */
static void test_no_answer_to_others(void)
{
    static const char *const others[] = {
        "\0\0\0\x10\x04\xd2\x16\x2e",       /* cancel */
        "\x16\x03\x01\x02\x00\x01\x00\x01", /* TLS at once */
        "\0\0\0\x05\0\3\0\0",               /* shorter than it says */
        "\x7f\xff\xff\xff\0\3\0\0",         /* endless */
    };

    fixture_start();
    fixture_stop_clone();
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        AUTO_FD client_fd = fixture_connect(fixture.port);

        send_bytes(client_fd, others[i], 8);
        fixture_hear_end(client_fd);
    }
    fixture_stop();
}

/* Those who keep silent hold a place for seconds, and nobody else up. */
static void test_silent(void)
{
    int silent[80];

    fixture_start();
    fixture_stop_clone();
    for (size_t i = 0; i < G_N_ELEMENTS(silent); i++)
        silent[i] = fixture_connect(fixture.port);
    fixture_wait_number(offsetof(GatewayStatus, refused), G_N_ELEMENTS(silent));
    fixture_hear_end(silent[79]); /* beyond the number that is waited for */
    for (size_t i = 0; i < G_N_ELEMENTS(silent); i++)
        close(silent[i]);
    fixture_start_clone(10);

    AUTO_FD client_fd = fixture_connect(fixture.port);

    assert_talks(client_fd);
    fixture_stop();
}

static void test_missing(void)
{
    fixture_start();
    fixture_stop_clone();
    for (int i = 0; i < 2; i++) { /* refuses; is gone */
        AUTO_FD client_fd = fixture_connect(fixture.port);

        assert_is_told(client_fd, "57P03");
        assert_ok(fs_remove(fixture.clone_path));
    }
    fixture_wait_number(offsetof(GatewayStatus, refused), 2);
    fixture_start_clone(10);

    AUTO_FD client_fd = fixture_connect(fixture.port);

    assert_talks(client_fd);
    fixture_stop();
}

/* The directory is the clone's: a link in it must not lead to another server. */
static void test_link(void)
{
    fixture_start();

    g_autofree char *real = g_strconcat(fixture.clone_path, ".real", NULL);

    g_assert_cmpint(rename(fixture.clone_path, real), ==, 0);
    g_assert_cmpint(symlink(real, fixture.clone_path), ==, 0);

    AUTO_FD client_fd = fixture_connect(fixture.port);

    assert_is_told(client_fd, "57P03");
    fixture_wait_number(offsetof(GatewayStatus, refused), 1);
    g_assert_cmpint(rename(real, fixture.clone_path), ==, 0);

    AUTO_FD other_fd = fixture_connect(fixture.port);

    assert_talks(other_fd);
    fixture_stop();
}

static void test_limit(void)
{
    fixture_start();

    GatewayClone clone = fixture_clone();

    clone.max_connections = 1;
    assert_ok(gateway_client_add(fixture.client, &clone));

    AUTO_FD client_fd = fixture_connect(fixture.port);
    AUTO_FD server_fd = fixture_accept();
    AUTO_FD beyond_fd = fixture_connect(fixture.port);

    assert_is_told(beyond_fd, "53300");
    fixture_say(client_fd, "mine");
    fixture_hear(server_fd, "mine");
    fixture_wait_number(offsetof(GatewayStatus, refused), 1);
    close(client_fd);
    client_fd = -1;
    fixture_hear_end(server_fd);
    close(server_fd);
    server_fd = -1;
    fixture_wait_number(offsetof(GatewayStatus, connections), 0);

    AUTO_FD next_fd = fixture_connect(fixture.port);

    assert_talks(next_fd);
    fixture_stop();
}

/* Held, nobody is refused though the clone is gone; the clients of before are left alone. */
static void test_hold(void)
{
    fixture_start();

    AUTO_FD old_client_fd = fixture_connect(fixture.port);
    AUTO_FD old_server_fd = fixture_accept();

    assert_ok(gateway_client_hold(fixture.client, "one", HOLD_MS));
    fixture_stop_clone();

    AUTO_FD client_fd = fixture_connect(fixture.port);

    fixture_say(client_fd, "early");
    fixture_say(old_client_fd, "old");
    fixture_hear(old_server_fd, "old");
    fixture_start_clone(10);
    fixture_wait_number(offsetof(GatewayStatus, connections), 1);

    g_autoptr(GPtrArray) list = NULL;

    g_assert_true(fixture_status("one", &list)->is_held);
    assert_ok(gateway_client_release(fixture.client, "one"));
    assert_ok(gateway_client_release(fixture.client, "one")); /* again is success */

    AUTO_FD server_fd = fixture_accept();

    fixture_hear(server_fd, "early");
    fixture_stop();
}

static void test_hold_ends_by_itself(void)
{
    fixture_start();
    assert_ok(gateway_client_hold(fixture.client, "one", HOLD_MS));
    assert_ok(gateway_client_hold(fixture.client, "one", 1)); /* the new time counts */

    AUTO_FD client_fd = fixture_connect(fixture.port);

    assert_talks(client_fd);
    fixture_stop();
}

/* Released, but not quite there. */
static void test_grace(void)
{
    fixture_start();
    fixture_stop_clone();
    assert_ok(gateway_client_hold(fixture.client, "one", HOLD_MS));
    assert_ok(gateway_client_release(fixture.client, "one"));

    AUTO_FD client_fd = fixture_connect(fixture.port);

    fixture_wait_number(offsetof(GatewayStatus, waiting), 1);
    fixture_start_clone(10);
    assert_talks(client_fd);
    fixture_wait_number(offsetof(GatewayStatus, waiting), 0);
    fixture_stop();
}

/* Those who wait are let in by a release at once, in their order. */
static void test_busy(void)
{
    int client_fds[4];

    fixture_start();
    fixture_stop_clone();
    fixture_start_clone(0); /* a queue of one */
    for (int i = 0; i < 4; i++)
        client_fds[i] = fixture_connect(fixture.port);
    fixture_wait_number(offsetof(GatewayStatus, waiting), 3);
    for (int i = 0; i < 4; i++) {
        assert_talks(client_fds[i]);
        close(client_fds[i]);
    }
    fixture_stop();
}

/* No descriptors left: clients wait in the queue, and are served when there are some again. */
static void test_out_of_descriptors(void)
{
    struct rlimit before, none;

    fixture_start();

    AUTO_FD old_client_fd = fixture_connect(fixture.port);
    AUTO_FD old_server_fd = fixture_accept();
    g_autoptr(GPtrArray) list = NULL;

    fixture_status("one", &list); /* the control connection is open from here on */
    g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &before), ==, 0);
    none = before;
    none.rlim_cur = (rlim_t)socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) + 1;
    close((int)none.rlim_cur - 1);

    AUTO_FD client_fd = fixture_connect(fixture.port); /* it has the last one */

    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &none), ==, 0);

    AUTO_FD server_fd = -1;

    fixture_say(old_client_fd, "goes on");
    fixture_hear(old_server_fd, "goes on");
    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &before), ==, 0);
    server_fd = fixture_accept();
    fixture_say(client_fd, "late");
    fixture_hear(server_fd, "late");
    fixture_stop();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gateway/entry/missing", test_missing);
    g_test_add_func("/gateway/no-answer-to-others", test_no_answer_to_others);
    g_test_add_func("/gateway/silent", test_silent);
    g_test_add_func("/gateway/entry/link", test_link);
    g_test_add_func("/gateway/entry/limit", test_limit);
    g_test_add_func("/gateway/entry/hold", test_hold);
    g_test_add_func("/gateway/entry/hold-ends-by-itself", test_hold_ends_by_itself);
    g_test_add_func("/gateway/entry/grace", test_grace);
    g_test_add_func("/gateway/entry/busy", test_busy);
    g_test_add_func("/gateway/entry/out-of-descriptors", test_out_of_descriptors);
    return fixture_run();
}

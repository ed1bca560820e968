/*
 * The control socket against clients that do not behave.
 */
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "fixture.h"

static int connect_control(void)
{
    const struct timeval limit = {.tv_sec = 20};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    g_strlcpy(address.sun_path, fixture.control_path, sizeof(address.sun_path));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

/* One message there and one back; caller frees. */
static char *ask(int fd, const char *text, size_t length)
{
    char *reply = g_malloc0(4096);

    g_assert_cmpint(send(fd, text, length, MSG_NOSIGNAL), ==, (gssize)length);
    g_assert_cmpint(recv(fd, reply, 4095, 0), >, 0);
    return reply;
}

static void test_nonsense(void)
{
    fixture_start();

    AUTO_FD fd = connect_control();
    g_autofree char *zeros = g_malloc0(GATEWAY_REQUEST_MAX + 1);
    g_autofree char *no_json = ask(fd, zeros, 100);
    g_autofree char *too_long = ask(fd, zeros, GATEWAY_REQUEST_MAX + 1);
    g_autofree char *good = ask(fd, "{\"op\":\"list\"}", 13);

    g_assert_nonnull(strstr(no_json, "\"INVALID\""));
    g_assert_nonnull(strstr(too_long, "longer than 65536 bytes"));
    g_assert_nonnull(strstr(good, "\"id\":\"one\"")); /* it goes on */
    fixture_stop();
}

/* It sends and does not read: it is closed, and nobody else notices. */
static void test_slow_client(void)
{
    fixture_start();

    AUTO_FD fd = connect_control();

    while (send(fd, "{\"op\":\"hello\"}", 14, MSG_NOSIGNAL) > 0)
        ;
    assert_ok(gateway_client_hello(fixture.client, NULL));

    AUTO_FD client_fd = fixture_connect(fixture.port);
    AUTO_FD server_fd = fixture_accept();

    fixture_say(client_fd, "goes on");
    fixture_hear(server_fd, "goes on");
    fixture_stop();
}

/* In a child that is another user: is it answered? */
static bool stranger_is_answered(void)
{
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        char reply[64];
        int fd = setgid(65534) == 0 && setuid(65534) == 0 ? connect_control() : -2;

        if (fd < 0)
            _exit(2);
        send(fd, "{\"op\":\"hello\"}", 14, MSG_NOSIGNAL);
        _exit(recv(fd, reply, sizeof(reply), 0) > 0 ? 1 : 0);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
    return WEXITSTATUS(status) == 1;
}

static void test_stranger(void)
{
    if (geteuid() != 0) {
        g_test_skip("only root may become another user");
        return;
    }
    fixture_start();
    g_assert_cmpint(chmod(fixture.dir, 0755), ==, 0);
    g_assert_cmpint(chmod(fixture.control_path, 0666), ==, 0); /* as if somebody had opened it */
    g_assert_false(stranger_is_answered());
    assert_ok(gateway_client_hello(fixture.client, NULL));
    fixture_stop();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gateway/control/nonsense", test_nonsense);
    g_test_add_func("/gateway/control/slow-client", test_slow_client);
    g_test_add_func("/gateway/control/stranger", test_stranger);
    return fixture_run();
}

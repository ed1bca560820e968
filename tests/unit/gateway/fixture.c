/*
 * The fixture. What is read has a limit of time, so that a test that waits in vain fails.
 */
#include "fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "gateway/control.h"

#define PATIENCE_MS 20000

Fixture fixture = {.clone_fd = -1};

void assert_ok(Error *e)
{
    if (e)
        g_error("%s (%s)", e->message, e->detail ? e->detail : "");
}

void assert_fails_take(Error *e, ErrorCode code, const char *part)
{
    g_assert_nonnull(e);
    g_assert_cmpint(e->code, ==, code);
    if (!strstr(e->message, part))
        g_error("\"%s\" is not in \"%s\"", part, e->message);
    error_free(e);
}

/* --- Unix sockets --- */

static int listen_unix(const char *path, int type, int backlog)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

    g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
    g_assert_cmpint(bind(fd, (const struct sockaddr *)&address, sizeof(address)), ==, 0);
    g_assert_cmpint(listen(fd, backlog), ==, 0);
    return fd;
}

void fixture_start_clone(int backlog)
{
    assert_ok(fs_remove(fixture.clone_path));
    fixture.clone_fd = listen_unix(fixture.clone_path, SOCK_STREAM, backlog);
}

void fixture_stop_clone(void)
{
    fs_close_fd(&fixture.clone_fd);
    fixture.clone_fd = -1;
}

/* --- the gateway --- */

static void *run_gateway(void *control_fd)
{
    g_autoptr(Loop) loop = NULL;
    g_autoptr(Doors) doors = NULL;
    g_autoptr(Control) control = NULL;

    assert_ok(loop_open(&loop));
    doors = doors_new(loop);
    assert_ok(control_open_take(loop, doors, GPOINTER_TO_INT(control_fd), &control));
    assert_ok(loop_run(loop));
    return NULL;
}

void fixture_start_gateway(void)
{
    assert_ok(fs_remove(fixture.control_path));

    int fd = listen_unix(fixture.control_path, SOCK_SEQPACKET, 4);

    fixture.thread = g_thread_new("gateway", run_gateway, GINT_TO_POINTER(fd));
}

void fixture_stop_gateway(void)
{
    assert_ok(gateway_client_quit(fixture.client));
    g_thread_join(fixture.thread);
}

void fixture_start(void)
{
    fixture.port = fixture_free_port();
    fixture_start_gateway();
    fixture.client = gateway_client_new(fixture.control_path, PATIENCE_MS);
    fixture_start_clone(100);

    GatewayClone clone = fixture_clone();

    assert_ok(gateway_client_add(fixture.client, &clone));
}

void fixture_stop(void)
{
    fixture_stop_gateway();
    fixture_stop_clone();
    gateway_client_free(fixture.client);
}

GatewayClone fixture_clone(void)
{
    static const char *const addresses[] = {"127.0.0.1", NULL};

    return (GatewayClone){.id = "one",
                          .socket_path = fixture.clone_path,
                          .port = fixture.port,
                          .addresses = addresses};
}

const GatewayStatus *fixture_status(const char *id, GPtrArray **ret_list)
{
    assert_ok(gateway_client_list(fixture.client, ret_list));
    for (guint i = 0; i < (*ret_list)->len; i++) {
        const GatewayStatus *status = g_ptr_array_index(*ret_list, i);

        if (g_str_equal(status->id, id))
            return status;
    }
    return NULL;
}

typedef struct NumberWanted {
    size_t offset;
    int64_t value;
} NumberWanted;

static Error *check_number(void *data, bool *ret_done)
{
    const NumberWanted *wanted = data;
    g_autoptr(GPtrArray) list = NULL;
    const GatewayStatus *status = fixture_status("one", &list);

    *ret_done = *(const int64_t *)((const char *)status + wanted->offset) == wanted->value;
    return NULL;
}

void fixture_wait_number(size_t offset, int64_t value)
{
    NumberWanted wanted = {offset, value};

    assert_ok(wait_until(clock_monotonic_ms() + PATIENCE_MS, check_number, &wanted));
}

/* --- clients --- */

static void limit_time(int fd)
{
    const struct timeval limit = {.tv_sec = PATIENCE_MS / 1000};

    g_assert_cmpint(fd, >=, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
}

static struct sockaddr_in loopback(int64_t port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

int64_t fixture_free_port(void)
{
    struct sockaddr_in address = loopback(0);
    socklen_t length = sizeof(address);
    AUTO_FD fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_assert_cmpint(bind(fd, (const struct sockaddr *)&address, length), ==, 0);
    g_assert_cmpint(getsockname(fd, (struct sockaddr *)&address, &length), ==, 0);
    return ntohs(address.sin_port);
}

int fixture_connect(int64_t port)
{
    struct sockaddr_in address = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    limit_time(fd);
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

int fixture_accept(void)
{
    limit_time(fixture.clone_fd);

    int fd = accept4(fixture.clone_fd, NULL, NULL, SOCK_CLOEXEC);

    limit_time(fd);
    return fd;
}

void fixture_say(int fd, const char *text)
{
    g_assert_cmpint(send(fd, text, strlen(text), MSG_NOSIGNAL), ==, (gssize)strlen(text));
}

void fixture_hear(int fd, const char *expected)
{
    g_autofree char *text = g_malloc0(strlen(expected) + 1);

    g_assert_cmpint(recv(fd, text, strlen(expected), MSG_WAITALL), ==, (gssize)strlen(expected));
    g_assert_cmpstr(text, ==, expected);
}

void fixture_hear_end(int fd)
{
    char byte;
    ssize_t n = recv(fd, &byte, 1, 0);

    g_assert_true(n == 0 || (n < 0 && errno == ECONNRESET));
}

int fixture_run(void)
{
    fixture.dir = g_dir_make_tmp("gateway-XXXXXX", NULL);
    fixture.control_path = g_build_filename(fixture.dir, "control", NULL);
    fixture.clone_path = g_build_filename(fixture.dir, "clone", NULL);

    int status = g_test_run();

    assert_ok(fs_remove_tree(fixture.dir));
    g_free(fixture.clone_path);
    g_free(fixture.control_path);
    g_free(fixture.dir);
    return status;
}

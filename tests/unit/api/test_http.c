/*
 * Connections, with a handler of the test's: who waits for the body, what is parked, how it ends.
 */
#include "api/http.h"

#include <arpa/inet.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/reply.h"
#include "base/fs.h"

typedef struct Fixture {
    Http *http;
    atomic_int n_handled;
    GMutex lock;
    GCond parked;
    int n_parked;
    GCond aside;
    int n_aside;
    bool is_released;
} Fixture;

static bool door(Request *request, Reply *reply, void *data)
{
    request->principal.role = http_header(request, "Token") ? ROLE_ADMIN : ROLE_ANYONE;
    if (request->principal.role == ROLE_ADMIN || g_str_equal(request->path, "/open"))
        return true;
    reply_refusal(reply, 401, "UNAUTHORIZED", "no", "Show it.");
    return false;
}

static bool is_slow(const Request *request, void *data)
{
    return g_str_has_prefix(request->path, "/slow");
}

/* Until the test says so, as a program that hangs. */
static void hang(Fixture *f)
{
    g_mutex_lock(&f->lock);
    f->n_aside++;
    g_cond_broadcast(&f->aside);
    while (!f->is_released)
        g_cond_wait(&f->aside, &f->lock);
    g_mutex_unlock(&f->lock);
}

/* "/slow": hangs; "/slow/park" parks after it, and is answered by the second look. */
static void handle_slow(Fixture *f, Request *request, Reply *reply)
{
    if (!request->state)
        hang(f);
    if (!request->state && g_str_equal(request->path, "/slow/park")) {
        request->state = f;
        reply_park(reply, HTTP_NO_DEADLINE);
        return;
    }
    reply_json_take(reply, 200, json_string(request->state ? "looked twice" : "done"));
}

static int file_of(const char *text)
{
    int fd = memfd_create("test", MFD_CLOEXEC);

    g_assert_cmpint(write(fd, text, strlen(text)), ==, (ssize_t)strlen(text));
    return fd;
}

/* "/file": a file. "/park": no answer until the server stops. Else the size of the body. */
static void handle(Request *request, Reply *reply, void *data)
{
    Fixture *f = data;

    if (g_str_equal(request->path, "/file")) {
        reply_file_take(reply, 200, "text/plain", file_of("of the file"), strlen("of the file"));
        return;
    }
    if (is_slow(request, f)) {
        handle_slow(f, request, reply);
        return;
    }
    if (!g_str_equal(request->path, "/park")) {
        atomic_fetch_add(&f->n_handled, 1);
        reply_json_take(reply, 200, json_integer((json_int_t)request->body_size));
        return;
    }
    reply_park(reply, HTTP_NO_DEADLINE);
    g_mutex_lock(&f->lock);
    f->n_parked++;
    g_cond_broadcast(&f->parked);
    g_mutex_unlock(&f->lock);
}

static void set_up(Fixture *f, const void *unused)
{
    g_mutex_init(&f->lock);
    g_cond_init(&f->parked);
    g_cond_init(&f->aside);
    g_assert_null(http_start(&(HttpSpec){.host = "127.0.0.1",
                                         .port = 0,
                                         .admit = door,
                                         .handle = handle,
                                         .is_slow = is_slow,
                                         .data = f},
                             &f->http));
}

static void tear_down(Fixture *f, const void *unused)
{
    http_stop(f->http);
    g_mutex_clear(&f->lock);
    g_cond_clear(&f->parked);
    g_cond_clear(&f->aside);
}

static int dial(const Fixture *f)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)http_port(f->http)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_assert_cmpint(connect(fd, (const struct sockaddr *)&address, sizeof address), ==, 0);
    return fd;
}

static void say(int fd, const char *text)
{
    g_assert_cmpint(send(fd, text, strlen(text), MSG_NOSIGNAL), ==, (ssize_t)strlen(text));
}

/* All until the other side ends it. Caller frees. */
static char *hear(int fd)
{
    GString *text = g_string_new(NULL);
    char piece[4096];
    ssize_t n;

    while ((n = recv(fd, piece, sizeof piece, 0)) > 0)
        g_string_append_len(text, piece, n);
    g_assert_cmpint(n, ==, 0); /* an end, and not a reset */
    return g_string_free(text, FALSE);
}

static char *ask(const Fixture *f, const char *text)
{
    AUTO_FD fd = dial(f);

    say(fd, text);
    return hear(fd);
}

static void assert_status(const char *answer, const char *status)
{
    g_autofree char *line = g_strdup_printf("HTTP/1.1 %s ", status);

    if (!g_str_has_prefix(answer, line))
        g_error("not %s: %s", status, answer);
}

/* 2 GB are announced and not a byte of them is sent: who waited for it would never answer. */
static void test_refused_before_the_body(Fixture *f, const void *unused)
{
    g_autofree char *answer =
        ask(f, "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000000\r\n\r\n");

    assert_status(answer, "401");
    g_assert_cmpint(atomic_load(&f->n_handled), ==, 0);
}

/* The body comes when the connection is closed already: the answer must not be lost. */
static void test_refusal_is_heard(Fixture *f, const void *unused)
{
    g_autofree char *body = g_strnfill(60000, 'x');

    for (int i = 0; i < 50; i++) {
        AUTO_FD fd = dial(f);
        say(fd, "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n");
        say(fd, body);
        g_autofree char *answer = hear(fd);
        assert_status(answer, "401");
    }
}

static void test_file(Fixture *f, const void *unused)
{
    g_autofree char *answer =
        ask(f, "GET /file HTTP/1.1\r\nHost: x\r\nToken: t\r\nConnection: close\r\n\r\n");

    assert_status(answer, "200");
    g_assert_nonnull(strstr(answer, "Content-Type: text/plain\r\n"));
    g_assert_nonnull(strstr(answer, "Content-Length: 11\r\n"));
    g_assert_true(g_str_has_suffix(answer, "\r\n\r\nof the file"));
}

/* --- what is slow --- */

#define SLOW_REQUESTS 40 /* more than there are threads of either kind */

static int dial_slow(Fixture *f, const char *path)
{
    g_autofree char *text = g_strdup_printf(
        "GET %s HTTP/1.1\r\nHost: x\r\nToken: t\r\nConnection: close\r\n\r\n", path);
    int fd = dial(f);

    say(fd, text);
    return fd;
}

static void wait_for_aside(Fixture *f, int n)
{
    g_mutex_lock(&f->lock);
    while (f->n_aside < n)
        g_cond_wait(&f->aside, &f->lock);
    g_mutex_unlock(&f->lock);
}

static void release(Fixture *f)
{
    g_mutex_lock(&f->lock);
    f->is_released = true;
    g_cond_broadcast(&f->aside);
    g_mutex_unlock(&f->lock);
}

/* Programs hang, and what needs none is answered all the same. */
static void test_slow_is_aside(Fixture *f, const void *unused)
{
    int fds[SLOW_REQUESTS];

    for (int i = 0; i < SLOW_REQUESTS; i++)
        fds[i] = dial_slow(f, "/slow");
    wait_for_aside(f, 16);
    for (int i = 0; i < 20; i++) {
        g_autofree char *answer =
            ask(f, "GET /open HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assert_status(answer, "200");
    }
    release(f);
    for (int i = 0; i < SLOW_REQUESTS; i++) {
        AUTO_FD fd = fds[i];
        g_autofree char *answer = hear(fd);
        assert_status(answer, "200");
        g_assert_nonnull(strstr(answer, "done"));
    }
}

/* What has parked looks again at once: the change may have come before. */
static void test_slow_parks(Fixture *f, const void *unused)
{
    AUTO_FD fd = dial_slow(f, "/slow/park");

    release(f);
    g_autofree char *answer = hear(fd);
    g_assert_nonnull(strstr(answer, "looked twice"));
}

static void *release_later(void *data)
{
    Fixture *f = data;
    AUTO_FD late = dial(f);
    AUTO_FD parked = dial_slow(f, "/park"); /* it is answered when the server stops */

    g_autofree char *answer = hear(parked);
    assert_status(answer, "503");
    say(late, "GET /slow HTTP/1.1\r\nHost: x\r\nToken: t\r\nConnection: close\r\n\r\n");

    g_autofree char *refusal = hear(late);
    assert_status(refusal, "503");
    release(f);
    return NULL;
}

/* What runs is waited for; what has not begun is refused. */
static void test_stop_while_slow(Fixture *f, const void *unused)
{
    int fds[SLOW_REQUESTS];
    int n_done = 0;

    for (int i = 0; i < SLOW_REQUESTS; i++)
        fds[i] = dial_slow(f, "/slow");
    wait_for_aside(f, 16);

    GThread *helper = g_thread_new("release", release_later, f);

    g_mutex_lock(&f->lock);
    while (f->n_parked == 0)
        g_cond_wait(&f->parked, &f->lock);
    g_mutex_unlock(&f->lock);
    http_stop(g_steal_pointer(&f->http));
    g_thread_join(helper);
    for (int i = 0; i < SLOW_REQUESTS; i++) {
        AUTO_FD fd = fds[i];
        g_autofree char *answer = hear(fd);
        n_done += strstr(answer, "done") != NULL;
    }
    g_assert_cmpint(n_done, ==, f->n_aside);
}

typedef struct Wire {
    const char *headers; /* and body, after "POST <path> HTTP/1.1" */
    const char *status;
} Wire;

static const Wire wires[] = {
    {"Content-Length: 2\r\n\r\n{}", "200"},
    {"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "200"},
    {"Content-Length: 0\r\n\r\n", "200"},
    {"\r\n", "200"},
    {"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", "400"},
    {"Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}", "400"},
    {"Content-Length: 0\r\nContent-Length: 0\r\n\r\n", "400"},
    {"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "400"},
    {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
    {"Transfer-Encoding: gzip\r\n\r\n{}", "400"},
    {"Content-Length: +2\r\n\r\n{}", "400"},
    {"Content-Length: -2\r\n\r\n{}", "400"},
    {"Content-Length: 2x\r\n\r\n{}", "400"},
    {"Content-Length : 2\r\n\r\n{}", "400"},
    {"Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n", "400"},
    {"Content-Length: 1048577\r\n\r\n", "413"},
};

static void test_length_of_the_body(Fixture *f, const void *unused)
{
    for (size_t i = 0; i < G_N_ELEMENTS(wires); i++) {
        g_autofree char *text = g_strdup_printf(
            "POST /x HTTP/1.1\r\nHost: x\r\nToken: y\r\nConnection: close\r\n%s", wires[i].headers);
        g_autofree char *answer = ask(f, text);
        assert_status(answer, wires[i].status);
    }
}

#define FULL_BODY  (1u << 20)
#define ALL_BODIES 64 /* of that size may be kept at a time */

/* They are kept while their requests are parked: the next one has no room. */
static void test_bodies_together(Fixture *f, const void *unused)
{
    g_autofree char *body = g_strnfill(FULL_BODY, 'x');
    int fds[ALL_BODIES];

    for (size_t i = 0; i < G_N_ELEMENTS(fds); i++) {
        fds[i] = dial(f);
        say(fds[i],
            "POST /park HTTP/1.1\r\nHost: x\r\nToken: y\r\nContent-Length: 1048576\r\n\r\n");
        say(fds[i], body);
    }
    g_mutex_lock(&f->lock);
    while (f->n_parked < ALL_BODIES)
        g_cond_wait(&f->parked, &f->lock);
    g_mutex_unlock(&f->lock);

    g_autofree char *answer = ask(f, "POST /x HTTP/1.1\r\nHost: x\r\nToken: y\r\nConnection: "
                                     "close\r\nContent-Length: 2\r\n\r\n{}");
    assert_status(answer, "503");
    g_assert_cmpint(atomic_load(&f->n_handled), ==, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(fds); i++)
        close(fds[i]);
}

static void test_query_of_many(Fixture *f, const void *unused)
{
    for (int n = 90; n <= 2090; n += 250) {
        g_autoptr(GString) text = g_string_new("GET /x?a");
        for (int i = 1; i < n; i++)
            g_string_append(text, "&a");
        g_string_append(text, " HTTP/1.1\r\nHost: x\r\nToken: y\r\nConnection: close\r\n\r\n");
        g_autofree char *answer = ask(f, text->str);
        assert_status(answer, n <= 100 ? "200" : "414");
    }
}

/* Few arguments that are long take the same memory. */
static void test_long_query(Fixture *f, const void *unused)
{
    g_autofree char *value = g_strnfill(300, 'x');

    for (int n = 40; n <= 100; n += 5) {
        g_autoptr(GString) text = g_string_new("GET /x?a");
        for (int i = 1; i < n; i++)
            g_string_append_printf(text, "&a=%s", value);
        g_string_append(text, " HTTP/1.1\r\nHost: x\r\nToken: y\r\nConnection: close\r\n\r\n");
        g_autofree char *answer = ask(f, text->str);
        assert_status(answer, text->len < 16000 ? "200" : "414");
    }
}

/* Whoever has not shown the token has nothing kept. */
static void test_open_body_is_not_kept(Fixture *f, const void *unused)
{
    g_autofree char *answer = ask(
        f, "POST /open HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}");

    assert_status(answer, "200");
    g_assert_true(g_str_has_suffix(answer, "\r\n\r\n0"));
}

static void test_one_connection_for_many(Fixture *f, const void *unused)
{
    AUTO_FD fd = dial(f);

    say(fd, "GET /refused HTTP/1.1\r\nHost: x\r\n\r\nGET /x HTTP/1.1\r\nHost: x\r\nToken: y\r\n\r\n"
            "GET /x HTTP/1.1\r\nHost: x\r\nToken: y\r\nConnection: close\r\n\r\n");
    g_autofree char *answer = hear(fd);
    assert_status(answer, "401");
    g_assert_cmpint(atomic_load(&f->n_handled), ==, 2);
}

static void test_stop_answers_what_is_parked(Fixture *f, const void *unused)
{
    int fds[20];

    for (size_t i = 0; i < G_N_ELEMENTS(fds); i++) {
        fds[i] = dial(f);
        say(fds[i], "GET /park HTTP/1.1\r\nHost: x\r\nToken: y\r\n\r\n");
    }
    g_mutex_lock(&f->lock);
    while (f->n_parked < (int)G_N_ELEMENTS(fds))
        g_cond_wait(&f->parked, &f->lock);
    g_mutex_unlock(&f->lock);

    AUTO_FD halfway = dial(f);
    say(halfway, "GET /x HT");
    http_stop(g_steal_pointer(&f->http));
    for (size_t i = 0; i < G_N_ELEMENTS(fds); i++) {
        g_autofree char *answer = hear(fds[i]);
        assert_status(answer, "503");
        g_assert_nonnull(strstr(answer, "the server is stopping"));
        close(fds[i]);
    }
}

#define http_test(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    http_test("/http/refused-before-the-body", test_refused_before_the_body);
    http_test("/http/refusal-is-heard", test_refusal_is_heard);
    http_test("/http/file", test_file);
    http_test("/http/length-of-the-body", test_length_of_the_body);
    http_test("/http/bodies-together", test_bodies_together);
    http_test("/http/query-of-many", test_query_of_many);
    http_test("/http/long-query", test_long_query);
    http_test("/http/open-body-is-not-kept", test_open_body_is_not_kept);
    http_test("/http/one-connection-for-many", test_one_connection_for_many);
    http_test("/http/stop-answers-what-is-parked", test_stop_answers_what_is_parked);
    http_test("/http/slow/aside", test_slow_is_aside);
    http_test("/http/slow/parks", test_slow_parks);
    http_test("/http/slow/stop", test_stop_while_slow);
    return g_test_run();
}

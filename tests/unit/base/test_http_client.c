/*
 * A server of one thread on this machine answers each connection with the text that the test wants
 * and keeps the request it got.
 */
#include <gio/gio.h>
#include <string.h>

#include "base/clock.h"
#include "base/http_client.h"

typedef struct Server {
    GSocketListener *listener;
    GThread *thread;
    char *url;
    const char *answer; /* NULL = none: wait until the client gives up */
    GString *request;
} Server;

static bool is_complete(const GString *request)
{
    const char *body = strstr(request->str, "\r\n\r\n");
    const char *length = strstr(request->str, "Content-Length: ");

    if (!body)
        return false;
    return !length || strlen(body + 4) >= g_ascii_strtoull(length + 16, NULL, 10);
}

static gpointer serve_one(gpointer data)
{
    Server *server = data;
    g_autoptr(GSocketConnection) client =
        g_socket_listener_accept(server->listener, NULL, NULL, NULL);
    GInputStream *in = g_io_stream_get_input_stream(G_IO_STREAM(client));
    GOutputStream *out = g_io_stream_get_output_stream(G_IO_STREAM(client));
    char chunk[4096];

    while (!server->answer || !is_complete(server->request)) {
        gssize n = g_input_stream_read(in, chunk, sizeof(chunk), NULL, NULL);

        if (n <= 0)
            return NULL;
        g_string_append_len(server->request, chunk, n);
    }
    g_output_stream_write_all(out, server->answer, strlen(server->answer), NULL, NULL, NULL);
    return NULL;
}

static void server_start(Server *server, const char *answer)
{
    server->listener = g_socket_listener_new();

    guint16 port = g_socket_listener_add_any_inet_port(server->listener, NULL, NULL);

    g_assert_cmpuint(port, >, 0);
    server->url = g_strdup_printf("http://127.0.0.1:%u", port);
    server->answer = answer;
    server->request = g_string_new(NULL);
    server->thread = g_thread_new("server", serve_one, server);
}

static void server_stop(Server *server)
{
    g_thread_join(server->thread);
    g_socket_listener_close(server->listener);
    g_object_unref(server->listener);
    g_string_free(server->request, TRUE);
    g_free(server->url);
}

static void test_get(void)
{
    static const char *const headers[] = {"Verification-Token: t", NULL};
    g_auto(HttpResponse) response = {0};
    Server server;

    server_start(&server, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    g_assert_null(http_request(
        &(HttpRequest){.method = "GET", .url = server.url, .headers = headers, .timeout_ms = 10000},
        &response));
    g_assert_cmpint(response.status, ==, 200);
    g_assert_cmpstr(response.body, ==, "hello");
    g_assert_true(g_str_has_prefix(server.request->str, "GET / HTTP/1.1\r\n"));
    g_assert_nonnull(strstr(server.request->str, "\r\nVerification-Token: t\r\n"));
    server_stop(&server);
}

static void test_post(void)
{
    g_autofree char *body = g_strnfill(2 << 20, 'x');
    g_auto(HttpResponse) response = {0};
    Server server;

    server_start(&server, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    g_assert_null(http_request(
        &(HttpRequest){.method = "POST", .url = server.url, .body = body, .timeout_ms = 10000},
        &response));
    g_assert_cmpint(response.status, ==, 404); /* an answer, not a failure of ours */
    g_assert_cmpstr(response.body, ==, "");
    g_assert_true(g_str_has_suffix(server.request->str, body));
    g_assert_null(strstr(server.request->str, "Content-Type:"));
    g_assert_null(strstr(server.request->str, "Expect:"));
    server_stop(&server);
}

static void test_methods(void)
{
    static const char *const methods[] = {"POST", "PATCH", "DELETE"};
    static const char *const headers[] = {"content-type: application/json", NULL};

    for (size_t i = 0; i < G_N_ELEMENTS(methods); i++) {
        g_auto(HttpResponse) response = {0};
        g_autofree char *line = g_strdup_printf("%s / HTTP/1.1\r\n", methods[i]);
        Server server;

        server_start(&server, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        g_assert_null(http_request(
            &(HttpRequest){.method = methods[i], .url = server.url, .headers = headers},
            &response));
        g_assert_true(g_str_has_prefix(server.request->str, line));
        g_assert_nonnull(strstr(server.request->str, "content-type: application/json"));
        server_stop(&server);
    }
}

static void test_redirect_is_not_followed(void)
{
    g_auto(HttpResponse) response = {0};
    Server server;

    server_start(&server, "HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\n"
                          "Content-Length: 0\r\n\r\n");
    g_assert_null(http_request(&(HttpRequest){.method = "GET", .url = server.url}, &response));
    g_assert_cmpint(response.status, ==, 301);
    server_stop(&server);
}

static void test_proxy_is_not_asked_for_this_machine(void)
{
    g_auto(HttpResponse) response = {0};
    Server server;

    g_setenv("http_proxy", "http://127.0.0.1:1", TRUE);
    server_start(&server, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    g_assert_null(http_request(&(HttpRequest){.method = "GET", .url = server.url}, &response));
    g_unsetenv("http_proxy");
    server_stop(&server);
}

static void assert_failure(const HttpRequest *request, ErrorCode code)
{
    HttpResponse response = {0};
    g_autoptr(Error) e = http_request(request, &response);

    g_assert_nonnull(e);
    g_assert_cmpint(e->code, ==, code);
    g_assert_nonnull(e->hint);
    g_assert_null(response.body);
}

static void test_timeout(void)
{
    int64_t start_ms = clock_monotonic_ms();
    Server server;

    server_start(&server, NULL);
    assert_failure(&(HttpRequest){.method = "GET", .url = server.url, .timeout_ms = 200},
                   ERR_TIMEOUT);
    g_assert_cmpint(clock_monotonic_ms() - start_ms, >=, 190);
    g_assert_cmpint(clock_monotonic_ms() - start_ms, <, 5000);
    server_stop(&server);
}

static void test_failures(void)
{
    assert_failure(&(HttpRequest){.method = "GET", .url = "http://127.0.0.1:1"}, ERR_EXTERNAL);
    assert_failure(&(HttpRequest){.method = "GET", .url = "file:///etc/passwd"}, ERR_INVALID);
    assert_failure(&(HttpRequest){.method = "GET", .url = "http://"}, ERR_INVALID);
}

static void test_tls_with_a_server_without(void)
{
    g_autofree char *url = NULL;
    Server server;

    server_start(&server, NULL);
    url = g_strconcat("https", server.url + strlen("http"), NULL);
    /* There never was a connection: nothing may be under way at the server. */
    assert_failure(&(HttpRequest){.method = "GET", .url = url, .timeout_ms = 200}, ERR_EXTERNAL);
    server_stop(&server);
}

static void test_broken_header(void)
{
    static const char *const headers[] = {"Verification-Token: a\r\nX-Other: b", NULL};
    HttpResponse response = {0};
    g_autoptr(Error) e = http_request(
        &(HttpRequest){.method = "GET", .url = "http://127.0.0.1:1", .headers = headers},
        &response);

    g_assert_cmpint(e->code, ==, ERR_INVALID);
    g_assert_null(strstr(e->message, "X-Other")); /* it may be a secret */
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/http-client/get", test_get);
    g_test_add_func("/http-client/post", test_post);
    g_test_add_func("/http-client/methods", test_methods);
    g_test_add_func("/http-client/redirect-is-not-followed", test_redirect_is_not_followed);
    g_test_add_func("/http-client/proxy-is-not-asked-for-this-machine",
                    test_proxy_is_not_asked_for_this_machine);
    g_test_add_func("/http-client/timeout", test_timeout);
    g_test_add_func("/http-client/failures", test_failures);
    g_test_add_func("/http-client/tls-with-a-server-without", test_tls_with_a_server_without);
    g_test_add_func("/http-client/broken-header", test_broken_header);
    return g_test_run();
}

/*
 * Messages to the gateway, good and bad, and what replies say.
 */
#include <string.h>

#include "gateway/request.h"

typedef json_t Json;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Json, json_decref)

static void test_add(void)
{
    static const char text[] =
        "{\"op\": \"add\", \"id\": \"a.B-1_\", \"socket_path\": \"/s\", \"port\": 6000,"
        "\"max_connections\": 7, \"addresses\": [\"::1\", \"*\"], \"later\": 1}";
    g_auto(Request) request = {0};

    g_assert_null(request_read(text, strlen(text), &request));
    g_assert_cmpint(request.verb, ==, REQUEST_ADD);
    g_assert_cmpstr(request.clone.id, ==, "a.B-1_");
    g_assert_cmpstr(request.clone.socket_path, ==, "/s");
    g_assert_cmpint(request.clone.port, ==, 6000);
    g_assert_cmpint(request.clone.max_connections, ==, 7);
    g_assert_cmpstr(request.clone.addresses[0], ==, "::1");
    g_assert_cmpstr(request.clone.addresses[1], ==, "*");
    g_assert_null(request.clone.addresses[2]);
}

static void test_others(void)
{
    static const char hold[] = "{\"op\": \"hold\", \"id\": \"x\", \"timeout_ms\": 600000}";
    static const char list[] = "{\"op\": \"list\"}";
    static const char next[] = "{\"op\": \"list\", \"after\": \"k\"}";
    g_auto(Request) held = {0}, first = {0}, second = {0};

    g_assert_null(request_read(hold, strlen(hold), &held));
    g_assert_cmpint(held.verb, ==, REQUEST_HOLD);
    g_assert_cmpstr(held.id, ==, "x");
    g_assert_cmpint(held.timeout_ms, ==, 600000);
    g_assert_null(request_read(list, strlen(list), &first));
    g_assert_cmpstr(first.after, ==, "");
    g_assert_null(request_read(next, strlen(next), &second));
    g_assert_cmpstr(second.after, ==, "k");
}

#define ADD(id, path, port, max, addresses)                                                        \
    "{\"op\":\"add\",\"id\":" id ",\"socket_path\":" path ",\"port\":" port                        \
    ",\"max_connections\":" max ",\"addresses\":" addresses "}"

static const struct {
    const char *text;
    const char *message;
} bad_requests[] = {
    {"", "the message is not JSON"},
    {"{\"op\":\"list\"", "the message is not JSON"},
    {"{\"op\":\"list\",\"op\":\"quit\"}", "the message is not JSON"},
    {"[]", "member \"op\" must be a text"},
    {"{}", "member \"op\" must be a text"},
    {"{\"op\":1}", "member \"op\" must be a text"},
    {"{\"op\":\"dance\\n\"}", "unknown op \"dance\\x0a\""},
    {"{\"op\":\"remove\"}", "remove: member \"id\" must be a text"},
    {"{\"op\":\"remove\",\"id\":\"\"}",
     "remove: member \"id\" must be 1 to 64 of A-Z a-z 0-9 . _ -"},
    {"{\"op\":\"remove\",\"id\":\"a/b\"}",
     "remove: member \"id\" must be 1 to 64 of A-Z a-z 0-9 . _ -"},
    {"{\"op\":\"hold\",\"id\":\"a\"}",
     "hold: member \"timeout_ms\" must be a number from 1 to 600000"},
    {"{\"op\":\"hold\",\"id\":\"a\",\"timeout_ms\":0}",
     "hold: member \"timeout_ms\" must be a number from 1 to 600000"},
    {"{\"op\":\"list\",\"after\":5}", "list: member \"after\" must be a text"},
    {ADD("\"a\"", "\"s\"", "1", "0", "[\"::\"]"),
     "add: member \"socket_path\" must be an absolute path of at most 512 bytes"},
    {ADD("\"a\"", "\"/\\u001b\"", "1", "0", "[\"::\"]"),
     "add: member \"socket_path\" must be free of control characters"},
    {ADD("\"a\"", "\"/s\"", "65536", "0", "[\"::\"]"),
     "add: member \"port\" must be a number from 1 to 65535"},
    {ADD("\"a\"", "\"/s\"", "1.5", "0", "[\"::\"]"),
     "add: member \"port\" must be a number from 1 to 65535"},
    {ADD("\"a\"", "\"/s\"", "1", "-1", "[\"::\"]"),
     "add: member \"max_connections\" must be a number from 0 to 2147483647"},
    {ADD("\"a\"", "\"/s\"", "1", "0", "[]"),
     "add: member \"addresses\" must be an array of 1 to 16 addresses"},
    {ADD("\"a\"", "\"/s\"", "1", "0", "\"::\""),
     "add: member \"addresses\" must be an array of 1 to 16 addresses"},
    {ADD("\"a\"", "\"/s\"", "1", "0", "[7]"),
     "add: member \"addresses\" must be an array of texts of at most 64 bytes"},
};

static void test_bad(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(bad_requests); i++) {
        Request request = {.verb = REQUEST_N_VERBS};
        g_autoptr(Error) e =
            request_read(bad_requests[i].text, strlen(bad_requests[i].text), &request);

        g_assert_nonnull(e);
        g_assert_cmpint(e->code, ==, ERR_INVALID);
        g_assert_cmpstr(e->message, ==, bad_requests[i].message);
        g_assert_cmpint(request.verb, ==, REQUEST_N_VERBS); /* untouched */
    }
}

static void test_replies(void)
{
    g_autoptr(Error) e = error_hint(error_new(ERR_CONFLICT, "it is so"), "Do this.");
    g_autoptr(Json) failure = reply_failure(e);
    g_autoptr(Json) success = reply_new();
    g_autoptr(Json) nonsense = json_pack("{s:{}}", "error");
    g_autoptr(Json) later = json_pack("{s:{s:s, s:s}}", "error", "code", "NEW", "message", "m");
    g_autoptr(Error) back = reply_check(failure);
    g_autoptr(Error) senseless = reply_check(nonsense);
    g_autoptr(Error) of_later = reply_check(later);

    g_assert_null(reply_check(success));
    g_assert_cmpint(back->code, ==, ERR_CONFLICT);
    g_assert_cmpstr(back->message, ==, "it is so");
    g_assert_cmpstr(back->hint, ==, "Do this.");
    g_assert_null(back->detail);
    g_assert_cmpint(senseless->code, ==, ERR_EXTERNAL);
    g_assert_cmpint(of_later->code, ==, ERR_EXTERNAL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gateway/request/add", test_add);
    g_test_add_func("/gateway/request/others", test_others);
    g_test_add_func("/gateway/request/bad", test_bad);
    g_test_add_func("/gateway/request/replies", test_replies);
    return g_test_run();
}

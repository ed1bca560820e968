/*
 * How replies are written.
 */
#include "api/reply.h"

#include <string.h>

static char *body_of(const Reply *reply)
{
    gsize size = 0;
    const char *bytes = g_bytes_get_data(reply->bytes, &size);

    return g_strndup(bytes, size);
}

static void assert_body(const Reply *reply, const char *text)
{
    g_autofree char *body = body_of(reply);

    g_assert_cmpstr(body, ==, text);
}

static void assert_holds(const Reply *reply, const char *text)
{
    g_autofree char *body = body_of(reply);

    g_assert_nonnull(strstr(body, text));
}

static void test_reals_are_as_short_as_they_were(void)
{
    static const double seconds[] = {0.197, 1.204, 0.1, 12345.678};
    static const char *const written[] = {"0.197", "1.204", "0.1", "12345.678"};

    for (size_t i = 0; i < G_N_ELEMENTS(seconds); i++) {
        Reply reply = {0};
        reply_json_take(&reply, 200, json_real(seconds[i]));
        assert_body(&reply, written[i]);
        reply_clear(&reply);
    }
}

static void test_html_is_escaped(void)
{
    Reply reply = {0};

    reply_json_take(&reply, 200, json_string("<b>&"));
    assert_body(&reply, "\"\\u003cb\\u003e\\u0026\"");
    reply_clear(&reply);
}

static void test_errors_show_their_hint(void)
{
    Reply reply = {0};
    g_autoptr(Error) e = error_hint(error_new(ERR_CONFLICT, "taken"), "Choose another.");

    reply_error(&reply, e);
    g_assert_cmpuint(reply.status, ==, 400);
    assert_holds(&reply, "\"hint\": \"Choose another.\"");
    reply_clear(&reply);
}

/* What json_pack() makes of a text that is not UTF-8. */
static void test_no_value_is_an_error(void)
{
    Reply reply = {0};

    reply_json_take(&reply, 200, json_pack("{ss}", "name", "\xff"));
    g_assert_cmpuint(reply.status, ==, 500);
    assert_holds(&reply, "INTERNAL_ERROR");
    reply_clear(&reply);
}

/* What was replied before goes, and the headers with it. */
static void test_last_word_counts(void)
{
    Reply reply = {0};

    reply_file_take(&reply, 200, "text/plain", -1, 1);
    reply_header_take(&reply, "Allow", g_strdup("GET"));
    reply_json_take(&reply, 201, json_true());
    assert_body(&reply, "true");
    g_assert_cmpuint(reply.status, ==, 201);
    g_assert_cmpuint(reply.file_size, ==, 0);
    g_assert_cmpstr(reply.headers[0].name, ==, "Content-Type");
    g_assert_null(reply.headers[1].name);
    reply_clear(&reply);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/reply/reals-are-as-short-as-they-were", test_reals_are_as_short_as_they_were);
    g_test_add_func("/reply/html-is-escaped", test_html_is_escaped);
    g_test_add_func("/reply/errors-show-their-hint", test_errors_show_their_hint);
    g_test_add_func("/reply/no-value-is-an-error", test_no_value_is_an_error);
    g_test_add_func("/reply/last-word-counts", test_last_word_counts);
    return g_test_run();
}

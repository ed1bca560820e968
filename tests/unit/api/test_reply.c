/*
 * How replies are written.
 */
#include "api/reply.h"

#include <string.h>

static void test_reals_are_as_short_as_they_were(void)
{
    static const double seconds[] = {0.197, 1.204, 0.1, 12345.678};
    static const char *const written[] = {"0.197", "1.204", "0.1", "12345.678"};

    for (size_t i = 0; i < G_N_ELEMENTS(seconds); i++) {
        Reply reply = {0};
        reply_json_take(&reply, 200, json_real(seconds[i]));
        g_assert_cmpstr(reply.body, ==, written[i]);
        g_free(reply.body);
    }
}

static void test_html_is_escaped(void)
{
    Reply reply = {0};

    reply_json_take(&reply, 200, json_string("<b>&"));
    g_assert_cmpstr(reply.body, ==, "\"\\u003cb\\u003e\\u0026\"");
    g_free(reply.body);
}

static void test_errors_show_their_hint(void)
{
    Reply reply = {0};
    g_autoptr(Error) e = error_hint(error_new(ERR_CONFLICT, "taken"), "Choose another.");

    reply_error(&reply, e);
    g_assert_cmpuint(reply.status, ==, 400);
    g_assert_nonnull(strstr(reply.body, "\"hint\": \"Choose another.\""));
    g_free(reply.body);
}

/* What json_pack() makes of a text that is not UTF-8. */
static void test_no_value_is_an_error(void)
{
    Reply reply = {0};

    reply_json_take(&reply, 200, json_pack("{ss}", "name", "\xff"));
    g_assert_cmpuint(reply.status, ==, 500);
    g_assert_nonnull(strstr(reply.body, "INTERNAL_ERROR"));
    g_free(reply.body);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/reply/reals-are-as-short-as-they-were", test_reals_are_as_short_as_they_were);
    g_test_add_func("/reply/html-is-escaped", test_html_is_escaped);
    g_test_add_func("/reply/errors-show-their-hint", test_errors_show_their_hint);
    g_test_add_func("/reply/no-value-is-an-error", test_no_value_is_an_error);
    return g_test_run();
}

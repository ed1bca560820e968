/*
 * Bodies as a whole; their fields are in test_bodies.c.
 */
#include "api/bodies.h"

#include <string.h>

typedef struct BadBody {
    const char *text;
    size_t size; /* 0 = all of the text */
    const char *words;
} BadBody;

static Error *read_body(const char *text, size_t size, const Body *body)
{
    const Request request = {.body = text, .body_size = size};
    CloneBody values = {0};
    json_auto_t *json = NULL;

    return fields_read(&request, body, &values, &json);
}

static void test_bad_bodies(void)
{
    static const BadBody bad[] = {
        {"", 0, "unexpected end of JSON input"},
        {"{", 0, "failed to unmarshal json"},
        {"[]", 0, "the body must be an object, not an array"},
        {"\"x\"", 0, "the body must be an object, not a string"},
        {"7", 0, "the body must be an object, not a number"},
        {"true", 0, "the body must be an object, not a boolean"},
        {"{\"a\":1}x", 0, "end of file expected"},
        {"{\"a\":\"\xff\"}", 0, "unable to decode byte 0xff"},
        {"{\"a\":\"\xed\xa0\x80\"}", 0, "failed to unmarshal json"}, /* half of a pair */
        {"{\"id\":\"a\0b\"}", 12, "control character 0x0"},
        {"{\"id\":\"a\\u0000b\"}", 0, "u0000 is not allowed"},
        {"{\"id\":\"\\ud800\"}", 0, "failed to unmarshal json"},
        {"\xef\xbb\xbf{\"id\":\"a\"}", 0, "byte order mark"},
        {"{\"a\":99999999999999999999}", 0, "too big integer"},
        {"{\"a\":1e999}", 0, "real number overflow"},
        {"{\"a\":NaN}", 0, "failed to unmarshal json"},
        {"{\"a\":1,\"a\":2}", 0, "duplicate object key"},
        {"\0{}", 3, "failed to unmarshal json"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        size_t size = bad[i].size ? bad[i].size : strlen(bad[i].text);
        g_autoptr(Error) e = read_body(bad[i].text, size, &clone_body);

        if (!e)
            g_error("%s is accepted", bad[i].text);
        g_assert_cmpint(e->code, ==, ERR_INVALID);
        g_assert_nonnull(e->hint);
        g_assert_nonnull(strstr(e->message, "failed to unmarshal json"));
        if (!strstr(e->message, bad[i].words))
            g_error("%s: %s", bad[i].text, e->message);
    }
}

static void test_deep_nesting(void)
{
    g_autoptr(GString) text = g_string_new("{\"other\":");

    for (int i = 0; i < 100000; i++)
        g_string_append_c(text, '[');
    g_autoptr(Error) e = read_body(text->str, text->len, &clone_body);
    g_assert_nonnull(e);
    g_assert_nonnull(strstr(e->message, "maximum parsing depth"));
}

static void test_null_is_a_missing_request(void)
{
    g_autoptr(Error) e = read_body(" null ", 6, &clone_body);
    g_autoptr(Error) e2 = read_body("null", 4, &snapshot_body);

    g_assert_cmpstr(e->message, ==, "missing clone request");
    g_assert_cmpstr(e2->message, ==, "missing snapshot request");
}

static void test_empty_where_it_may_be(void)
{
    g_assert_null(read_body("", 0, &snapshot_body));
    g_assert_null(read_body("", 0, &clone_reset_body));
}

/* What a client sent may hold a password: its text is not repeated. */
static void test_body_is_not_repeated(void)
{
    static const char *const texts[] = {"{\"password\": \"s3cret\" oops}",
                                        "{\"password\" \"s3cret\"}", "{\"password\": s3cret}",
                                        "{\"password\": {\"s3cret\"", "\"s3cret\""};

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(Error) e = read_body(texts[i], strlen(texts[i]), &clone_body);

        g_assert_nonnull(e);
        g_assert_null(strstr(e->message, "s3cret"));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fields/bad-bodies", test_bad_bodies);
    g_test_add_func("/fields/deep-nesting", test_deep_nesting);
    g_test_add_func("/fields/null-is-a-missing-request", test_null_is_a_missing_request);
    g_test_add_func("/fields/empty-where-it-may-be", test_empty_where_it_may_be);
    g_test_add_func("/fields/body-is-not-repeated", test_body_is_not_repeated);
    return g_test_run();
}

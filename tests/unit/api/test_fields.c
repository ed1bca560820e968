/*
 * Reading the fields of a request's body.
 */
#include "api/fields.h"

#include <string.h>

static Request request_of(const char *body)
{
    return (Request){.body = body, .body_size = strlen(body)};
}

static json_t *parse(const char *body)
{
    Request request = request_of(body);
    json_t *object = NULL;
    Error *e = fields_parse(&request, "clone", false, &object);

    g_assert_null(e);
    return object;
}

static void test_keys_match_without_case(void)
{
    json_t *object = parse("{\"USERNAME\": \"exactly\", \"Password\": null}");
    const char *user = "", *password = "untouched";

    g_assert_null(fields_text(object, "username", &user));
    g_assert_cmpstr(user, ==, "exactly");
    g_assert_null(fields_text(object, "password", &password));
    g_assert_cmpstr(password, ==, "untouched");
    json_decref(object);
}

static void test_wrong_types_are_named(void)
{
    json_t *object = parse("{\"protected\": \"yes\", \"minutes\": -1}");
    bool value = false, has = false;
    int64_t minutes = 0;
    g_autoptr(Error) e = fields_bool(object, "protected", &value);
    g_autoptr(Error) e2 = fields_uint(object, "minutes", &has, &minutes);

    g_assert_cmpint(e->code, ==, ERR_INVALID);
    g_assert_nonnull(strstr(e->message, "\"protected\" must be a boolean, not a string"));
    g_assert_cmpstr(e->hint, ==, "Write it like this: \"protected\": true");
    g_assert_nonnull(strstr(e2->message, "\"minutes\""));
    json_decref(object);
}

static void test_bad_bodies(void)
{
    static const char *const bodies[] = {
        "", "{", "[]", "\"x\"", "null", "{\"a\":1}x", "{\"a\":\"\xff\"}"};

    for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++) {
        Request request = request_of(bodies[i]);
        json_t *object = NULL;
        g_autoptr(Error) e = fields_parse(&request, "clone", false, &object);
        g_assert_nonnull(e);
        g_assert_cmpint(e->code, ==, ERR_INVALID);
        g_assert_nonnull(e->hint);
        g_assert_null(object);
    }
}

static void test_null_is_a_missing_request(void)
{
    Request request = request_of(" null ");
    json_t *object = NULL;
    g_autoptr(Error) e = fields_parse(&request, "clone", true, &object);

    g_assert_nonnull(e);
    g_assert_cmpstr(e->message, ==, "missing clone request");
}

/* What a client sent may hold a password: its text is not repeated. */
static void test_body_is_not_repeated(void)
{
    Request request = request_of("{\"password\": \"s3cret\" oops}");
    json_t *object = NULL;
    g_autoptr(Error) e = fields_parse(&request, "clone", false, &object);

    g_assert_nonnull(e);
    g_assert_null(strstr(e->message, "s3cret"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fields/keys-match-without-case", test_keys_match_without_case);
    g_test_add_func("/fields/wrong-types-are-named", test_wrong_types_are_named);
    g_test_add_func("/fields/bad-bodies", test_bad_bodies);
    g_test_add_func("/fields/null-is-a-missing-request", test_null_is_a_missing_request);
    g_test_add_func("/fields/body-is-not-repeated", test_body_is_not_repeated);
    return g_test_run();
}

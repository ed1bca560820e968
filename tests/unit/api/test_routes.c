/*
 * The routes and their handlers, over a store and without pools: who is let in, what is answered, and that no body
 * of any route does harm.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "fixture.h"
#include "store/clone.h"

static const char *answer_word(const Answer *answer, const char *key)
{
    const char *word = json_string_value(json_object_get(answer->json, key));

    return word ? word : "";
}

/* --- who is let in --- */

static void assert_unauthorized(ApiFixture *f, const char *method, const char *target,
                                const char *token)
{
    g_auto(Answer) answer = api_fixture_ask(f, method, target, NULL, token);

    g_assert_cmpuint(answer.status, ==, 401);
    g_assert_cmpstr(answer_word(&answer, "code"), ==, "UNAUTHORIZED");
    g_assert_cmpstr(answer_word(&answer, "message"), ==, "Check your verification token.");
    g_assert_null(answer.allow);
}

static void test_no_token(ApiFixture *f, const void *unused)
{
    static const char *const methods[] = {"GET",  "POST",    "PATCH", "DELETE",
                                          "HEAD", "OPTIONS", "PUT",   "X"};
    static const char *const targets[] = {
        "/status", "/clone",     "/clone/x",      "/nothing",     "/",
        "/admin",  "/healthz/x", "/snapshot/a/b", "/clone/x/logs"};
    static const char *const tokens[] = {"", "wrong", FIXTURE_TOKEN "x"};

    for (size_t i = 0; i < G_N_ELEMENTS(methods); i++)
        for (size_t j = 0; j < G_N_ELEMENTS(targets); j++)
            for (size_t k = 0; k < G_N_ELEMENTS(tokens); k++)
                assert_unauthorized(f, methods[i], targets[j], tokens[k]);
}

static void test_open_path(ApiFixture *f, const void *unused)
{
    g_auto(Answer) get = api_fixture_ask(f, "GET", "/healthz", NULL, "");
    g_auto(Answer) post = api_fixture_ask(f, "POST", "/healthz", NULL, "");
    g_auto(Answer) head = api_fixture_ask(f, "HEAD", "/healthz", NULL, "");

    g_assert_cmpuint(get.status, ==, 200);
    g_assert_cmpuint(post.status, ==, 200);
    g_assert_cmpuint(head.status, ==, 405);
    g_assert_cmpstr(head.allow, ==, "GET, POST");
}

static void test_unknown_path(ApiFixture *f, const void *unused)
{
    g_auto(Answer) answer = api_fixture_ask(f, "GET", "/nothing", NULL, NULL);

    g_assert_cmpuint(answer.status, ==, 404);
    g_assert_cmpstr(answer_word(&answer, "code"), ==, "NOT_FOUND");
}

static void test_wrong_method(ApiFixture *f, const void *unused)
{
    static const char *const methods[] = {"HEAD", "OPTIONS", "PUT", "POST", "TRACE"};

    for (size_t i = 0; i < G_N_ELEMENTS(methods); i++) {
        g_auto(Answer) answer = api_fixture_ask(f, methods[i], "/clone/x", NULL, NULL);

        g_assert_cmpuint(answer.status, ==, 405);
        g_assert_cmpstr(answer.allow, ==, "GET, PATCH, DELETE");
    }
}

/* --- PATCH /clone/{id} --- */

static bool clone_is_protected(ApiFixture *f, const char *id)
{
    g_auto(Answer) answer = api_fixture_ask(f, "GET", "/clone/c1", NULL, NULL);

    g_assert_cmpuint(answer.status, ==, 200);
    return json_is_true(json_object_get(answer.json, "protected"));
}

/* What is sent, and whether the clone that was protected before is so afterwards. */
typedef struct PatchCase {
    const char *body;
    unsigned status;
    bool stays_protected;
} PatchCase;

/* This runtime limits nothing: a request for limits ends there, and says nothing of protection. */
static const PatchCase patches[] = {
    {"{\"limits\": {}}", 400, true},
    {"{\"Limits\": {}}", 400, true},
    {"{\"LIMITS\": {}, \"protected\": null}", 400, true},
    {"{\"limits\": null, \"PROTECTED\": true}", 200, true},
    {"{\"limits\": null, \"Protected\": false}", 200, false},
    {"{\"limits\": null}", 200, false}, /* as {}, by which the CLI unprotects */
    {"{}", 200, false},
    {"{\"protected\": null}", 200, false},
    {"{\"limits\": {}, \"Limits\": {}}", 400, true},
    {"{\"limits\": {\"memory\": \"128m\", \"Memory\": \"256m\"}}", 400, true},
    {"{\"protected\": true, \"Protected\": false}", 400, true},
    {"{\"limits\": 7}", 400, true},
    {"{\"limits\": {\"memory\": {}}}", 400, true},
    {"{\"protected\": \"no\"}", 400, true},
    {"null", 400, true},
    {"[]", 400, true},
    {"", 400, true},
};

static void test_patch_clone(ApiFixture *f, const void *unused)
{
    api_fixture_add_clone(f, "c1");
    for (size_t i = 0; i < G_N_ELEMENTS(patches); i++) {
        g_auto(Answer) before =
            api_fixture_ask(f, "PATCH", "/clone/c1", "{\"protected\": true}", NULL);
        g_auto(Answer) answer = api_fixture_ask(f, "PATCH", "/clone/c1", patches[i].body, NULL);

        g_assert_cmpuint(before.status, ==, 200);
        if (answer.status != patches[i].status)
            g_error("%s: %u %s", patches[i].body, answer.status, answer.text);
        if (clone_is_protected(f, "c1") != patches[i].stays_protected)
            g_error("%s: protection is wrong", patches[i].body);
    }
}

static void test_times_are_utc(ApiFixture *f, const void *unused)
{
    static const char *const times[] = {"createdAt", "protectedTill"};

    g_setenv("TZ", "Asia/Kolkata", TRUE);
    tzset();
    api_fixture_add_clone(f, "c1");
    g_auto(Answer) answer = api_fixture_ask(
        f, "PATCH", "/clone/c1", "{\"protected\": true, \"protectionDurationMinutes\": 60}", NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(times); i++) {
        const char *text = answer_word(&answer, times[i]);
        g_assert_cmpuint(strlen(text), ==, strlen("2026-07-01T09:00:00Z"));
        g_assert_true(g_str_has_suffix(text, "Z"));
    }
    g_assert_cmpstr(answer_word(&answer, "createdAt"), ==, "2026-07-01T09:00:00Z");
    g_unsetenv("TZ");
    tzset();
}

/* --- bad bodies, to all routes that take one --- */

typedef struct BodyRoute {
    const char *method, *target;
    const char *const fields[12];
} BodyRoute;

static const BodyRoute body_routes[] = {
    {"POST",
     "/clone",
     {"id", "branch", "protected", "protectionDurationMinutes", "snapshot", "extra_conf", "limits",
      "db", NULL}},
    {"PATCH", "/clone/c1", {"protected", "protectionDurationMinutes", "limits", NULL}},
    {"POST", "/clone/c1/reset", {"snapshotID", "latest", NULL}},
    {"POST", "/snapshot", {"poolName", NULL}},
    {"POST", "/snapshot/clone", {"cloneID", "message", NULL}},
    {"PATCH", "/snapshot/e2e@snapshot_1", {"protected", "deleteAt", NULL}},
};

static void assert_bad(ApiFixture *f, const BodyRoute *route, const char *body)
{
    g_auto(Answer) answer = api_fixture_ask(f, route->method, route->target, body, NULL);

    if (answer.status != 400 || !*answer_word(&answer, "message") || answer.is_parked)
        g_error("%s %s %s: %u %s", route->method, route->target, body, answer.status, answer.text);
    g_assert_cmpstr(answer_word(&answer, "code"), ==, "BAD_REQUEST");
    g_assert_cmpstr(answer_word(&answer, "hint"), !=, "");
}

static void test_bad_bodies(ApiFixture *f, const void *unused)
{
    static const char *const bodies[] = {"null", "[]",  "7",    "\"x\"",
                                         "{",    "{}}", "\xff", "\xef\xbb\xbf{}"};

    api_fixture_add_clone(f, "c1");
    for (size_t i = 0; i < G_N_ELEMENTS(body_routes); i++) {
        const BodyRoute *route = &body_routes[i];
        for (size_t j = 0; j < G_N_ELEMENTS(bodies); j++)
            assert_bad(f, route, bodies[j]);
        for (const char *const *field = route->fields; *field; field++) {
            g_autofree char *upper = g_ascii_strup(*field, -1);
            g_autofree char *wrong = g_strdup_printf("{\"%s\": [1]}", *field);
            g_autofree char *cased = g_strdup_printf("{\"%s\": [1]}", upper);
            g_autofree char *twice = g_strdup_printf("{\"%s\": null, \"%s\": 1}", *field, upper);
            assert_bad(f, route, wrong);
            assert_bad(f, route, cased);
            assert_bad(f, route, twice);
        }
    }
}

/* A field that is null is one that is not there: the same answer. */
static void test_null_is_absent(ApiFixture *f, const void *unused)
{
    api_fixture_add_clone(f, "c1");
    for (size_t i = 0; i < G_N_ELEMENTS(body_routes); i++) {
        const BodyRoute *route = &body_routes[i];
        if (strstr(route->target, "reset"))
            continue; /* its empty body begins a reset */
        g_auto(Answer) absent = api_fixture_ask(f, route->method, route->target, "{}", NULL);
        for (const char *const *field = route->fields; *field; field++) {
            g_autofree char *null = g_strdup_printf("{\"%s\": null}", *field);
            g_auto(Answer) answer = api_fixture_ask(f, route->method, route->target, null, NULL);
            g_assert_cmpuint(answer.status, ==, absent.status);
            g_assert_cmpstr(answer.text, ==, absent.text);
        }
    }
}

/* --- reading --- */

static void test_readings(ApiFixture *f, const void *unused)
{
    static const char *const targets[] = {
        "/healthz", "/status", "/instance/retrieval", "/snapshots",    "/snapshot/e2e@snapshot_1",
        "/clones",  "/doctor", "/clone/c1",           "/clone/c1/logs"};

    api_fixture_add_clone(f, "c1");
    for (size_t i = 0; i < G_N_ELEMENTS(targets); i++) {
        g_auto(Answer) answer = api_fixture_ask(f, "GET", targets[i], NULL, NULL);
        if (answer.status != 200 || !answer.json)
            g_error("%s: %u %s", targets[i], answer.status, answer.text);
    }
}

/* What comes from outside may be no UTF-8: a log, the name of a directory. */
static void test_texts_of_outside(ApiFixture *f, const void *unused)
{
    g_autofree char *stranger = g_build_filename(f->dir, "state", "run", "odd\xff", NULL);

    api_fixture_add_clone(f, "c1");
    g_assert_cmpint(g_mkdir(stranger, 0700), ==, 0);
    g_auto(Answer) answer = api_fixture_ask(f, "GET", "/doctor", NULL, NULL);
    g_assert_cmpuint(answer.status, ==, 200);
    g_assert_nonnull(strstr(answer.text, "odd\xef\xbf\xbd"));
}

static void test_missing_things(ApiFixture *f, const void *unused)
{
    g_auto(Answer) get = api_fixture_ask(f, "GET", "/clone/missing", NULL, NULL);
    g_auto(Answer) drop = api_fixture_ask(f, "DELETE", "/clone/missing", NULL, NULL);
    g_auto(Answer) reset = api_fixture_ask(f, "POST", "/clone/missing/reset", "{}", NULL);
    g_auto(Answer) wait = api_fixture_ask(f, "GET", "/clone/missing?wait=61", NULL, NULL);
    g_auto(Answer) force = api_fixture_ask(f, "DELETE", "/snapshot/a@b?force=maybe", NULL, NULL);

    g_assert_cmpuint(get.status, ==, 404);
    g_assert_cmpstr(answer_word(&get, "code"), ==, "NOT_FOUND");
    g_assert_cmpstr(answer_word(&get, "message"), ==,
                    "Requested object does not exist. Specify your request.");
    g_assert_cmpstr(answer_word(&drop, "message"), ==, "clone not found");
    g_assert_cmpuint(reset.status, >=, 400);
    g_assert_cmpuint(wait.status, ==, 400);
    g_assert_cmpstr(answer_word(&force, "message"), ==,
                    "invalid value for `force`, must be boolean");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    api_fixture_test("/routes/no-token", test_no_token);
    api_fixture_test("/routes/open-path", test_open_path);
    api_fixture_test("/routes/unknown-path", test_unknown_path);
    api_fixture_test("/routes/wrong-method", test_wrong_method);
    api_fixture_test("/routes/patch-clone", test_patch_clone);
    api_fixture_test("/routes/times-are-utc", test_times_are_utc);
    api_fixture_test("/routes/bad-bodies", test_bad_bodies);
    api_fixture_test("/routes/null-is-absent", test_null_is_absent);
    api_fixture_test("/routes/readings", test_readings);
    api_fixture_test("/routes/texts-of-outside", test_texts_of_outside);
    api_fixture_test("/routes/missing-things", test_missing_things);
    return g_test_run();
}

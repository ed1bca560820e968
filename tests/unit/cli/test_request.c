/*
 * What is sent: protection values, the body of "clone create", paths with ids in them, and exit
 * statuses.
 */
#include <glib.h>

#include "cli/client.h"
#include "cli/clone_request.h"
#include "cli/exit_status.h"
#include "cli/json_path.h"
#include "cli/protection.h"

static void test_protection(void)
{
    static const struct {
        const char *text;
        Protection protection;
    } rows[] = {
        {"", {true, false, 0}},    {"true", {true, false, 0}},  {"false", {false, false, 0}},
        {"0", {true, true, 0}},    {"45", {true, true, 45}},    {"30m", {true, true, 30}},
        {"2H", {true, true, 120}}, {"7d", {true, true, 10080}}, {"365d", {true, true, 525600}},
        {"0d", {true, true, 0}},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        Protection protection = {0};
        g_autoptr(Error) e = protection_parse(rows[i].text, &protection);

        g_assert_null(e);
        g_assert_cmpint(protection.is_protected, ==, rows[i].protection.is_protected);
        g_assert_cmpint(protection.has_duration, ==, rows[i].protection.has_duration);
        g_assert_cmpint(protection.minutes, ==, rows[i].protection.minutes);
    }
}

static void test_bad_protection(void)
{
    static const char *const texts[] = {
        "yes", "-1", "366d", "1w", "m", "1.5h", " 1", "1h30m", "99999999999999999999"};

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        Protection protection = {0};
        g_autoptr(Error) e = protection_parse(texts[i], &protection);

        g_assert_nonnull(e);
        g_assert_cmpint(e->code, ==, ERR_INVALID);
    }
}

static void test_extra_config(void)
{
    static const struct {
        const char *text;
        const char *json;
    } rows[] = {
        {"a=1", "{\"a\": \"1\"}"},
        {"a=1,b=2", "{\"a\": \"1\", \"b\": \"2\"}"},
        {"search_path=a,b", "{\"search_path\": \"a,b\"}"},
        {"shared_preload_libraries=x,y,work_mem=1MB",
         "{\"shared_preload_libraries\": \"x,y\", \"work_mem\": \"1MB\"}"},
        {"pg_stat_statements.max=1", "{\"pg_stat_statements.max\": \"1\"}"},
        {"a=", "{\"a\": \"\"}"},
        {"a=b=c", "{\"a\": \"b=c\"}"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(json_t) settings = json_object();
        g_autoptr(json_t) expected = json_loads(rows[i].json, 0, NULL);
        g_autoptr(Error) e = clone_request_add_settings(rows[i].text, settings);

        g_assert_null(e);
        g_assert_true(json_equal(settings, expected));
    }
}

static void test_bad_extra_config(void)
{
    static const char *const texts[] = {"", "a", "=1", "a,b"};

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(json_t) settings = json_object();
        g_autoptr(Error) e = clone_request_add_settings(texts[i], settings);

        g_assert_nonnull(e);
        g_assert_nonnull(e->hint);
    }
}

static json_t *build_good(const char *line, const char *branch)
{
    g_auto(GStrv) words = g_strsplit(line, " ", -1);
    g_autoptr(Args) args = NULL;
    json_t *request = NULL;
    g_autoptr(Error) e = args_parse((const char *const *)words, &args);

    g_assert_null(e);
    e = clone_request_build(args, branch, &request);
    g_assert_null(e);
    return request;
}

static void test_request(void)
{
    g_autoptr(json_t) small = build_good("clone create --username u --password p", "main");
    g_autoptr(json_t) of_branch = build_good("clone create --username u --password p", "dev");
    g_autoptr(json_t) full =
        build_good("clone create --username u --password p --restricted --db-name d --id c1 "
                   "--snapshot-id s@1 --protected 2h --extra-config a=1 --extra-config b=2",
                   "dev");
    g_autoptr(json_t) expected =
        json_loads("{\"id\": \"c1\", \"protected\": true, \"protectionDurationMinutes\": 120,"
                   " \"snapshot\": {\"id\": \"s@1\"}, \"extra_conf\": {\"a\": \"1\", \"b\": \"2\"},"
                   " \"db\": {\"username\": \"u\", \"password\": \"p\", \"restricted\": true,"
                   "          \"db_name\": \"d\"}}",
                   0, NULL);

    g_assert_true(json_equal(full, expected));
    g_assert_true(json_is_null(json_at(small, "snapshot")));
    g_assert_true(json_is_false(json_at(small, "protected")));
    g_assert_null(json_at(small, "branch"));
    g_assert_cmpstr(json_text_at(of_branch, "branch"), ==, "dev");
}

static void test_paths(void)
{
    static const struct {
        const char *id;
        const char *path;
    } rows[] = {
        {"c1", "/snapshot/c1"},
        {"pool/branch/main/c1/r0@20240101120000",
         "/snapshot/pool/branch/main/c1/r0@20240101120000"},
        {"a?force=true", "/snapshot/a%3Fforce%3Dtrue"},
        {"a b#c%41", "/snapshot/a%20b%23c%2541"},
        {"..", NULL},
        {"p/../../clone/c1", NULL},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = NULL;
        g_autoptr(Error) e = client_path("/snapshot/", rows[i].id, "", &path);

        g_assert_cmpstr(path, ==, rows[i].path);
        g_assert_cmpint(e != NULL, ==, rows[i].path == NULL);
    }
}

static void test_exit_status(void)
{
    static const struct {
        ErrorCode code;
        ExitStatus status;
    } rows[] = {
        {ERR_INVALID, STATUS_USAGE},     {ERR_NOT_FOUND, STATUS_NOT_FOUND},
        {ERR_DENIED, STATUS_DENIED},     {ERR_BUSY, STATUS_UNREACHABLE},
        {ERR_TIMEOUT, STATUS_TIMED_OUT}, {ERR_EXTERNAL, STATUS_FAILED},
        {ERR_CONFLICT, STATUS_FAILED},
    };

    g_assert_cmpint(exit_status_of(NULL), ==, STATUS_OK);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Error) e = error_new(rows[i].code, "x");

        g_assert_cmpint(exit_status_of(e), ==, rows[i].status);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/request/protection", test_protection);
    g_test_add_func("/request/bad_protection", test_bad_protection);
    g_test_add_func("/request/extra_config", test_extra_config);
    g_test_add_func("/request/bad_extra_config", test_bad_extra_config);
    g_test_add_func("/request/clone_create", test_request);
    g_test_add_func("/request/paths", test_paths);
    g_test_add_func("/request/exit_status", test_exit_status);
    return g_test_run();
}

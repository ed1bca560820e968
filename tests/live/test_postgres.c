/*
 * src/postgres against a real server.
 */
#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "cluster.h"
#include "postgres/activity.h"
#include "postgres/conf.h"
#include "postgres/controldata.h"
#include "postgres/ready.h"
#include "postgres/roles.h"

#define N_MEASURED 9
#define STATS_US   2000000 /* by then statistics of an ended session are there; before 15: 500 ms */

static void assert_answer(const char *dbname, const char *sql, const char *expected)
{
    g_autoptr(Conn) conn = cluster_manager(dbname);
    g_autofree char *answer = cluster_ask(conn, sql);

    g_assert_cmpstr(answer, ==, expected);
}

static Error *try_login(const char *user, const char *password, const char *dbname)
{
    ConnSpec spec = cluster_server(user, password, dbname);
    g_autoptr(Conn) conn = NULL;

    return conn_open(&spec, &conn);
}

static void assert_denied(const char *user, const char *password)
{
    g_autoptr(Error) e = try_login(user, password, "postgres");

    g_assert_nonnull(e);
    g_assert_cmpint(e->code, ==, ERR_DENIED);
    g_assert_null(strstr(e->detail, password));
}

/* --- tests --- */

static void test_ready_and_control_data(void)
{
    ControlData running, stopped;
    int64_t major = 0;

    assert_ok(installation_data_major(cluster.data_dir, &major));
    g_assert_cmpint(major, ==, cluster.installation->major);
    assert_ok(control_data_read(cluster.data_dir, major, &running));
    g_assert_cmpstr(running.state, ==, "in production");
    g_assert_false(running.is_shut_down);

    cluster_stop(SIGINT);
    assert_ok(control_data_read(cluster.data_dir, major, &stopped));
    g_assert_true(stopped.is_shut_down);

    g_autoptr(Conn) conn = NULL;
    int64_t start_ms = clock_monotonic_ms();
    cluster_start(&conn);
    g_test_message("start to ready: %" G_GINT64_FORMAT " ms", clock_monotonic_ms() - start_ms);
    g_assert_cmpint(conn_major(conn), ==, major);
}

static void test_ready_without_database(void)
{
    ConnSpec spec = cluster_server(MANAGER, NULL, "no \"such\" db");
    g_autoptr(Conn) conn = NULL;
    g_autoptr(Error) e =
        ready_wait(&spec, cluster.data_dir, CLUSTER_READY_MS, cluster_has_ended, NULL, &conn);

    g_assert_cmpint(e->code, ==, ERR_NOT_FOUND);
    g_assert_cmpstr(e->message, ==, "database \"no \"such\" db\" does not exist");
}

static void test_query(void)
{
    g_autoptr(Conn) conn = cluster_manager("postgres");
    g_autoptr(Rows) rows = NULL;
    g_autofree char *name = conn_quote_name(conn, "a \"b\"");
    g_autofree char *text = conn_quote_text(conn, "it's");

    assert_ok(conn_query(conn, &rows, "SELECT $1::text, NULL, 7::int, $2::int", "'; DROP TABLE x",
                         "8", NULL));
    g_assert_cmpint(rows_count(rows), ==, 1);
    g_assert_cmpstr(rows_text(rows, 0, 0), ==, "'; DROP TABLE x");
    g_assert_true(rows_is_null(rows, 0, 1));
    g_assert_cmpstr(rows_text(rows, 0, 1), ==, "");
    g_assert_cmpint(rows_int(rows, 0, 2) + rows_int(rows, 0, 3), ==, 15);
    g_assert_cmpstr(name, ==, "\"a \"\"b\"\"\"");
    g_assert_cmpstr(text, ==, "'it''s'");
}

static void assert_fails(const char *sql, ErrorCode code, const char *words)
{
    ConnSpec spec = cluster_server(MANAGER, NULL, "postgres");
    g_autoptr(Conn) conn = NULL;

    spec.options = "-c statement_timeout=200";
    assert_ok(conn_open(&spec, &conn));
    g_autoptr(Error) e = conn_script(conn, sql);

    g_assert_nonnull(e);
    g_assert_cmpint(e->code, ==, code);
    g_assert_nonnull(strstr(e->message, words));
    g_assert_null(strstr(e->message, "s3cret"));
    g_assert_true(e->detail == NULL || strstr(e->detail, "s3cret") == NULL);
    assert_ok(conn_script(conn, "ROLLBACK; SELECT 1")); /* of use again */
}

static void test_errors(void)
{
    assert_fails("SELECT 's3cret' FROM nothing", ERR_NOT_FOUND,
                 "relation \"nothing\" does not exist");
    assert_fails("SELECT nothing('s3cret')", ERR_NOT_FOUND, "does not exist");
    assert_fails("SELECT 's3cret", ERR_EXTERNAL, "syntax error");
    assert_fails("SELECT 1 's3cret'", ERR_EXTERNAL, "syntax error");
    assert_fails("DO $$ BEGIN EXECUTE 'SELECT 1/0, ''s3cret'''; END $$", ERR_INVALID,
                 "division by zero");
    assert_fails("SELECT pg_sleep(9), 's3cret'", ERR_TIMEOUT, "timeout");
    assert_fails("COPY pg_class FROM STDIN", ERR_INVALID, "COPY");
    assert_fails("CREATE ROLE x PASSWORD 's3cret'; CREATE ROLE x PASSWORD 's3cret'", ERR_CONFLICT,
                 "exists");
}

static void test_query_timeout(void)
{
    ConnSpec spec = cluster_server(MANAGER, NULL, "postgres");
    g_autoptr(Conn) conn = NULL;
    int64_t start_ms = clock_monotonic_ms();

    spec.query_timeout_ms = 100;
    assert_ok(conn_open(&spec, &conn));
    g_autoptr(Error) e = conn_script(conn, "SELECT pg_sleep(9)");
    g_assert_cmpint(e->code, ==, ERR_TIMEOUT);
    g_assert_cmpint(clock_monotonic_ms() - start_ms, <, 3000);
}

static void test_lost_server(void)
{
    g_autoptr(Conn) conn = cluster_manager("postgres");
    g_autoptr(Error) e = conn_script(conn, "SELECT pg_terminate_backend(pg_backend_pid())");
    g_autoptr(Error) again = conn_script(conn, "SELECT 1");

    g_assert_cmpint(e->code, ==, ERR_EXTERNAL);
    g_assert_cmpint(again->code, ==, ERR_EXTERNAL);
}

static char *secret_of(const char *user, const char *password)
{
    char *secret = NULL;

    assert_ok(conn_password_secret(cluster.installation->major, user, password, &secret));
    return secret;
}

static char *settings_reset; /* by the last prepare() */

static Error *prepare(const char *user, const char *password, RolesSpec spec)
{
    g_autofree char *secret = secret_of(user, password);
    ConnSpec where = cluster_server(MANAGER, NULL, NULL);

    spec.user = user;
    spec.secret = secret;
    spec.manager = MANAGER;
    spec.dbname = spec.dbname ? spec.dbname : "postgres";
    g_clear_pointer(&settings_reset, g_free);
    return roles_prepare(&where, &spec, &settings_reset);
}

static void test_superuser(void)
{
    static const char *const names[] = {"ann",         "Ann O'Neil", "\"; DROP ROLE ann; --",
                                        "жук %s %1$I", "all",        "back\\slash"};

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(Conn) conn = NULL;
        ConnSpec spec = cluster_server(names[i], "pa'ss\\ wörd", "postgres");

        assert_ok(prepare(names[i], "pa'ss\\ wörd", (RolesSpec){}));
        assert_denied(names[i], "another");
        assert_ok(conn_open(&spec, &conn));
        g_autofree char *super =
            cluster_ask(conn, "SELECT rolname = session_user AND rolsuper FROM pg_roles "
                              "WHERE rolname = session_user");
        g_assert_cmpstr(super, ==, "t");
    }
}

static void test_other_users(void)
{
    cluster_run("postgres",
                "SET password_encryption = 'scram-sha-256'; CREATE ROLE app LOGIN PASSWORD "
                "'app'; CREATE ROLE \"odd \"\"one\" LOGIN PASSWORD 'x';"
                "CREATE ROLE people; CREATE ROLE nobody LOGIN");
    assert_ok(prepare("ann", "one", (RolesSpec){.keep_user_passwords = true}));
    assert_ok(try_login("app", "app", "postgres"));
    assert_ok(prepare("ann", "two", (RolesSpec){}));
    assert_denied("app", "app");
    assert_denied("odd \"one", "x");
    assert_denied("ann", "one");
    assert_ok(try_login("ann", "two", "postgres"));
    assert_ok(try_login(MANAGER, NULL, "postgres"));
    assert_answer("postgres",
                  "SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_authid "
                  "WHERE rolname IN ('people', 'nobody') AND rolpassword IS NULL",
                  "nobody people");
}

/* An existing user gets in again whatever kept it out, and rights of the manager stay. */
static void test_existing_users(void)
{
    cluster_run("postgres", "CREATE ROLE old NOLOGIN CONNECTION LIMIT 0 VALID UNTIL '2001-01-01'");
    assert_ok(prepare("old", "x", (RolesSpec){}));
    assert_ok(try_login("old", "x", "postgres"));
    assert_ok(prepare("old", "x", (RolesSpec){.is_restricted = true}));
    assert_answer("postgres", "SELECT rolsuper FROM pg_roles WHERE rolname = 'old'", "f");

    assert_ok(prepare(MANAGER, "x", (RolesSpec){.is_restricted = true}));
    assert_answer("postgres", "SELECT rolsuper FROM pg_roles WHERE rolname = current_user", "t");
}

/* Nor does what was set for it: its rights and its way in are back, in each database. */
static void test_settings_of_existing_users(void)
{
    g_autoptr(Conn) conn = NULL;
    ConnSpec spec = cluster_server("sv\"c", "x", "postgres");

    cluster_run("postgres",
                "CREATE ROLE less; CREATE ROLE \"sv\"\"c\" LOGIN; GRANT less TO \"sv\"\"c\";"
                "ALTER ROLE \"sv\"\"c\" SET work_mem = '9MB';"
                "ALTER ROLE \"sv\"\"c\" SET session_preload_libraries = 'missing';"
                "ALTER ROLE \"sv\"\"c\" SET default_transaction_read_only = on;"
                "ALTER ROLE \"sv\"\"c\" IN DATABASE postgres SET role = 'less'");
    assert_ok(prepare("sv\"c", "x", (RolesSpec){.is_restricted = true}));
    g_assert_nonnull(strstr(settings_reset, "session_preload_libraries"));
    g_assert_nonnull(strstr(settings_reset, "default_transaction_read_only"));
    g_assert_nonnull(strstr(settings_reset, "role"));
    g_assert_null(strstr(settings_reset, "work_mem"));
    assert_ok(conn_open(&spec, &conn));
    g_autofree char *answer =
        cluster_ask(conn, "SELECT concat_ws(' ', current_user, current_setting('work_mem'), "
                          "current_setting('transaction_read_only'))");
    g_assert_cmpstr(answer, ==, "sv\"c 9MB off");
    assert_ok(prepare("sv\"c", "x", (RolesSpec){.is_restricted = true}));
    g_assert_null(settings_reset);
}

static void test_closed_database(void)
{
    cluster_run("postgres", "CREATE DATABASE shut CONNECTION LIMIT 0");
    cluster_run("postgres", "CREATE DATABASE few CONNECTION LIMIT 2");
    assert_ok(prepare("late", "x", (RolesSpec){.is_restricted = true, .dbname = "shut"}));
    assert_ok(try_login("late", "x", "shut"));
    assert_answer("postgres", "SELECT datconnlimit FROM pg_database WHERE datname = 'few'", "2");
    cluster_run("postgres", "DROP DATABASE shut");
    cluster_run("postgres", "DROP DATABASE few");
}

static void test_missing_database(void)
{
    g_autoptr(Error) e = prepare("ann", "x", (RolesSpec){.dbname = "nothing"});

    g_assert_cmpint(e->code, ==, ERR_NOT_FOUND);
    g_assert_cmpstr(e->message, ==, "database \"nothing\" does not exist");
}

/* What the operator made the server log does not show how users were made. */
static void test_log_is_silent(void)
{
    g_autofree char *log = NULL;

    assert_ok(fs_read_file(cluster.log_path, 64 << 20, &log));
    g_assert_nonnull(strstr(log, "CREATE DATABASE shut")); /* statements are logged */
    g_assert_null(strstr(log, "SCRAM-SHA-256$"));
}

static int compare_ms(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

static void test_speed(void)
{
    double took_ms[N_MEASURED];

    for (int i = 0; i < N_MEASURED; i++) {
        g_autofree char *secret = secret_of("fast", "x");
        g_autoptr(Conn) conn = NULL;

        cluster_stop(SIGINT);
        cluster_start(&conn);
        RolesSpec spec = {
            .user = "fast", .secret = secret, .manager = MANAGER, .dbname = "postgres"};
        int64_t start_us = g_get_monotonic_time();
        assert_ok(roles_prepare_over(conn, NULL, &spec, NULL));
        took_ms[i] = (double)(g_get_monotonic_time() - start_us) / 1000;
        cluster_run("postgres", "DROP ROLE fast");
    }
    qsort(took_ms, N_MEASURED, sizeof(took_ms[0]), compare_ms);
    g_test_message("superuser over ready_wait's connection: median %.1f ms, best %.1f ms",
                   took_ms[N_MEASURED / 2], took_ms[0]);
}

static Error *run_as_user(const ProcSpec *spec, ProcResult *ret_result, void *data)
{
    ProcSpec as_user = *spec;

    as_user.user = cluster.os_user;
    return proc_run(&as_user, ret_result);
}

static Error *check(const json_t *settings)
{
    const ProgramRunner runner = {g_get_tmp_dir(), run_as_user, NULL};

    return conf_check_values(cluster.installation, cluster.os_user, &runner, settings);
}

static void test_check_values(void)
{
    g_autoptr(Json) good =
        json_loads("{\"work_mem\": \"8MB\", \"any.thing\": \"it's \\\\\"}", 0, NULL);
    g_autoptr(Json) bad =
        json_loads("{\"work_mem\": \"abc\", \"nosuch\": 1, \"log_statement\": \"x\","
                   "\"log_min_messages\": \"panic\", \"log_destination\": \"csvlog\"}",
                   0, NULL);
    g_autoptr(Json) one = json_loads("{\"work_mem\": \"abc\"}", 0, NULL);

    assert_ok(check(good));
    g_autoptr(Error) e = check(bad);
    g_assert_cmpint(e->code, ==, ERR_INVALID);
    g_assert_cmpstr(
        e->message, ==,
        "invalid setting: unrecognized configuration parameter \"nosuch\" (and 2 more)");
    g_assert_nonnull(strstr(e->detail, "\"work_mem\": \"abc\""));
    g_assert_nonnull(strstr(e->detail, "\"log_statement\": \"x\""));
    g_autoptr(Error) single = check(one);
    g_assert_cmpstr(single->message, ==,
                    "invalid setting: invalid value for parameter \"work_mem\": \"abc\"");
}

static int64_t probe(Activity *ret_activity)
{
    g_autoptr(Conn) conn = cluster_manager("postgres");

    assert_ok(activity_read(conn, ret_activity));
    return activity_own_share(conn);
}

static void test_activity(void)
{
    Activity first = {}, second = {}, third = {};
    Conn *client = NULL;
    ConnSpec spec = cluster_server(MANAGER, NULL, "postgres");

    spec.application = "psql";
    g_usleep(STATS_US);
    probe(&first);
    g_usleep(STATS_US);
    int64_t share = probe(&second);
    g_test_message("counter grew by %" G_GINT64_FORMAT ", own share %" G_GINT64_FORMAT,
                   second.counter - first.counter, share);
    if (cluster.installation->major >= 14)
        g_assert_cmpint(second.counter - first.counter, ==, share);
    g_assert_cmpint(second.sessions, ==, 0);
    g_assert_cmpint(second.last_used_ms, ==, 0);

    assert_ok(conn_open(&spec, &client));
    assert_ok(conn_script(client, "SELECT 1"));
    probe(&third);
    g_assert_cmpint(third.sessions, ==, 1);
    g_assert_cmpint(third.busy, ==, 0);
    g_assert_cmpint(ABS(third.last_used_ms - clock_now_ms()), <, 10000);
    conn_close(client);
    g_usleep(STATS_US);
    probe(&third);
    g_assert_cmpint(third.sessions, ==, 0);
    g_assert_cmpint(third.counter - second.counter, >, 2 * share);
}

static void test_activity_sessions(void)
{
    g_autoptr(Conn) conn = cluster_manager("postgres");
    g_autoptr(Json) events = NULL;
    ConnSpec spec = cluster_server(MANAGER, NULL, "postgres");
    g_autoptr(Conn) tool = NULL;
    int64_t one = 0, all = 0;

    spec.application = "a tool";
    assert_ok(conn_open(&spec, &tool));
    assert_ok(conn_script(tool, "BEGIN; SELECT 'working'"));
    assert_ok(activity_sessions(conn, "a tool", &events));
    g_assert_cmpuint(json_array_size(events), ==, 1);
    const json_t *event = json_array_get(events, 0);
    g_assert_cmpstr(json_string_value(json_object_get(event, "user")), ==, MANAGER);
    g_assert_nonnull(strstr(json_string_value(json_object_get(event, "query")), "working"));
    g_assert_true(json_is_real(json_object_get(event, "duration")));
    g_assert_cmpstr(json_string_value(json_object_get(event, "waitEvent")), ==, "ClientRead");

    assert_ok(activity_database_bytes(conn, "postgres", &one));
    assert_ok(activity_database_bytes(conn, NULL, &all));
    g_assert_cmpint(one, >, 1000000);
    g_assert_cmpint(all, >, one);
}

/* --- the frame --- */

static int run_tests(int argc, char **argv)
{
    g_autoptr(Conn) conn = NULL;

    g_test_init(&argc, &argv, NULL);
    cluster_init();
    cluster_configure("{\"log_statement\": \"all\", \"log_min_duration_statement\": 0}");
    cluster_start(&conn);
    conn_close(g_steal_pointer(&conn));

    g_test_add_func("/live/postgres/ready-and-control-data", test_ready_and_control_data);
    g_test_add_func("/live/postgres/ready-without-database", test_ready_without_database);
    g_test_add_func("/live/postgres/query", test_query);
    g_test_add_func("/live/postgres/errors", test_errors);
    g_test_add_func("/live/postgres/query-timeout", test_query_timeout);
    g_test_add_func("/live/postgres/lost-server", test_lost_server);
    g_test_add_func("/live/postgres/superuser", test_superuser);
    g_test_add_func("/live/postgres/other-users", test_other_users);
    g_test_add_func("/live/postgres/existing-users", test_existing_users);
    g_test_add_func("/live/postgres/settings-of-existing-users", test_settings_of_existing_users);
    g_test_add_func("/live/postgres/closed-database", test_closed_database);
    g_test_add_func("/live/postgres/missing-database", test_missing_database);
    g_test_add_func("/live/postgres/log-is-silent", test_log_is_silent);
    g_test_add_func("/live/postgres/speed", test_speed);
    g_test_add_func("/live/postgres/check-values", test_check_values);
    g_test_add_func("/live/postgres/activity", test_activity);
    g_test_add_func("/live/postgres/activity-sessions", test_activity_sessions);
    return g_test_run();
}

int main(int argc, char **argv)
{
    return cluster_main(argc, argv, run_tests);
}

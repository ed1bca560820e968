/*
 * What a restricted user owns, in data of others and in data that we have filled.
 */
#include <string.h>

#include "base/clock.h"
#include "cluster.h"
#include "postgres/owners.h"
#include "postgres/roles.h"
#include "postgres/version.h"

static void assert_answer(const char *dbname, const char *sql, const char *expected)
{
    g_autoptr(Conn) conn = cluster_manager(dbname);
    g_autofree char *answer = cluster_ask(conn, sql);

    g_assert_cmpstr(answer, ==, expected);
}

static Error *prepare_from(const ConnSpec *where, RolesSpec spec)
{
    g_autofree char *secret = NULL;

    assert_ok(conn_password_secret(cluster.installation->major, spec.user, "x", &secret));
    spec.secret = secret;
    spec.is_restricted = true;
    spec.dbname = "postgres";
    return roles_prepare(where, &spec, NULL);
}

static Error *prepare(const char *user)
{
    ConnSpec where = cluster_server(MANAGER, NULL, NULL);

    return prepare_from(&where, (RolesSpec){.user = user, .manager = MANAGER});
}

/* One of each kind that can be owned, some of them with names that need quotes. */
static const char objects_sql[] =
    "CREATE SCHEMA \"My \"\"Schema\"; CREATE SCHEMA plain; SET search_path = \"My \"\"Schema\";"
    "CREATE TABLE \"T's\" (id serial, n int GENERATED ALWAYS AS IDENTITY, t text);"
    "CREATE INDEX ON \"T's\" (t); CREATE STATISTICS st ON id, t FROM \"T's\";"
    "CREATE TABLE parts (id int) PARTITION BY RANGE (id);"
    "CREATE TABLE part PARTITION OF parts FOR VALUES FROM (1) TO (2);"
    "CREATE VIEW v AS SELECT 1 AS one; CREATE MATERIALIZED VIEW m AS SELECT 1 AS one;"
    "CREATE SEQUENCE alone; CREATE TYPE pair AS (a int, b int); CREATE TYPE mood AS ENUM ('ok');"
    "CREATE DOMAIN positive AS int CHECK (VALUE > 0); CREATE TYPE span AS RANGE (subtype = float8);"
    "CREATE FUNCTION f(int, text) RETURNS int LANGUAGE sql AS 'SELECT 1';"
    "CREATE FUNCTION dblink_like() RETURNS int LANGUAGE sql AS 'SELECT 1';"
    "CREATE FUNCTION step(int) RETURNS int LANGUAGE sql AS 'SELECT 1';"
    "CREATE AGGREGATE total(int) (sfunc = int4pl, stype = int);"
    "CREATE AGGREGATE n(*) (sfunc = step, stype = int, initcond = '0');"
    "CREATE OPERATOR === (leftarg = int, rightarg = int, procedure = int4eq);"
    "CREATE COLLATION mine (locale = 'C'); CREATE CONVERSION conv FOR 'LATIN1' TO 'UTF8' FROM "
    "iso8859_1_to_utf8;"
    "CREATE TEXT SEARCH DICTIONARY words (template = simple);"
    "CREATE TEXT SEARCH CONFIGURATION search (copy = simple);"
    "CREATE FUNCTION base_in(cstring) RETURNS base IMMUTABLE STRICT LANGUAGE internal AS 'int4in';"
    "CREATE FUNCTION base_out(base) RETURNS cstring IMMUTABLE STRICT LANGUAGE internal AS "
    "'int4out';"
    "CREATE TYPE base (input = base_in, output = base_out, internallength = 4, passedbyvalue);"
    "CREATE FOREIGN DATA WRAPPER \"f w\"; CREATE SERVER \"far away\" FOREIGN DATA WRAPPER \"f w\";"
    "CREATE PUBLICATION pub; SELECT lo_from_bytea(4711, 'large');"
    "CREATE FUNCTION public.no() RETURNS event_trigger LANGUAGE plpgsql AS "
    "'BEGIN RAISE EXCEPTION ''no''; END'; CREATE EVENT TRIGGER no ON ddl_command_start "
    "EXECUTE PROCEDURE public.no()";

/*
 * What of the users' the user may not do with as its owner, but for one function of each database.
 * %s = the user
 */
static const char not_owned_sql[] =
    "WITH space AS (SELECT oid FROM pg_namespace WHERE nspname !~ '^pg_' AND "
    "  nspname <> 'information_schema') "
    "SELECT string_agg(concat(what, ' of ', owner::regrole), ', ') FROM ("
    "  SELECT nspname AS what, nspowner AS owner FROM pg_namespace n JOIN space s ON s.oid = n.oid"
    "  UNION ALL SELECT relname, relowner FROM pg_class JOIN space s ON s.oid = relnamespace"
    "  UNION ALL SELECT typname, typowner FROM pg_type JOIN space s ON s.oid = typnamespace"
    "  UNION ALL SELECT proname, proowner FROM pg_proc p JOIN space s ON s.oid = pronamespace"
    "    WHERE proname <> 'dblink_like' AND p.oid NOT IN (SELECT objid FROM pg_depend"
    "      WHERE classid = 'pg_proc'::regclass AND deptype = 'e')"
    "  UNION ALL SELECT oprname, oprowner FROM pg_operator JOIN space s ON s.oid = oprnamespace"
    "  UNION ALL SELECT collname, collowner FROM pg_collation JOIN space s ON s.oid = collnamespace"
    "  UNION ALL SELECT conname, conowner FROM pg_conversion JOIN space s ON s.oid = connamespace"
    "  UNION ALL SELECT dictname, dictowner FROM pg_ts_dict JOIN space s ON s.oid = dictnamespace"
    "  UNION ALL SELECT cfgname, cfgowner FROM pg_ts_config JOIN space s ON s.oid = cfgnamespace"
    "  UNION ALL SELECT stxname, stxowner FROM pg_statistic_ext JOIN space s ON s.oid = "
    "stxnamespace"
    "  UNION ALL SELECT srvname, srvowner FROM pg_foreign_server"
    "  UNION ALL SELECT pubname, pubowner FROM pg_publication"
    "  UNION ALL SELECT lanname, lanowner FROM pg_language WHERE oid >= 16384 AND oid NOT IN "
    "    (SELECT objid FROM pg_depend WHERE classid = 'pg_language'::regclass AND deptype = 'e')"
    "  UNION ALL SELECT datname, datdba FROM pg_database WHERE NOT datistemplate %s"
    ") AS things WHERE NOT pg_has_role('%s', owner, 'USAGE')";

/* What only the owner's role can bring, not an ALTER. */
static const char rest_sql[] =
    "UNION ALL SELECT oid::text, lomowner FROM pg_largeobject_metadata "
    "UNION ALL SELECT evtname, evtowner FROM pg_event_trigger "
    "UNION ALL SELECT fdwname, fdwowner FROM pg_foreign_data_wrapper "
    "UNION ALL SELECT 'default privileges', defaclrole FROM pg_default_acl "
    "UNION ALL SELECT subname, subowner FROM pg_subscription ";

static void assert_owns(const char *dbname, const char *user, const char *rest)
{
    g_autofree char *sql = g_strdup_printf(not_owned_sql, rest, user);

    assert_answer(dbname, sql, "");
}

static void test_restricted(void)
{
    static const char other[] = "other \"db\"";

    cluster_run("postgres", "CREATE DATABASE \"other \"\"db\"\"\"");
    cluster_run("postgres", "CREATE DATABASE closed ALLOW_CONNECTIONS false");
    cluster_run("postgres", objects_sql);
    cluster_run(other, objects_sql);
    if (installation_has_extension(cluster.installation, "pageinspect"))
        cluster_run(other, "SET session_replication_role = replica; CREATE EXTENSION pageinspect");

    int64_t start_ms = clock_monotonic_ms();
    assert_ok(prepare("resi \"dent"));
    g_test_message("restricted user, 2 databases: %" G_GINT64_FORMAT " ms",
                   clock_monotonic_ms() - start_ms);
    assert_owns("postgres", "resi \"dent", "");
    assert_owns(other, "resi \"dent", "");
    assert_answer("postgres",
                  "SELECT count(*) FROM pg_database WHERE datdba <> "
                  "(SELECT oid FROM pg_roles WHERE rolname = 'resi \"dent') "
                  "AND NOT datistemplate",
                  "0");
    assert_answer(other,
                  "SELECT count(*) FROM pg_namespace WHERE nspname ~ '^pg_' AND "
                  "pg_get_userbyid(nspowner) <> current_user",
                  "0");
    assert_answer(other,
                  "SELECT count(*) FROM pg_depend JOIN pg_proc p ON p.oid = objid WHERE "
                  "classid = 'pg_proc'::regclass AND deptype = 'e' AND proowner <> 10",
                  "0");
    assert_ok(prepare("resi \"dent")); /* repeated */
    cluster_run(other, "SET session_replication_role = replica; DROP EVENT TRIGGER no");

    ConnSpec spec = cluster_server("resi \"dent", "x", other);
    g_autoptr(Conn) conn = NULL;
    assert_ok(conn_open(&spec, &conn));
    assert_ok(
        conn_script(conn, "DROP TABLE \"My \"\"Schema\".\"T's\"; CREATE TABLE public.mine ()"));
    g_autofree char *large = cluster_ask(conn, "SELECT convert_from(lo_get(4711), 'UTF8')");
    g_assert_cmpstr(large, ==, "large");
    assert_ok(conn_script(conn,
                          "SELECT lo_put(4711, 0, 'L'), lo_unlink(4711);"
                          "ALTER SERVER \"far away\" OPTIONS (ADD host 'x'); DROP PUBLICATION pub;"
                          "CREATE SERVER near FOREIGN DATA WRAPPER \"f w\""));
    g_autoptr(Error) e = conn_script(conn, "CREATE ROLE z");
    g_assert_cmpint(e->code, ==, ERR_DENIED);
}

/* --- data that we have filled --- */

#define BOSS     "bo'ss"
#define BOSS_KEY "b"

/* OID 10 is as OWNERS_SYSTEM here; all else is others'. */
static const char settled_roles_sql[] =
    "ALTER ROLE \"bo'ss\" PASSWORD 'b'; ALTER ROLE \"bo'ss\" SET work_mem = '7MB';"
    "COMMENT ON ROLE \"bo'ss\" IS 'it''s';"
    "CREATE ROLE team LOGIN; CREATE ROLE maker CREATEROLE; CREATE ROLE dba SUPERUSER;"
    "CREATE ROLE deputy IN ROLE dba; CREATE ROLE reader IN ROLE \"bo'ss\"";

static const char settled_things_sql[] =
    "CREATE SCHEMA work; GRANT ALL ON SCHEMA work TO PUBLIC;"
    "SET ROLE team; CREATE TABLE work.of_team AS SELECT 1 AS one; SELECT lo_create(4712);"
    "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC; RESET ROLE;"
    "ALTER DEFAULT PRIVILEGES IN SCHEMA work GRANT SELECT ON TABLES TO PUBLIC;"
    "SET ROLE maker; CREATE TABLE work.of_maker (); SET ROLE deputy;"
    "CREATE TABLE work.of_deputy (); SET ROLE dba; CREATE VIEW work.of_dba AS TABLE work.of_team;"
    "RESET ROLE; CREATE VIEW work.of_boss AS TABLE work.of_team;"
    "CREATE SUBSCRIPTION sub CONNECTION 'dbname=x' PUBLICATION pub WITH (connect = false);";

static void fill_as_boss(const char *dbname)
{
    g_autofree char *things =
        g_strconcat("SET SESSION AUTHORIZATION \"bo'ss\";", settled_things_sql, objects_sql, NULL);

    cluster_run(dbname, things);
}

static const char harm_sql[] =
    "SELECT string_agg(rolname, ' ') FROM pg_roles WHERE pg_has_role('%s', oid, 'MEMBER') AND "
    "(rolsuper OR (rolcreaterole AND current_setting('server_version_num')::int < 160000) OR "
    "rolname IN ('pg_execute_server_program', "
    "'pg_read_server_files', 'pg_write_server_files', 'pg_read_all_data'))";

static void assert_harmless(const char *user)
{
    g_autofree char *sql = g_strdup_printf(harm_sql, user);

    assert_answer("postgres", sql, "");
}

/* What a user of "settled" can do with it. */
static void assert_works(const char *user)
{
    ConnSpec spec = cluster_server(user, "x", "settled");
    g_autoptr(Conn) conn = NULL;

    assert_ok(conn_open(&spec, &conn));
    assert_ok(conn_script(
        conn, "DROP EVENT TRIGGER no; CREATE TABLE work.mine AS SELECT 2 AS two;"
              "CREATE OR REPLACE VIEW work.of_boss AS SELECT one FROM work.of_team, work.mine;"
              "CREATE OR REPLACE VIEW work.of_dba AS SELECT one FROM work.of_team, work.mine;"
              "SELECT FROM work.of_boss; SELECT FROM work.of_dba;"
              "ALTER TABLE work.of_team ADD n int; DROP TABLE work.of_deputy, work.of_maker;"
              "GRANT SELECT ON work.of_team TO PUBLIC; SELECT lo_get(4711), lo_unlink(4712);"
              "ALTER DEFAULT PRIVILEGES IN SCHEMA work REVOKE SELECT ON TABLES FROM PUBLIC;"
              "ALTER DEFAULT PRIVILEGES FOR ROLE team REVOKE SELECT ON TABLES FROM PUBLIC;"
              "ALTER SUBSCRIPTION sub SET (slot_name = NONE); DROP SUBSCRIPTION sub;"
              "CREATE SERVER near FOREIGN DATA WRAPPER \"f w\"; CREATE TABLE public.t ();"
              "ALTER DATABASE settled SET work_mem = '8MB'"));
    g_autoptr(Error) e = conn_script(conn, "CREATE ROLE z");
    g_assert_cmpint(e->code, ==, ERR_DENIED);
}

/* A name that is no UTF-8, where there is no encoding, of a thing that changes hands. */
static void make_bytes(void)
{
    ConnSpec spec = cluster_server(MANAGER, NULL, "bytes");
    g_autoptr(Conn) conn = NULL;

    cluster_run("postgres", "CREATE DATABASE bytes TEMPLATE template0 ENCODING 'SQL_ASCII' "
                            "LC_COLLATE 'C' LC_CTYPE 'C'");
    assert_ok(conn_open(&spec, &conn));
    assert_ok(conn_script(conn, "SET client_encoding = 'SQL_ASCII'"));
    assert_ok(conn_script(conn, "CREATE TABLE \"t\xe9\" ()"));
}

static void test_settled(void)
{
    ConnSpec system = cluster_server(MANAGER, NULL, NULL);
    ConnSpec boss = cluster_server(BOSS, BOSS_KEY, NULL);
    RolesSpec spec = {.user = "one", .manager = BOSS, .keep_user_passwords = true};
    g_autoptr(Conn) conn = cluster_manager("postgres");

    cluster_run("postgres", "SET session_replication_role = replica; DROP EVENT TRIGGER no;"
                            "REASSIGN OWNED BY \"resi \"\"dent\" TO \"the manager\"");
    cluster_run("postgres", "DROP DATABASE \"other \"\"db\"\"\"");
    assert_ok(owners_make_manager(conn, BOSS));
    cluster_run("postgres", settled_roles_sql);
    cluster_run("postgres", "CREATE DATABASE settled TEMPLATE template0 OWNER \"bo'ss\"");
    fill_as_boss("settled");
    make_bytes();
    assert_ok(owners_settle(&system, BOSS));
    assert_answer("bytes",
                  "SELECT tableowner FROM pg_tables WHERE tablename LIKE 't_' "
                  "AND schemaname = 'public'",
                  BOSS);

    assert_ok(prepare_from(&boss, spec));
    assert_owns("settled", "one", rest_sql);
    assert_harmless("one");
    assert_answer("settled", "SELECT tableowner FROM pg_tables WHERE tablename = 'T''s'", "one");
    assert_answer("settled", "SELECT tableowner FROM pg_tables WHERE tablename = 'of_team'",
                  "team");
    assert_answer("settled",
                  "SELECT concat(rolsuper, rolcanlogin, rolconfig, shobj_description(oid, "
                  "'pg_authid')) FROM pg_roles WHERE rolname = 'bo''ss'",
                  "tt{work_mem=7MB}it's");
    assert_works("one");

    assert_ok(prepare_from(&boss, spec)); /* repeated */
    spec.user = "two";
    assert_ok(prepare_from(&boss, spec)); /* of a clone's snapshot */
    assert_owns("settled", "two", rest_sql);
    assert_harmless("two");
    spec.user = "team";
    assert_ok(prepare_from(&boss, spec)); /* who is there already */
    assert_owns("settled", "team", "");
    assert_harmless("team");
}

/* --- the frame --- */

static int run_tests(int argc, char **argv)
{
    g_autoptr(Conn) conn = NULL;

    g_test_init(&argc, &argv, NULL);
    cluster_init();
    cluster_configure("{\"log_statement\": \"all\"}");
    cluster_start(&conn);
    conn_close(g_steal_pointer(&conn));

    g_test_add_func("/live/owners/restricted", test_restricted);
    g_test_add_func("/live/owners/settled", test_settled);
    return g_test_run();
}

int main(int argc, char **argv)
{
    return cluster_main(argc, argv, run_tests);
}

/*
 * Roles go from one server to another as they are. Here both are one: the roles are read, dropped,
 * and written again; afterwards the catalogs say what they said before.
 */
#include <signal.h>
#include <string.h>

#include "cluster.h"
#include "postgres/role_catalog.h"
#include "postgres/version.h"

/* --- the roles of the source --- */

/* 63 bytes, quotes, dollars, letters of other scripts, and what looks like SQL. */
static const char roles_sql[] =
    "CREATE ROLE app LOGIN PASSWORD 'secret'; CREATE ROLE readers NOINHERIT;"
    "CREATE ROLE \"a\"\"b\" LOGIN CONNECTION LIMIT 3 VALID UNTIL '2030-02-03 04:05:06+07';"
    "CREATE ROLE \"$1\" CREATEDB; CREATE ROLE \"жук ü 码\" CREATEROLE; CREATE ROLE \"x pg_x\";"
    "CREATE ROLE \"'; DROP ROLE app; --\" REPLICATION BYPASSRLS; CREATE ROLE \"all\" SUPERUSER;"
    "CREATE ROLE \"back\\slash\nline\" LOGIN VALID UNTIL 'infinity';"
    "CREATE ROLE \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\";"
    "COMMENT ON ROLE app IS E'x\\nCREATE ROLE \"the manager\";';"
    "COMMENT ON ROLE readers IS E'; CREATE ROLE injected SUPERUSER;\\n';"
    "COMMENT ON ROLE \"$1\" IS '$1 $$ '' \\ ';"
    "ALTER ROLE ALL SET work_mem = '77MB'; ALTER ROLE ALL SET \"my.own\" = 'it''s; \\';"
    "ALTER ROLE \"a\"\"b\" SET search_path = \"$user\", 'My \"Schema', public, '';"
    "ALTER ROLE app SET role = 'readers'; ALTER ROLE app SET \"TimeZone\" = 'Asia/Tokyo';"
    "GRANT readers TO app; GRANT readers TO \"a\"\"b\" WITH ADMIN OPTION;"
    "GRANT \"$1\" TO \"a\"\"b\"; GRANT pg_monitor TO app; GRANT app TO \"the manager\";";

/* Who grants is an admin, and comes later in the alphabet. */
static const char grants_sql[] =
    "SET ROLE \"a\"\"b\"; GRANT readers TO \"$1\" WITH ADMIN OPTION; SET ROLE \"$1\";"
    "GRANT readers TO \"'; DROP ROLE app; --\"; RESET ROLE";

/* Each name and what it comes with, whatever the version has. */
static const char digest_sql[] =
    "SELECT string_agg(line, E'\\n' ORDER BY line COLLATE \"C\") FROM ("
    "SELECT to_jsonb(a)::jsonb - 'oid' || jsonb_build_object('comment', "
    "  shobj_description(a.oid, 'pg_authid')) || '{}' FROM pg_authid a WHERE rolname !~ '^pg_' "
    "UNION ALL SELECT jsonb_build_object('role', setrole::regrole, 'config', setconfig) "
    "  FROM pg_db_role_setting WHERE setdatabase = 0 "
    "UNION ALL SELECT to_jsonb(m) - 'oid' - 'roleid' - 'member' - 'grantor' || "
    "  jsonb_build_object('r', roleid::regrole, 'm', member::regrole, 'g', grantor::regrole) "
    "  FROM pg_auth_members m) AS digest (json), LATERAL (SELECT json::text) AS text (line)";

static const char parameters_sql[] =
    "SELECT coalesce(string_agg(parname || paracl::text, ' ' ORDER BY parname), '') "
    "FROM pg_parameter_acl";

static const char drop_sql[] =
    "ALTER ROLE ALL RESET ALL; DROP ROLE IF EXISTS app, readers, \"a\"\"b\", \"$1\", \"жук ü 码\", "
    "\"x pg_x\", \"'; DROP ROLE app; --\", \"all\", \"back\\slash\nline\", "
    "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"";

static bool has_parameter_rights(void)
{
    return version_has(cluster.installation->major, VERSION_HAS_PARAMETER_RIGHTS);
}

static void drop_roles(void)
{
    if (has_parameter_rights())
        cluster_run("postgres", "REVOKE ALL ON PARAMETER work_mem, \"my.own\" FROM app, PUBLIC");
    cluster_run("postgres", drop_sql);
}

static void take_refusal(const char *what, Error *e, void *data)
{
    GString *refused = data;

    g_string_append_printf(refused, "%s: %s\n", what, e->message);
    error_free(e);
}

static RoleCatalog *read_catalog(const char *dbname, bool with_passwords)
{
    g_autoptr(Conn) conn = cluster_manager(dbname);
    RoleCatalog *catalog = NULL;

    assert_ok(role_catalog_read(conn, with_passwords, &catalog));
    return catalog;
}

/* What was refused; caller frees. */
static char *write_catalog(const RoleCatalog *catalog)
{
    g_autoptr(Conn) conn = cluster_manager("postgres");
    GString *refused = g_string_new(NULL);

    assert_ok(role_catalog_write(catalog, conn, MANAGER, take_refusal, refused));
    return g_string_free(refused, FALSE);
}

static char *ask(const char *sql)
{
    g_autoptr(Conn) conn = cluster_manager("postgres");

    return cluster_ask(conn, sql);
}

/* --- tests --- */

static void test_round_trip(void)
{
    cluster_run("postgres", roles_sql);
    cluster_run("postgres", grants_sql);
    if (has_parameter_rights())
        cluster_run("postgres", "GRANT SET ON PARAMETER work_mem TO app WITH GRANT OPTION;"
                                "GRANT ALTER SYSTEM ON PARAMETER \"my.own\" TO PUBLIC");
    g_autofree char *before = ask(digest_sql);
    g_autofree char *parameters = has_parameter_rights() ? ask(parameters_sql) : NULL;
    g_autoptr(RoleCatalog) catalog = read_catalog("postgres", true);

    drop_roles();
    g_autofree char *refused = write_catalog(catalog);
    g_assert_cmpstr(refused, ==, "");
    g_autofree char *after = ask(digest_sql);
    g_assert_nonnull(strstr(after, "injected"));
    g_assert_cmpstr(after, ==, before);
    if (parameters) {
        g_autofree char *parameters_after = ask(parameters_sql);
        g_assert_cmpstr(parameters_after, ==, parameters);
    }
    drop_roles();
}

static void test_without_passwords(void)
{
    cluster_run("postgres", roles_sql);
    g_autoptr(RoleCatalog) catalog = read_catalog("postgres", false);

    drop_roles();
    g_autofree char *refused = write_catalog(catalog);
    g_autofree char *count = ask("SELECT count(*) FROM pg_authid WHERE rolpassword IS NOT NULL");
    g_assert_cmpstr(count, ==, "0");
    drop_roles();
}

/* A plain user reads all but passwords. */
static void test_plain_reader(void)
{
    ConnSpec spec = cluster_server("reader", "x", "postgres");
    RoleCatalog *catalog = NULL;
    Conn *conn = NULL;

    cluster_run("postgres", "SET password_encryption = 'scram-sha-256';"
                            "CREATE ROLE reader LOGIN PASSWORD 'x'");
    assert_ok(conn_open(&spec, &conn));
    assert_ok(role_catalog_read(conn, false, &catalog));
    role_catalog_free(catalog);
    conn_close(conn);
    conn = NULL;
    assert_ok(conn_open(&spec, &conn));
    g_autoptr(Error) e = role_catalog_read(conn, true, &catalog);
    g_assert_cmpint(e->code, ==, ERR_DENIED);
    conn_close(conn);
    cluster_run("postgres", "DROP ROLE reader");
}

/* The manager stays what it is, whatever the source's role of that name is. */
static void test_manager_stays(void)
{
    g_autofree char *before =
        ask("SELECT (to_jsonb(a) - 'oid')::text FROM pg_authid a WHERE oid = 10");

    cluster_run("postgres", "ALTER ROLE \"the manager\" SET work_mem = '5MB'; "
                            "ALTER ROLE \"the manager\" CONNECTION LIMIT 7");
    g_autoptr(RoleCatalog) catalog = read_catalog("postgres", false);
    cluster_run("postgres", "ALTER ROLE \"the manager\" RESET ALL; "
                            "ALTER ROLE \"the manager\" CONNECTION LIMIT -1");
    g_autofree char *refused = write_catalog(catalog);
    g_autofree char *after =
        ask("SELECT (to_jsonb(a) - 'oid')::text FROM pg_authid a WHERE oid = 10");
    g_autofree char *settings = ask("SELECT count(*) FROM pg_db_role_setting WHERE setrole = 10");
    g_assert_cmpstr(refused, ==, "");
    g_assert_cmpstr(after, ==, before);
    g_assert_cmpstr(settings, ==, "0");
}

/* One refusal of each kind; what stands around it is there. */
static void test_refusals(void)
{
    cluster_run("postgres",
                "CREATE ROLE one; CREATE ROLE two; CREATE ROLE three;"
                "INSERT INTO pg_shseclabel SELECT oid, 'pg_authid'::regclass, 'nobody', 'x' "
                "FROM pg_roles WHERE rolname = 'two';"
                "INSERT INTO pg_db_role_setting SELECT 0, oid, '{no_such=1,work_mem=9MB}' "
                "FROM pg_roles WHERE rolname = 'one'");
    g_autoptr(RoleCatalog) catalog = read_catalog("postgres", false);

    cluster_run("postgres", "DELETE FROM pg_shseclabel; DROP ROLE one, two");
    g_autofree char *refused = write_catalog(catalog);
    g_assert_cmpstr(refused, ==,
                    "role \"three\": role \"three\" already exists\n"
                    "setting \"no_such\" of role \"one\": unrecognized configuration parameter "
                    "\"no_such\"\n"
                    "security label on role \"two\": security label provider \"nobody\" is not "
                    "loaded\n");
    g_autofree char *config = ask("SELECT rolconfig FROM pg_roles WHERE rolname = 'one'");
    g_assert_cmpstr(config, ==, "{work_mem=9MB}");
    cluster_run("postgres", "DROP ROLE one, two, three");
}

static void run_ascii(const char *sql)
{
    g_autoptr(Conn) conn = cluster_manager("ascii");

    assert_ok(conn_script(conn, "SET client_encoding = 'SQL_ASCII'"));
    assert_ok(conn_script(conn, sql));
}

/* A name that is no UTF-8, read through a database that has an encoding and one that has none. */
static void test_names_of_no_encoding(void)
{
    static const char *const databases[] = {"postgres", "ascii"};

    cluster_run("postgres", "CREATE DATABASE ascii ENCODING 'SQL_ASCII' TEMPLATE template0");
    run_ascii("CREATE ROLE \"b\xff\xff\"; CREATE ROLE bee");
    for (size_t i = 0; i < G_N_ELEMENTS(databases); i++) {
        g_autoptr(RoleCatalog) catalog = read_catalog(databases[i], false);
        cluster_run("postgres", "DROP ROLE bee");
        g_autofree char *refused = write_catalog(catalog);
        g_assert_cmpstr(refused, ==, "role \"b\uFFFD\uFFFD\": a text of it is not valid UTF-8\n");
        g_autofree char *count = ask("SELECT count(*) FROM pg_roles WHERE rolname = 'bee'");
        g_assert_cmpstr(count, ==, "1");
    }
    run_ascii("DROP ROLE \"b\xff\xff\", bee");
    cluster_run("postgres", "DROP DATABASE ascii");
}

static int run_tests(int argc, char **argv)
{
    g_autoptr(Conn) conn = NULL;

    g_test_init(&argc, &argv, NULL);
    cluster_init();
    cluster_configure("{}");
    cluster_start(&conn);
    conn_close(g_steal_pointer(&conn));

    g_test_add_func("/live/roles/round-trip", test_round_trip);
    g_test_add_func("/live/roles/without-passwords", test_without_passwords);
    g_test_add_func("/live/roles/plain-reader", test_plain_reader);
    g_test_add_func("/live/roles/manager-stays", test_manager_stays);
    g_test_add_func("/live/roles/refusals", test_refusals);
    g_test_add_func("/live/roles/names-of-no-encoding", test_names_of_no_encoding);
    return g_test_run();
}

int main(int argc, char **argv)
{
    return cluster_main(argc, argv, run_tests);
}

/*
 * The parts of conn.c that need no server: connection strings, verifiers, and errors of connections
 * that cannot be.
 */
#include "postgres/conn.h"

#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <string.h>

#include "base/clock.h"

static void assert_parts(const char *conninfo, const char *host, const char *port, const char *user,
                         const char *dbname, bool has_password)
{
    g_auto(ConnParts) parts = {};

    g_assert_null(conn_parse(conninfo, &parts));
    g_assert_cmpstr(parts.host, ==, host);
    g_assert_cmpstr(parts.port, ==, port);
    g_assert_cmpstr(parts.user, ==, user);
    g_assert_cmpstr(parts.dbname, ==, dbname);
    g_assert_cmpint(parts.has_password, ==, has_password);
}

static void test_parse(void)
{
    assert_parts("postgresql://ann:s3c@db.example.com:5433/shop?sslmode=require", "db.example.com",
                 "5433", "ann", "shop", true);
    assert_parts("host=/run/pg user=ann dbname='my db'", "/run/pg", "", "ann", "my db", false);
    assert_parts("hostaddr=10.0.0.7", "10.0.0.7", "", "", "", false);
    assert_parts("postgres://a:1,b:2/x", "a,b", "1,2", "", "x", false);
    assert_parts("", "", "", "", "", false);
}

static void test_malformed(void)
{
    static const char *const malformed[] = {
        "shop", "password=my secret", "postgresql://ann:se%cret@host/db", "host='x", "secret=1",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(malformed); i++) {
        g_auto(ConnParts) parts = {};
        g_autoptr(Conn) conn = NULL;
        ConnSpec spec = {.conninfo = malformed[i]};
        g_autoptr(Error) e = conn_parse(malformed[i], &parts);
        g_autoptr(Error) same = conn_open(&spec, &conn);

        g_assert_nonnull(e);
        g_assert_cmpint(e->code, ==, ERR_INVALID);
        g_assert_null(e->detail);
        g_assert_null(strstr(e->message, "secret"));
        g_assert_cmpint(same->code, ==, ERR_INVALID);
    }
}

static void test_with_dbname(void)
{
    g_autofree char *conninfo = NULL;
    g_auto(ConnParts) parts = {};

    g_assert_null(conn_with_dbname("postgresql://ann:it's%5C@h:1/old?application_name=x",
                                   "it's \\ new", &conninfo));
    g_assert_null(conn_parse(conninfo, &parts));
    g_assert_cmpstr(parts.dbname, ==, "it's \\ new");
    g_assert_cmpstr(parts.host, ==, "h");
    g_assert_cmpstr(parts.port, ==, "1");
    g_assert_true(parts.has_password);
    g_assert_nonnull(strstr(conninfo, "password='it\\'s\\\\'"));
    g_assert_nonnull(strstr(conninfo, "application_name=x"));
    g_assert_null(strstr(conninfo, "old"));
}

static void test_scram_secret(void)
{
    g_autofree char *one = NULL;
    g_autofree char *two = NULL;

    g_assert_null(conn_password_secret(15, "ann", "p4ssw0rd", &one));
    g_assert_null(conn_password_secret(15, "ann", "p4ssw0rd", &two));
    g_assert_true(g_regex_match_simple("^SCRAM-SHA-256\\$4096:[A-Za-z0-9+/]{22}==\\$"
                                       "[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=$",
                                       one, 0, 0));
    g_assert_cmpstr(one, !=, two); /* a salt of its own */
    g_assert_null(strstr(one, "p4ssw0rd"));
}

static void test_unreachable(void)
{
    g_autoptr(Conn) conn = NULL;
    ConnSpec spec = {.host = "/nonexistent", .user = "ann", .password = "s3cret", .dbname = "x"};
    g_autoptr(Error) e = conn_open(&spec, &conn);

    g_assert_cmpint(e->code, ==, ERR_EXTERNAL);
    g_assert_nonnull(strstr(e->message, "/nonexistent"));
    g_assert_nonnull(e->detail);
    g_assert_null(strstr(e->detail, "s3cret"));
    g_assert_null(conn);
}

/* Someone listens, but never says a word. */
static void test_silent_server(void)
{
    g_autofree char *dir = g_dir_make_tmp("ramet-conn-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, ".s.PGSQL.5432", NULL);
    g_autoptr(GSocketAddress) address = g_unix_socket_address_new(path);
    g_autoptr(GSocket) socket =
        g_socket_new(G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, NULL);
    g_autoptr(Conn) conn = NULL;
    ConnSpec spec = {.host = dir, .port = 5432, .user = "ann", .dbname = "x", .timeout_ms = 60};

    g_assert_true(g_socket_bind(socket, address, FALSE, NULL));
    g_assert_true(g_socket_listen(socket, NULL));
    int64_t start_ms = clock_monotonic_ms();
    g_autoptr(Error) e = conn_open(&spec, &conn);
    int64_t took_ms = clock_monotonic_ms() - start_ms;

    g_assert_cmpint(e->code, ==, ERR_TIMEOUT);
    g_assert_cmpint(took_ms, >=, 59);
    g_assert_cmpint(took_ms, <, 2000);
    g_unlink(path);
    g_rmdir(dir);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/conn/parse", test_parse);
    g_test_add_func("/conn/malformed", test_malformed);
    g_test_add_func("/conn/with-dbname", test_with_dbname);
    g_test_add_func("/conn/scram-secret", test_scram_secret);
    g_test_add_func("/conn/unreachable", test_unreachable);
    g_test_add_func("/conn/silent-server", test_silent_server);
    return g_test_run();
}

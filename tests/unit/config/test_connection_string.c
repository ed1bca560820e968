/*
 * Connection strings of the source.
 */
#include "config/connection_string.h"

#include <string.h>

#define PASSWORD_MESSAGE "password must not be embedded in the connection string"
#define HOSTS_MESSAGE    "multi-host connection strings are not supported"
#define INVALID_MESSAGE  "invalid source connection string"

static void test_valid(void)
{
    static const char *const texts[] = {
        "postgresql://alice@db.example:5432/app?sslmode=require",
        "postgres://db.example",
        "postgresql:///app?host=%2Fvar%2Frun%2Fpostgresql",
        "postgresql://[::1]:5432/app",
        "postgresql://",
        "postgresql://alice:@db/app",
        "host=db port=5432 user=alice dbname = app",
        "  host = 'a b' application_name='it\\'s, fine'  ",
        "passfile=/etc/pgpass host=db",
        "",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(Error) error = connection_string_check(texts[i]);
        g_assert_null(error);
    }
}

static void test_invalid(void)
{
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"postgresql://alice:hush@db/app", PASSWORD_MESSAGE},
        {"postgresql://alice:hu?sh@db/app", PASSWORD_MESSAGE},
        {"postgresql://db/app?password=hush", PASSWORD_MESSAGE},
        {"postgresql://db/app?sslmode=require&p%61ssword=hush", PASSWORD_MESSAGE},
        {"host=db password=hush", PASSWORD_MESSAGE},
        {"host=db password = 'hush'", PASSWORD_MESSAGE},
        {"postgresql://one,two/app", HOSTS_MESSAGE},
        {"postgresql://one:1,two:2/app", HOSTS_MESSAGE},
        {"postgresql:///app?host=one,two", HOSTS_MESSAGE},
        {"host=one,two", HOSTS_MESSAGE},
        {"hostaddr=10.0.0.1,10.0.0.2", HOSTS_MESSAGE},
        {"db.example", INVALID_MESSAGE},
        {"=db", INVALID_MESSAGE},
        {"host='db", INVALID_MESSAGE},
        {"postgresql://db/app?sslmode", INVALID_MESSAGE},
        {"postgresql://db/app?x=%zz", INVALID_MESSAGE},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Error) error = connection_string_check(cases[i].text);
        g_assert_nonnull(error);
        g_assert_cmpstr(error->message, ==, cases[i].message);
        g_assert_true(!error->hint || !strstr(error->hint, "hush"));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/config/connection-string/valid", test_valid);
    g_test_add_func("/config/connection-string/invalid", test_invalid);
    return g_test_run();
}

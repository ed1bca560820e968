/*
 * Roles: what of pg_dumpall's script is kept, and which errors of psql count.
 */
#include "retrieval/roles.h"

static const char script[] = "CREATE ROLE \"O'Brien\";\n"
                             "ALTER ROLE \"O'Brien\" WITH NOSUPERUSER;\n"
                             "CREATE ROLE postgres;\n"
                             "ALTER ROLE postgres WITH NOSUPERUSER LOGIN;\n"
                             "CREATE ROLE postgres_exporter;\n"
                             "ALTER ROLE postgres_exporter WITH LOGIN;\n"
                             "CREATE ROLE \"quo\"\"te\";\n"
                             "ALTER ROLE \"quo\"\"te\" SET work_mem TO '1MB';\n"
                             "GRANT \"O'Brien\" TO postgres GRANTED BY postgres;\n";

static void test_manager_is_left_out(void)
{
    g_autofree char *kept = roles_without_manager(script, "postgres");

    g_assert_cmpstr(kept, ==,
                    "CREATE ROLE \"O'Brien\";\n"
                    "ALTER ROLE \"O'Brien\" WITH NOSUPERUSER;\n"
                    "CREATE ROLE postgres_exporter;\n"
                    "ALTER ROLE postgres_exporter WITH LOGIN;\n"
                    "CREATE ROLE \"quo\"\"te\";\n"
                    "ALTER ROLE \"quo\"\"te\" SET work_mem TO '1MB';\n"
                    "GRANT \"O'Brien\" TO postgres GRANTED BY postgres;\n");
}

static void test_quoted_manager(void)
{
    g_autofree char *kept =
        roles_without_manager("CREATE ROLE \"quo\"\"te\";\nALTER ROLE \"quo\"\"te\" WITH LOGIN;\n"
                              "CREATE ROLE quo;\n",
                              "quo\"te");

    g_assert_cmpstr(kept, ==, "CREATE ROLE quo;\n");
}

static void test_first_error(void)
{
    g_autofree char *none =
        roles_first_error("psql:<stdin>:7: ERROR:  role \"a\" already exists\n");
    g_autofree char *one =
        roles_first_error("psql:<stdin>:7: ERROR:  role \"a\" already exists\n"
                          "psql:<stdin>:9: ERROR:  unrecognized configuration parameter \"x.y\"\n");

    g_assert_null(none);
    g_assert_cmpstr(one, ==, "unrecognized configuration parameter \"x.y\"");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/roles/manager-is-left-out", test_manager_is_left_out);
    g_test_add_func("/roles/quoted-manager", test_quoted_manager);
    g_test_add_func("/roles/first-error", test_first_error);
    return g_test_run();
}

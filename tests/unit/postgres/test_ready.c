/*
 * Waiting for a server that never comes, and names of users that never can be: errors without any
 * server.
 */
#include "postgres/ready.h"

#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "postgres/roles.h"

static int n_asked;

static bool ends_at_third(void *data, int64_t wait_ms)
{
    return ++n_asked == 3;
}

static bool never_ends(void *data, int64_t wait_ms)
{
    g_usleep((gulong)wait_ms * 1000);
    return false;
}

static void test_ended(void)
{
    g_autoptr(Conn) conn = NULL;
    ConnSpec server = {.host = "/nonexistent", .user = "postgres", .dbname = "postgres"};
    g_autoptr(Error) e = ready_wait(&server, "/nonexistent", 10000, ends_at_third, NULL, &conn);

    g_assert_cmpint(e->code, ==, ERR_EXTERNAL);
    g_assert_cmpstr(e->message, ==, "postgres ended before it was ready");
    g_assert_cmpint(n_asked, ==, 3);
}

static void assert_timeout(const char *pid_file, const char *status)
{
    g_autofree char *dir = g_dir_make_tmp("ramet-ready-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "postmaster.pid", NULL);
    g_autoptr(Conn) conn = NULL;
    ConnSpec server = {.host = dir, .user = "postgres", .dbname = "postgres"};
    int64_t start_ms = clock_monotonic_ms();

    g_assert_true(g_file_set_contents(path, pid_file, -1, NULL));
    g_autoptr(Error) e = ready_wait(&server, dir, 50, never_ends, NULL, &conn);
    g_assert_cmpint(e->code, ==, ERR_TIMEOUT);
    g_assert_cmpint(clock_monotonic_ms() - start_ms, <, 2000);
    g_assert_nonnull(strstr(e->detail, status));
    g_assert_null(conn);
    g_assert_null(fs_remove_tree(dir));
}

static void test_timeout(void)
{
    assert_timeout("1234\n/data\n1700000000\n5432\n/run\n\n  123 4\n", "\"\"");
    assert_timeout("1234\n/data\n1700000000\n5432\n/run\n\n  123 4\nstandby \n", "\"standby\"");
    /* left over from a server whose data was copied while it ran: nobody listens */
    assert_timeout("1234\n/data\n1700000000\n5432\n/run\n\n  123 4\nready   \n", "\"ready\"");
}

static void test_reserved_users(void)
{
    g_autofree char *too_long = g_strnfill(64, 'x');
    const char *const reserved[] = {"", "pg_read_all_data", "public", "none", "\xff", too_long};

    for (size_t i = 0; i < G_N_ELEMENTS(reserved); i++) {
        ConnSpec server = {.host = "/nonexistent"};
        RolesSpec spec = {.user = reserved[i], .secret = "x", .manager = "postgres", .dbname = "x"};
        g_autoptr(Error) e = roles_prepare(&server, &spec, NULL);

        g_assert_cmpint(e->code, ==, ERR_INVALID);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ready/ended", test_ended);
    g_test_add_func("/ready/timeout", test_timeout);
    g_test_add_func("/roles/reserved-users", test_reserved_users);
    return g_test_run();
}

/*
 * ramet-gateway between real clients and a real PostgreSQL. RAMET_GATEWAY names the program.
 */
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/proc.h"
#include "cluster.h"
#include "gateway/launch.h"

#define PATIENCE_MS   60000
#define N_CONNECTIONS 200
#define N_ROWS        "500000"

static GatewayLaunch launch;
static GatewayClient *gateway;
static int64_t port;

/* --- the gateway --- */

static int64_t free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    AUTO_FD fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_assert_cmpint(bind(fd, (const struct sockaddr *)&address, length), ==, 0);
    g_assert_cmpint(getsockname(fd, (struct sockaddr *)&address, &length), ==, 0);
    return ntohs(address.sin_port);
}

static void add_cluster(void)
{
    static const char *const addresses[] = {"127.0.0.1", NULL};
    g_autofree char *socket_path = g_build_filename(cluster.root, ".s.PGSQL.5432", NULL);
    const GatewayClone clone = {
        .id = "clone", .socket_path = socket_path, .port = port, .addresses = addresses};

    assert_ok(gateway_client_add(gateway, &clone));
}

/* The user that it runs as must get to the program, wherever the tests were built. */
static char *copy_program(void)
{
    char *path = g_build_filename(cluster.root, "ramet-gateway", NULL);
    const char *const argv[] = {"install", "-m", "755", g_getenv("RAMET_GATEWAY"), path, NULL};

    assert_ok(proc_run(&(ProcSpec){.argv = argv, .timeout_ms = PATIENCE_MS}, NULL));
    return path;
}

static void start_gateway(void)
{
    bool is_new = false;

    launch = (GatewayLaunch){.state_dir = cluster.root,
                             .program = copy_program(),
                             .user = geteuid() == 0 ? "nobody" : NULL,
                             .log_path = g_build_filename(cluster.root, "gateway.log", NULL),
                             .timeout_ms = PATIENCE_MS};
    assert_ok(gateway_launch(&launch, &gateway, &is_new));
    g_assert_true(is_new);
    port = free_port();
    add_cluster();
}

/* --- clients --- */

static Conn *open_client(void)
{
    const ConnSpec spec = {
        .host = "127.0.0.1", .port = port, .user = "ann", .password = "x", .dbname = "postgres"};
    Conn *conn = NULL;

    assert_ok(conn_open(&spec, &conn));
    return conn;
}

static char *conninfo(void)
{
    return g_strdup_printf("host=127.0.0.1 port=%d user=ann password=x dbname=postgres", (int)port);
}

/* What psql prints; caller frees. */
static char *psql(const char *command)
{
    g_autofree char *where = conninfo();
    const char *const argv[] = {"psql", "-XAtqc", command, where, NULL};
    g_auto(ProcResult) result = {0};

    assert_ok(proc_run(&(ProcSpec){.argv = argv, .timeout_ms = PATIENCE_MS}, &result));
    return g_strdup(g_strstrip(result.output));
}

/* psql in the background; what it prints goes to the file "psql". */
static int start_psql(const char *command, pid_t *ret_pid)
{
    g_autofree char *where = conninfo();
    g_autofree char *log = g_build_filename(cluster.root, "psql", NULL);
    const char *const argv[] = {"psql", "-XAtqc", command, where, NULL};
    int pidfd = -1;

    assert_ok(fs_remove(log));
    assert_ok(proc_spawn(&(ProcSpec){.argv = argv}, log, ret_pid, &pidfd));
    return pidfd;
}

static char *psql_output(void)
{
    g_autofree char *log = g_build_filename(cluster.root, "psql", NULL);
    char *text = NULL;

    assert_ok(fs_read_file(log, 1 << 20, &text));
    return g_strstrip(text);
}

#define N_SLEEPERS                                                                                 \
    "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = "       \
    "'active'"

static Error *check_sleepers(void *wanted, bool *ret_done)
{
    g_autoptr(Conn) conn = cluster_manager("postgres");
    g_autofree char *count = cluster_ask(conn, N_SLEEPERS);

    *ret_done = g_str_equal(count, wanted);
    return NULL;
}

static void wait_for_sleepers(char *wanted)
{
    assert_ok(wait_until(clock_monotonic_ms() + PATIENCE_MS, check_sleepers, wanted));
}

static Error *check_connections(void *wanted, bool *ret_done)
{
    g_autoptr(GPtrArray) list = NULL;

    TRY(gateway_client_list(gateway, &list));
    *ret_done = ((GatewayStatus *)g_ptr_array_index(list, 0))->connections == *(int64_t *)wanted;
    return NULL;
}

static void wait_for_connections(int64_t wanted)
{
    assert_ok(wait_until(clock_monotonic_ms() + PATIENCE_MS, check_connections, &wanted));
}

/* --- tests --- */

static void test_query(void)
{
    g_autofree char *answer = psql("SELECT current_user, inet_client_addr() IS NULL");

    g_assert_cmpstr(answer, ==, "ann|t"); /* by the Unix socket */
    wait_for_connections(0);
}

/* Nobody comes in as the manager: peer authentication sees the gateway's user, whom no map names. */
static void test_manager_is_refused(void)
{
    const ConnSpec spec = {
        .host = "127.0.0.1", .port = port, .user = MANAGER, .password = "x", .dbname = "postgres"};
    g_autoptr(Conn) conn = NULL;

    if (!launch.user) {
        g_test_skip("only root may run the gateway as another user than the cluster's");
        return;
    }
    g_autoptr(Error) e = conn_open(&spec, &conn);
    g_assert_nonnull(e);
    g_assert_cmpint(e->code, ==, ERR_DENIED);
}

/* A cancel request is a connection of its own. */
static void test_cancel(void)
{
    char one[] = "1", none[] = "0";
    pid_t pid = 0;
    AUTO_FD pidfd = start_psql("SELECT pg_sleep(1000)", &pid);

    wait_for_sleepers(one);
    g_assert_cmpint(kill(pid, SIGINT), ==, 0);
    g_assert_true(proc_wait_ended(pidfd, PATIENCE_MS));
    wait_for_sleepers(none);

    g_autofree char *output = psql_output();

    g_assert_nonnull(strstr(output, "canceling statement due to user request"));
}

static void test_copy(void)
{
    g_autofree char *file = g_build_filename(cluster.root, "copy", NULL);
    g_autofree char *out = g_strdup_printf(
        "\\copy (SELECT n, repeat(md5(n::text), 4) FROM generate_series(1, " N_ROWS ") n) TO '%s'",
        file);
    g_autofree char *in = g_strdup_printf("\\copy copied FROM '%s'", file);

    g_autofree char *no_output = psql("CREATE TABLE copied (n int, t text)");
    g_autofree char *copied_out = psql(out);
    g_autofree char *copied_in = psql(in);
    g_autofree char *answer = psql(
        "SELECT count(*), count(DISTINCT n), bool_and(t = repeat(md5(n::text), 4)) FROM copied");

    g_assert_cmpstr(answer, ==, N_ROWS "|" N_ROWS "|t");
}

static void test_many(void)
{
    Conn *conns[N_CONNECTIONS];

    for (int i = 0; i < N_CONNECTIONS; i++)
        conns[i] = open_client();
    wait_for_connections(N_CONNECTIONS);
    for (int i = 0; i < N_CONNECTIONS; i++) {
        g_autofree char *answer = cluster_ask(conns[i], "SELECT repeat('x', 100000)");

        g_assert_cmpuint(strlen(answer), ==, 100000);
        conn_close(conns[i]);
    }
    wait_for_connections(0);
}

/* As in a reset: PostgreSQL goes and comes back, and a client that came meanwhile has waited. */
static void test_hold(void)
{
    Conn *conn = NULL;
    pid_t pid = 0;

    assert_ok(gateway_client_hold(gateway, "clone", PATIENCE_MS));
    cluster_stop(SIGINT);

    AUTO_FD pidfd = start_psql("SELECT 'has waited'", &pid);

    cluster_start(&conn);
    conn_close(conn);
    g_assert_false(proc_has_ended(pidfd));
    assert_ok(gateway_client_release(gateway, "clone"));
    g_assert_true(proc_wait_ended(pidfd, PATIENCE_MS));

    g_autofree char *output = psql_output();

    g_assert_cmpstr(output, ==, "has waited");
}

/* Its backend notices, as client_connection_check_interval makes it look. */
static void test_killed_client(void)
{
    char one[] = "1", none[] = "0";
    pid_t pid = 0;
    AUTO_FD pidfd = start_psql("SELECT pg_sleep(1000)", &pid);

    wait_for_sleepers(one);
    g_assert_cmpint(kill(pid, SIGKILL), ==, 0);
    g_assert_true(proc_wait_ended(pidfd, PATIENCE_MS));
    wait_for_sleepers(none);
    wait_for_connections(0);
}

/* rametd ends and is started again: the gateway is found, and no connection was cut. */
static void test_rametd_comes_back(void)
{
    g_autoptr(Conn) conn = open_client();
    bool is_new = true;

    gateway_client_free(gateway);
    assert_ok(gateway_launch(&launch, &gateway, &is_new));
    g_assert_false(is_new);
    add_cluster(); /* as rametd does at its start */

    g_autofree char *answer = cluster_ask(conn, "SELECT 'still here'");
    g_autofree char *new_one = psql("SELECT 'and new ones'");

    g_assert_cmpstr(answer, ==, "still here");
    g_assert_cmpstr(new_one, ==, "and new ones");
}

/* The gateway is killed: connections are lost, a new one is started and told again. */
static void test_killed_gateway(void)
{
    g_auto(GatewayHello) hello = {0};
    bool is_new = false;

    assert_ok(gateway_client_hello(gateway, &hello));
    AUTO_FD pidfd = pidfd_open((pid_t)hello.pid, 0);
    g_assert_cmpint(kill((pid_t)hello.pid, SIGKILL), ==, 0);
    g_assert_true(proc_wait_ended(pidfd, PATIENCE_MS));
    gateway_client_free(gateway);
    assert_ok(gateway_launch(&launch, &gateway, &is_new));
    g_assert_true(is_new);
    add_cluster();

    g_autofree char *answer = psql("SELECT 'again'");

    g_assert_cmpstr(answer, ==, "again");
}

/* --- the frame --- */

static int run_tests(int argc, char **argv)
{
    g_autoptr(Conn) conn = NULL;

    g_test_init(&argc, &argv, NULL);
    cluster_init();
    cluster_configure(
        cluster.installation->major >= 14
            ? "{\"max_connections\": 220, \"client_connection_check_interval\": \"100ms\"}"
            : "{\"max_connections\": 220}");
    cluster_start(&conn);
    conn_close(g_steal_pointer(&conn));
    cluster_run("postgres", "CREATE ROLE ann LOGIN SUPERUSER PASSWORD 'x'");
    g_assert_cmpint(chmod(cluster.root, 0755), ==, 0); /* the gateway must get to the socket */
    start_gateway();

    g_test_add_func("/live/gateway/query", test_query);
    g_test_add_func("/live/gateway/manager-is-refused", test_manager_is_refused);
    g_test_add_func("/live/gateway/cancel", test_cancel);
    g_test_add_func("/live/gateway/copy", test_copy);
    g_test_add_func("/live/gateway/many", test_many);
    g_test_add_func("/live/gateway/hold", test_hold);
    if (cluster.installation->major >= 14)
        g_test_add_func("/live/gateway/killed-client", test_killed_client);
    g_test_add_func("/live/gateway/rametd-comes-back", test_rametd_comes_back);
    g_test_add_func("/live/gateway/killed-gateway", test_killed_gateway);

    int status = g_test_run();

    assert_ok(gateway_client_quit(gateway));
    gateway_client_free(gateway);
    return status;
}

int main(int argc, char **argv)
{
    return cluster_main(argc, argv, run_tests);
}

/*
 * Finding and starting the real program. RAMET_GATEWAY names it.
 */
#include "gateway/launch.h"

#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/proc.h"

#define N_THREADS 6

static char *dir, *log_path, *socket_path;
static GatewayClient *keeper; /* a gateway without clones and clients ends */

static void assert_ok(Error *e)
{
    if (e)
        g_error("%s (%s)", e->message, e->detail ? e->detail : "");
}

static GatewayLaunch launch_here(void)
{
    return (GatewayLaunch){.state_dir = dir,
                           .program = g_getenv("RAMET_GATEWAY"),
                           .log_path = log_path,
                           .timeout_ms = 20000};
}

/* Launches; returns the gateway's pid. */
static pid_t launch(bool wants_new)
{
    const GatewayLaunch spec = launch_here();
    g_autoptr(GatewayClient) client = NULL;
    g_auto(GatewayHello) hello = {0};
    bool is_new = !wants_new;

    assert_ok(gateway_launch(&spec, &client, &is_new));
    assert_ok(gateway_client_hello(client, &hello));
    g_assert_true(is_new == wants_new);
    gateway_client_free(keeper);
    keeper = g_steal_pointer(&client);
    return (pid_t)hello.pid;
}

static void quit(pid_t pid)
{
    AUTO_FD pidfd = pidfd_open(pid, 0);
    g_autoptr(GatewayClient) client = gateway_client_new(socket_path, 20000);

    assert_ok(gateway_client_quit(client));
    g_assert_true(proc_wait_ended(pidfd, 20000));
    g_clear_pointer(&keeper, gateway_client_free);
}

static void test_start_and_find(void)
{
    struct stat status;
    pid_t pid = launch(true);

    g_assert_cmpint(pid, !=, getpid());
    g_assert_cmpint(stat(socket_path, &status), ==, 0);
    g_assert_cmpint(status.st_mode & 0777, ==, 0600);
    g_assert_cmpint(launch(false), ==, pid); /* though the client that started it is gone */
    quit(pid);
}

static void test_dead_one_is_replaced(void)
{
    pid_t pid = launch(true);
    AUTO_FD pidfd = pidfd_open(pid, 0);

    g_assert_cmpint(kill(pid, SIGKILL), ==, 0);
    g_assert_true(proc_wait_ended(pidfd, 20000));

    pid_t next = launch(true);

    g_assert_cmpint(next, !=, pid);
    quit(next);
}

typedef struct Launched {
    GatewayClient *client; /* kept until all have launched */
    bool is_new;
    int64_t pid;
} Launched;

static void *launch_in_thread(void *data)
{
    Launched *launched = data;
    const GatewayLaunch spec = launch_here();
    g_auto(GatewayHello) hello = {0};

    assert_ok(gateway_launch(&spec, &launched->client, &launched->is_new));
    assert_ok(gateway_client_hello(launched->client, &hello));
    launched->pid = hello.pid;
    return NULL;
}

static void test_at_once(void)
{
    GThread *threads[N_THREADS];
    Launched launched[N_THREADS] = {0};
    int n_new = 0;

    for (int i = 0; i < N_THREADS; i++)
        threads[i] = g_thread_new("launch", launch_in_thread, &launched[i]);
    for (int i = 0; i < N_THREADS; i++) {
        g_thread_join(threads[i]);
        n_new += launched[i].is_new;
        g_assert_cmpint(launched[i].pid, ==, launched[0].pid);
    }
    g_assert_cmpint(n_new, ==, 1);
    quit((pid_t)launched[0].pid);
    for (int i = 0; i < N_THREADS; i++)
        gateway_client_free(launched[i].client);
}

/* With a clone it goes on without us; without one there would be nobody to end it. */
static void test_ends_when_useless(void)
{
    const char *const addresses[] = {"127.0.0.1", NULL};
    const GatewayClone clone = {
        .id = "one", .socket_path = socket_path, .port = 29871, .addresses = addresses};
    pid_t pid = launch(true);
    AUTO_FD pidfd = pidfd_open(pid, 0);

    assert_ok(gateway_client_add(keeper, &clone));
    g_clear_pointer(&keeper, gateway_client_free);
    g_assert_false(proc_wait_ended(pidfd, 200));
    g_assert_cmpint(launch(false), ==, pid);
    assert_ok(gateway_client_remove(keeper, "one"));
    g_clear_pointer(&keeper, gateway_client_free);
    g_assert_true(proc_wait_ended(pidfd, 20000));
}

static void test_ends_at_once(void)
{
    GatewayLaunch spec = launch_here();
    g_autoptr(GatewayClient) client = NULL;
    bool is_new = false;

    spec.program = "/bin/cat"; /* says what it thinks of --control-fd, and ends */

    g_autoptr(Error) e = gateway_launch(&spec, &client, &is_new);

    g_assert_cmpint(e->code, ==, ERR_EXTERNAL);
    g_assert_nonnull(strstr(e->message, "it has ended at once"));
    g_assert_nonnull(strstr(e->detail, "control-fd"));
    g_assert_null(client);
    quit(launch(true)); /* nothing is left of it that stands in the way */
}

static void test_missing_program(void)
{
    GatewayLaunch spec = launch_here();
    g_autoptr(GatewayClient) client = NULL;
    bool is_new = false;

    spec.program = "/no/such/program";

    g_autoptr(Error) e = gateway_launch(&spec, &client, &is_new);

    g_assert_cmpint(e->code, ==, ERR_EXTERNAL);
    g_assert_nonnull(e->hint);
}

static void test_other_user(void)
{
    GatewayLaunch spec = launch_here();
    g_autoptr(GatewayClient) client = NULL;
    g_auto(GatewayHello) hello = {0};
    g_auto(ProcResult) user = {0};
    bool is_new = false;

    if (geteuid() != 0) {
        g_test_skip("only root may become another user");
        return;
    }
    spec.user = "nobody";
    assert_ok(gateway_launch(&spec, &client, &is_new));
    assert_ok(gateway_client_hello(client, &hello));

    g_autofree char *pid = g_strdup_printf("%d", (int)hello.pid);
    const char *const argv[] = {"ps", "-o", "user=", "-p", pid, NULL};

    assert_ok(proc_run(&(ProcSpec){.argv = argv, .timeout_ms = 20000}, &user));
    g_assert_cmpstr(g_strstrip(user.output), ==, "nobody");
    quit((pid_t)hello.pid);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    dir = g_dir_make_tmp("launch-XXXXXX", NULL);
    log_path = g_build_filename(dir, "gateway.log", NULL);
    socket_path = g_build_filename(dir, "gateway.sock", NULL);
    g_test_add_func("/gateway/launch/start-and-find", test_start_and_find);
    g_test_add_func("/gateway/launch/dead-one-is-replaced", test_dead_one_is_replaced);
    g_test_add_func("/gateway/launch/at-once", test_at_once);
    g_test_add_func("/gateway/launch/ends-when-useless", test_ends_when_useless);
    g_test_add_func("/gateway/launch/ends-at-once", test_ends_at_once);
    g_test_add_func("/gateway/launch/missing-program", test_missing_program);
    g_test_add_func("/gateway/launch/other-user", test_other_user);

    int status = g_test_run();

    assert_ok(fs_remove_tree(dir));
    g_free(socket_path);
    g_free(log_path);
    g_free(dir);
    return status;
}

/*
 * One cluster for all tests. initdb, postgres and the settings are those of a clone.
 */
#include "cluster.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/proc.h"
#include "postgres/conf.h"
#include "postgres/ready.h"

#define INITDB_MS 60000

Cluster cluster = {.pidfd = -1};

void assert_ok(Error *e)
{
    if (e)
        g_error("%s (%s)", e->message, e->detail ? e->detail : "");
}

ConnSpec cluster_server(const char *user, const char *password, const char *dbname)
{
    return (ConnSpec){.host = cluster.root, .user = user, .password = password, .dbname = dbname};
}

Conn *cluster_manager(const char *dbname)
{
    ConnSpec spec = cluster_server(MANAGER, NULL, dbname);
    Conn *conn = NULL;

    assert_ok(conn_open(&spec, &conn));
    return conn;
}

void cluster_run(const char *dbname, const char *sql)
{
    g_autoptr(Conn) conn = cluster_manager(dbname);

    assert_ok(conn_script(conn, sql));
}

char *cluster_ask(Conn *conn, const char *sql)
{
    g_autoptr(Rows) rows = NULL;

    assert_ok(conn_query(conn, &rows, sql, NULL));
    g_assert_cmpint(rows_count(rows), ==, 1);
    return g_strdup(rows_text(rows, 0, 0));
}

void cluster_init(void)
{
    g_autofree char *initdb = NULL;
    const char *argv[] = {NULL, "-D",   cluster.data_dir, "-U", MANAGER,
                          "-E", "UTF8", "--locale=C",     NULL};
    ProcSpec spec = {.argv = argv, .user = cluster.os_user, .timeout_ms = INITDB_MS};

    assert_ok(installation_program(NULL, cluster.installation, "initdb", &initdb));
    argv[0] = initdb;
    assert_ok(proc_run(&spec, NULL));
}

void cluster_configure(const char *settings)
{
    g_autoptr(Json) layer = json_loads(settings, 0, NULL);
    ConfSpec spec = {
        .purpose = CONF_CLONE, .major = cluster.installation->major, .layers = {layer}};

    assert_ok(conf_take_over(cluster.data_dir, cluster.os_user, &(ConfAccess){.manager = MANAGER}));
    assert_ok(conf_write(cluster.data_dir, cluster.os_user, &spec));
}

bool cluster_has_ended(void *data, int64_t wait_ms)
{
    return proc_wait_ended(cluster.pidfd, wait_ms);
}

void cluster_start(Conn **ret_conn)
{
    g_autofree char *postgres = g_build_filename(cluster.installation->bin_dir, "postgres", NULL);
    g_autofree char *socket = g_strconcat("unix_socket_directories=", cluster.root, NULL);
    const char *argv[] = {postgres, "-D", cluster.data_dir,    "-c",
                          socket,   "-c", "listen_addresses=", NULL};
    ProcSpec spec = {.argv = argv, .user = cluster.os_user};
    ConnSpec ready = cluster_server(MANAGER, NULL, "postgres");
    pid_t pid = 0;

    assert_ok(proc_spawn(&spec, cluster.log_path, &pid, &cluster.pidfd));
    assert_ok(
        ready_wait(&ready, cluster.data_dir, CLUSTER_READY_MS, cluster_has_ended, NULL, ret_conn));
}

void cluster_stop(int signal)
{
    ProcStop sequence[] = {{signal, CLUSTER_READY_MS}, {}};

    assert_ok(proc_stop(cluster.pidfd, sequence));
    close(cluster.pidfd);
    cluster.pidfd = -1;
}

/* --- the frame --- */

static Error *find_installation(void)
{
    const char *const dirs[] = {g_getenv("RAMET_TEST_PG_DIR"), NULL};
    g_autoptr(GPtrArray) list = NULL;

    TRY(installation_list(dirs, &list));
    if (list->len == 0)
        return error_new(ERR_NOT_FOUND, "no PostgreSQL here");
    const Installation *last = g_ptr_array_index(list, list->len - 1);
    for (guint i = 0; dirs[0] && i < list->len; i++)
        if (g_str_has_prefix(((Installation *)g_ptr_array_index(list, i))->bin_dir, dirs[0]))
            last = g_ptr_array_index(list, i);
    return installation_choose(list, last->major, false, &cluster.installation);
}

static void make_root(void)
{
    cluster.os_user = geteuid() == 0 ? "postgres" : g_get_user_name();
    cluster.root = g_dir_make_tmp("ramet-live-XXXXXX", NULL);
    cluster.data_dir = g_build_filename(cluster.root, "data", NULL);
    cluster.log_path = g_build_filename(cluster.root, "log", NULL);
    assert_ok(fs_make_dir(cluster.root, 0700, cluster.os_user));
}

/* The server is found by its own pid file, as the process that knew it is gone. */
static void stop_left_over_server(void)
{
    g_autofree char *path = g_build_filename(cluster.data_dir, "postmaster.pid", NULL);
    g_autofree char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL))
        return;
    pid_t pid = (pid_t)g_ascii_strtoll(text, NULL, 10);
    if (pid <= 1 || kill(pid, SIGQUIT) < 0)
        return;
    for (int i = 0; i < 500 && g_file_test(path, G_FILE_TEST_EXISTS); i++)
        g_usleep(10000);
}

int cluster_main(int argc, char **argv, int (*run_tests)(int argc, char **argv))
{
    g_autoptr(Error) e = find_installation();
    if (e) {
        g_print("1..0 # SKIP %s\n", e->message);
        return 0;
    }
    make_root();

    pid_t tests = fork();
    g_assert_cmpint(tests, >=, 0);
    if (tests == 0)
        exit(run_tests(argc, argv));
    int status = 0;
    waitpid(tests, &status, 0);
    stop_left_over_server();
    assert_ok(fs_remove_tree(cluster.root));
    installation_free(cluster.installation);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/*
 * The floor: the least that anyone can do to make a thin clone of a snapshot and ask it something.
 * A subvolume snapshot, one configuration file, exec of postgres, a connection as soon as the server
 * takes one, a role with a password, and a client's first query. No store, no API, no undo.
 *
 *   floor --snapshot DIR --scratch DIR --conf FILE --bin DIR --port PORT --dbname DB [--count N]
 *
 * --scratch is on the file system of the snapshot; volumes and sockets are made in it and removed
 * again, after the clock has stopped. With --count, so many are made at once on adjacent ports. Prints
 * {"wall_ms", "runs": [{"snapshot_ms", …, "total_ms"}]}.
 */
#include <btrfsutil.h>
#include <fcntl.h>
#include <jansson.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "first_query.h"

#define TRY_EVERY_US    1000
#define READY_WITHIN_MS 60000.0
#define CONF_MODE       0600

static char *snapshot, *scratch, *conf_path, *bin_dir, *dbname;
static int first_port, count = 1;
static char *conf;
static const struct passwd *owner;

static const GOptionEntry options[] = {
    {"snapshot", 0, 0, G_OPTION_ARG_FILENAME, &snapshot, "read-only subvolume with data/", "DIR"},
    {"scratch", 0, 0, G_OPTION_ARG_FILENAME, &scratch, "where to make volumes", "DIR"},
    {"conf", 0, 0, G_OPTION_ARG_FILENAME, &conf_path, "ramet.conf of a clone", "FILE"},
    {"bin", 0, 0, G_OPTION_ARG_FILENAME, &bin_dir, "where postgres is", "DIR"},
    {"dbname", 0, 0, G_OPTION_ARG_STRING, &dbname, "database to connect to", "DB"},
    {"port", 0, 0, G_OPTION_ARG_INT, &first_port, "first port", "PORT"},
    {"count", 0, 0, G_OPTION_ARG_INT, &count, "so many at once", "N"},
    {0},
};

/* One clone and how long its steps took. */
typedef struct FloorRun {
    int port;
    char *volume;
    char *data_dir;
    char *socket_dir;
    pid_t pid;
    double began_ms;
    double volume_ms;
    double configure_ms;
    double ready_ms;
    double role_ms;
    FirstQuery first;
    double total_ms;
} FloorRun;

/* --- steps --- */

static void floor_make_volume(FloorRun *run)
{
    if (btrfs_util_create_snapshot(snapshot, run->volume, 0, NULL, NULL) != BTRFS_UTIL_OK)
        g_error("snapshot of \"%s\": %s", snapshot, g_strerror(errno));
}

static void floor_configure(FloorRun *run)
{
    g_autofree char *path = g_build_filename(run->data_dir, "ramet.conf", NULL);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, CONF_MODE);

    if (fd < 0 || fchown(fd, owner->pw_uid, owner->pw_gid) < 0 ||
        write(fd, conf, strlen(conf)) != (ssize_t)strlen(conf))
        g_error("\"%s\": %s", path, g_strerror(errno));
    close(fd);
    if (mkdir(run->socket_dir, 0700) < 0 ||
        chown(run->socket_dir, owner->pw_uid, owner->pw_gid) < 0)
        g_error("\"%s\": %s", run->socket_dir, g_strerror(errno));
}

/* The command line as Ramet has it; the benchmark's own paths have no spaces. */
static char **floor_argv(const FloorRun *run)
{
    g_autofree char *line = g_strdup_printf(
        "setpriv --reuid=%u --regid=%u --init-groups --inh-caps=-all --no-new-privs -- "
        "%s/postgres -D %s -c port=%d -c listen_addresses=127.0.0.1 -c unix_socket_directories=%s",
        owner->pw_uid, owner->pw_gid, bin_dir, run->data_dir, run->port, run->socket_dir);

    return g_strsplit(line, " ", -1);
}

static void floor_start(FloorRun *run)
{
    g_auto(GStrv) argv = floor_argv(run);
    g_auto(GStrv) env = g_strsplit("PATH=/usr/bin:/bin LC_ALL=C.UTF-8", " ", -1);
    g_autofree char *log = g_build_filename(run->socket_dir, "log", NULL);
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;

    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, log, O_WRONLY | O_CREAT, 0600);
    posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    int err = posix_spawnp(&run->pid, argv[0], &files, &attributes, argv, env);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    if (err != 0)
        g_error("setpriv: %s", g_strerror(err));
}

static PGconn *floor_connect(const FloorRun *run)
{
    g_autofree char *port = g_strdup_printf("%d", run->port);
    const char *const names[] = {"host", "port", "user", "dbname", NULL};
    const char *const values[] = {run->socket_dir, port, "postgres", dbname, NULL};

    return PQconnectdbParams(names, values, 0);
}

/* An early connection costs the server a process: so only from when it says that it is ready. */
static bool floor_is_ready(const FloorRun *run)
{
    g_autofree char *path = g_build_filename(run->data_dir, "postmaster.pid", NULL);
    g_autofree char *text = NULL;

    return g_file_get_contents(path, &text, NULL, NULL) && strstr(text, "ready") != NULL;
}

static PGconn *floor_wait(const FloorRun *run)
{
    double deadline_ms = bench_ms() + READY_WITHIN_MS;

    while (!floor_is_ready(run)) {
        if (bench_ms() > deadline_ms || waitpid(run->pid, NULL, WNOHANG) == run->pid)
            g_error("postgres does not start; see \"%s/log\"", run->socket_dir);
        g_usleep(TRY_EVERY_US);
    }
    PGconn *pg = floor_connect(run);
    if (PQstatus(pg) != CONNECTION_OK)
        g_error("postgres is ready and cannot be reached: %s", PQerrorMessage(pg));
    return pg;
}

static void floor_make_role(PGconn *pg)
{
    PGresult *result = PQexec(pg, "BEGIN; SET LOCAL synchronous_commit = off; "
                                  "CREATE ROLE " BENCH_USER
                                  " LOGIN SUPERUSER PASSWORD '" BENCH_PASSWORD "'; COMMIT");

    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        g_error("role: %s", PQerrorMessage(pg));
    PQclear(result);
    PQfinish(pg);
}

/* --- one clone --- */

static double floor_lap(const FloorRun *run, double *before_ms)
{
    double now_ms = bench_ms() - run->began_ms, took_ms = now_ms - *before_ms;

    *before_ms = now_ms;
    return took_ms;
}

static void *floor_run(void *data)
{
    FloorRun *run = data;
    double before_ms = 0;

    run->began_ms = bench_ms();
    floor_make_volume(run);
    run->volume_ms = floor_lap(run, &before_ms);
    floor_configure(run);
    run->configure_ms = floor_lap(run, &before_ms);
    floor_start(run);
    PGconn *pg = floor_wait(run);
    run->ready_ms = floor_lap(run, &before_ms);
    floor_make_role(pg);
    run->role_ms = floor_lap(run, &before_ms);
    run->first = first_query(run->port, dbname);
    run->total_ms = bench_ms() - run->began_ms;
    return NULL;
}

static void floor_prepare(FloorRun *run, int index)
{
    run->port = first_port + index;
    run->volume = g_strdup_printf("%s/floor-%d", scratch, run->port);
    run->data_dir = g_build_filename(run->volume, "data", NULL);
    run->socket_dir = g_strdup_printf("%s/run-%d", scratch, run->port);
}

static void floor_remove(FloorRun *run)
{
    g_autofree char *log = g_build_filename(run->socket_dir, "log", NULL);

    kill(run->pid, SIGQUIT);
    waitpid(run->pid, NULL, 0);
    if (btrfs_util_delete_subvolume(run->volume, 0) != BTRFS_UTIL_OK)
        g_error("removing \"%s\": %s", run->volume, g_strerror(errno));
    unlink(log);
    rmdir(run->socket_dir);
    g_free(run->volume);
    g_free(run->data_dir);
    g_free(run->socket_dir);
}

/* --- the program --- */

static json_t *floor_view(const FloorRun *run)
{
    return json_pack("{sf sf sf sf sf sf sf}", "volume_ms", run->volume_ms, "configure_ms",
                     run->configure_ms, "ready_ms", run->ready_ms, "role_ms", run->role_ms,
                     "connect_ms", run->first.connect_ms, "query_ms", run->first.query_ms,
                     "total_ms", run->total_ms);
}

/* All at once, each on a thread of its own; returns how long the last took. */
static double floor_run_all(FloorRun *runs)
{
    g_autofree GThread **threads = g_new0(GThread *, (gsize)count);
    double began_ms = bench_ms();

    for (int i = 0; i < count; i++)
        threads[i] = g_thread_new("floor", floor_run, &runs[i]);
    for (int i = 0; i < count; i++)
        g_thread_join(threads[i]);
    return bench_ms() - began_ms;
}

static void floor_parse(int argc, char **argv)
{
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_autoptr(GError) error = NULL;

    g_option_context_add_main_entries(context, options, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error))
        g_error("%s", error->message);
    if (!snapshot || !scratch || !conf_path || !bin_dir || !dbname || !first_port)
        g_error("an option is missing: see floor --help");
    if (!g_file_get_contents(conf_path, &conf, NULL, &error))
        g_error("%s", error->message);
    owner = getpwnam("postgres");
    if (!owner)
        g_error("there is no user postgres");
}

int main(int argc, char **argv)
{
    floor_parse(argc, argv);

    g_autofree FloorRun *runs = g_new0(FloorRun, (gsize)count);

    for (int i = 0; i < count; i++)
        floor_prepare(&runs[i], i);

    double wall_ms = floor_run_all(runs);
    json_auto_t *views = json_array();

    for (int i = 0; i < count; i++) {
        json_array_append_new(views, floor_view(&runs[i]));
        floor_remove(&runs[i]);
    }
    json_auto_t *result = json_pack("{sf sO}", "wall_ms", wall_ms, "runs", views);
    json_dumpf(result, stdout, JSON_COMPACT);
    putchar('\n');
    return 0;
}

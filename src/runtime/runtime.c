/*
 * The front of the runtimes: the table of drivers, directories, and the stop sequence, which is
 * PostgreSQL's own and so the same for all drivers.
 */
#include "runtime/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/outside.h"
#include "runtime/dial.h"
#include "runtime/driver.h"
#include "runtime/instances.h"
#include "runtime/log_writer.h"
#include "runtime/socket_dir.h"

/* sun_path of unix(7) is 108 bytes with its NUL. */
#define RUNTIME_SOCKET_PATH_MAX 107
#define RUNTIME_SOCKET_FILE     "/.s.PGSQL.65535"
#define RUNTIME_USUAL_ID        20 /* bytes of id_new() */
#define RUNTIME_SWEEP_MIN_MS    1000
#define RUNTIME_ORPHANS_MS      5000 /* backends of a killed postmaster notice it by then */
#define RUNTIME_ID_MAX          63
#define RUNTIME_ID_BYTES        "abcdefghijklmnopqrstuvwxyz0123456789_-"

static const RuntimeDriver *const runtime_drivers[] = {
    &oci_driver,
    &docker_driver,
    &process_driver,
};

struct Runtime {
    const RuntimeDriver *driver;
    void *private;
    RuntimePlace place;
    char *state_dir; /* place has the name of these two */
    char *user;
    char *run_dir;
    char *log_dir;
    bool mounts_sockets;  /* a socket directory is a file system of its own */
    Instances *instances; /* owned */
    LogWriters *writers;  /* owned */
};

/* --- open and close --- */

static Error *runtime_find_driver(const char *name, const RuntimeDriver **ret_driver)
{
    for (size_t i = 0; i < G_N_ELEMENTS(runtime_drivers); i++) {
        if (strcmp(runtime_drivers[i]->name, name) == 0) {
            *ret_driver = runtime_drivers[i];
            return NULL;
        }
    }
    return error_hint(error_new(ERR_INVALID, "there is no runtime \"%s\"", name),
                      "Known are: oci, docker, process.");
}

/* PostgreSQL refuses to run as root, and only root can become another user. */
static Error *runtime_choose_user(Runtime *runtime, const char *os_user)
{
    RuntimePlace *place = &runtime->place;

    TRY(fs_find_user(os_user, &place->uid, &place->gid));
    if (place->uid == 0)
        return error_hint(error_new(ERR_INVALID, "instances cannot run as user \"%s\"", os_user),
                          "PostgreSQL refuses it: set postgres.osUser to an unprivileged user.");
    if (geteuid() != 0 && geteuid() != place->uid)
        return error_hint(error_new(ERR_INVALID, "instances cannot run as user \"%s\"", os_user),
                          "Run rametd as root, or set postgres.osUser to the user that runs it.");
    if (geteuid() == 0)
        place->user = runtime->user = g_strdup(os_user);
    return NULL;
}

/* One directory, one text: it is the identity of the instances. */
static Error *runtime_canonical_dir(const char *state_dir, char **ret_path)
{
    char *path = realpath(state_dir, NULL);

    if (!path)
        return error_errno(errno, "cannot use the state directory \"%s\"", state_dir);
    *ret_path = path;
    return NULL;
}

static Error *runtime_check_path(const char *run_dir, size_t id_length)
{
    size_t room = RUNTIME_SOCKET_PATH_MAX - strlen(RUNTIME_SOCKET_FILE) - 1 - id_length;

    if (strpbrk(run_dir, ",\"")) /* a list of directories to PostgreSQL */
        return error_hint(error_new(ERR_INVALID, "socket directory \"%s\" cannot be used", run_dir),
                          "Set a server.stateDir without commas and quotes.");
    if (strlen(run_dir) <= room)
        return NULL;
    return error_hint(
        error_new(ERR_INVALID, "socket directory \"%s\" is too long for a Unix socket", run_dir),
        "Set a server.stateDir of at most %zu bytes.", room - strlen("/run"));
}

typedef struct RuntimeFinder {
    Runtime *runtime;
    const RuntimeDriver *driver;
} RuntimeFinder;

static void runtime_found(const char *id, int pidfd, const char *data_dir, void *data)
{
    const RuntimeFinder *finder = data;

    instances_set(finder->runtime->instances, id, pidfd, data_dir, finder->driver);
}

/* Of all drivers: a server that was told to use another one meets what the old one started. */
static Error *runtime_find_instances(Runtime *runtime)
{
    for (size_t i = 0; i < G_N_ELEMENTS(runtime_drivers); i++) {
        RuntimeFinder finder = {runtime, runtime_drivers[i]};

        TRY(runtime_drivers[i]->list(&runtime->place, runtime_found, &finder));
    }
    return NULL;
}

static Error *runtime_make_dirs(Runtime *runtime, const char *state_dir, bool is_to_look)
{
    runtime->run_dir = g_build_filename(state_dir, "run", NULL);
    runtime->log_dir = g_build_filename(state_dir, "logs", NULL);
    TRY(runtime_check_path(runtime->run_dir, RUNTIME_USUAL_ID));
    if (is_to_look)
        return NULL;
    /* Others pass through run/: the user on the way to its socket. */
    TRY(fs_make_dir(runtime->run_dir, 0711, NULL));
    return fs_make_dir(runtime->log_dir, 0700, NULL);
}

Error *runtime_open(const RuntimeSpec *spec, Runtime **ret_runtime)
{
    g_autoptr(Runtime) runtime = g_new0(Runtime, 1);

    runtime->instances = instances_new();
    TRY(runtime_find_driver(spec->driver, &runtime->driver));
    TRY(runtime_choose_user(runtime, spec->os_user));
    TRY(runtime_canonical_dir(spec->state_dir, &runtime->state_dir));
    runtime->place.state_dir = runtime->state_dir;
    runtime->place.is_to_look = spec->is_to_look;
    TRY(runtime_make_dirs(runtime, runtime->state_dir, spec->is_to_look));
    runtime->mounts_sockets =
        runtime->driver->takes_network && runtime->user && socket_dir_can_mount(runtime->run_dir);
    runtime->writers = log_writers_new(spec->log_bytes, runtime->state_dir, runtime->user);
    TRY(runtime->driver->open(spec, &runtime->place, &runtime->private));
    TRY(runtime_find_instances(runtime));
    *ret_runtime = g_steal_pointer(&runtime);
    return NULL;
}

void runtime_close(Runtime *runtime)
{
    if (!runtime)
        return;
    if (runtime->private)
        runtime->driver->close(runtime->private);
    instances_free(runtime->instances);
    log_writers_free(runtime->writers);
    g_free(runtime->state_dir);
    g_free(runtime->run_dir);
    g_free(runtime->log_dir);
    g_free(runtime->user);
    g_free(runtime);
}

char *runtime_describe(const Runtime *runtime)
{
    char *found = runtime->driver->describe(runtime->private);

    if (!runtime->driver->takes_network || runtime->mounts_sockets)
        return found;

    g_autofree char *words = found;

    return g_strdup_printf("%s; socket directories are on disk, as mounts are private here", words);
}

bool runtime_takes_network(const Runtime *runtime)
{
    return runtime->driver->takes_network;
}

const char *runtime_image(const Runtime *runtime)
{
    return runtime->driver->image ? runtime->driver->image(runtime->private) : NULL;
}

bool runtime_is_there(const Runtime *runtime)
{
    outside_call(__func__);
    return !runtime->driver->is_there || runtime->driver->is_there(runtime->private);
}

/* --- directories --- */

char *runtime_socket_dir(const Runtime *runtime, const char *id)
{
    return g_build_filename(runtime->run_dir, id, NULL);
}

char *runtime_socket_path(const Runtime *runtime, const char *id, int64_t port)
{
    g_autofree char *socket_dir = runtime_socket_dir(runtime, id);

    return g_strdup_printf("%s/.s.PGSQL.%" G_GINT64_FORMAT, socket_dir, port);
}

char *runtime_log_path(const Runtime *runtime, const char *id)
{
    g_autofree char *name = g_strconcat(id, ".log", NULL);

    return g_build_filename(runtime->log_dir, name, NULL);
}

static Error *runtime_check_id(const Runtime *runtime, const char *id)
{
    size_t length = strlen(id);

    if (length == 0 || length > RUNTIME_ID_MAX || strspn(id, RUNTIME_ID_BYTES) != length)
        return error_new(ERR_INVALID, "\"%s\" is no id of an instance", id);
    return runtime_check_path(runtime->run_dir, length);
}

/* Which driver has run it is not on record. */
static Error *runtime_clean(Runtime *runtime, const char *id)
{
    for (size_t i = 0; i < G_N_ELEMENTS(runtime_drivers); i++)
        if (runtime_drivers[i]->clean)
            TRY(runtime_drivers[i]->clean(&runtime->place, id));
    return NULL;
}

Error *runtime_forget(Runtime *runtime, const char *id, bool with_log)
{
    g_autofree char *socket_dir = runtime_socket_dir(runtime, id);
    g_autofree char *log_path = runtime_log_path(runtime, id);

    outside_call(__func__);
    TRY(runtime_check_id(runtime, id));
    if (runtime_is_running(runtime, id))
        return error_new(ERR_CONFLICT, "the instance is running");
    TRY(runtime_clean(runtime, id));
    log_writers_finish(runtime->writers, id);
    TRY(socket_dir_remove(socket_dir));
    return with_log ? fs_remove(log_path) : NULL;
}

char *runtime_log_tail(Runtime *runtime, const char *id, size_t max_bytes)
{
    g_autofree char *path = runtime_log_path(runtime, id);
    g_autofree char *text = NULL;

    outside_call(__func__);
    if (!runtime_is_running(runtime, id))
        log_writers_finish(runtime->writers, id); /* its last words */
    error_free(fs_read_end(path, max_bytes, &text));
    return text ? g_utf8_make_valid(text, -1) : g_strdup("");
}

Error *runtime_read_log(const Runtime *runtime, const char *id, const LogQuery *query,
                        LogPage *ret_page)
{
    g_autofree char *path = runtime_log_path(runtime, id);

    outside_call(__func__);
    return log_file_read(path, query, ret_page);
}

Error *runtime_list_dirs(Runtime *runtime, GPtrArray **ret_ids)
{
    g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
    g_auto(GStrv) names = NULL;

    outside_call(__func__);
    TRY(fs_list_dir(runtime->run_dir, &names));
    for (char **name = names; *name; name++)
        g_ptr_array_add(ids, g_strdup(*name));
    *ret_ids = g_steal_pointer(&ids);
    return NULL;
}

/* --- start --- */

/* Backends whose postmaster is gone end by themselves, but a busy one notices late. */
static Error *runtime_sweep(Runtime *runtime, const char *data_dir, int64_t deadline_ms)
{
    for (size_t i = 0; i < G_N_ELEMENTS(runtime_drivers); i++)
        if (runtime_drivers[i]->sweep)
            TRY(runtime_drivers[i]->sweep(&runtime->place, data_dir, deadline_ms));
    return NULL;
}

/*
 * A lock file of an instance that does not run: its postmaster was killed, or the data is a
 * snapshot of a running clone. PostgreSQL would refuse when another process has that pid now. What
 * may still write to the data, backends of a postmaster that was killed, ends first.
 */
static Error *runtime_clear_lock_file(Runtime *runtime, const char *data_dir)
{
    g_autofree char *path = g_build_filename(data_dir, "postmaster.pid", NULL);

    if (!fs_exists(path))
        return NULL;
    TRY(runtime_sweep(runtime, data_dir, clock_monotonic_ms() + RUNTIME_ORPHANS_MS));
    return fs_remove(path);
}

/*
 * The socket directory starts empty: a lock file left in it by a crash holds a pid, and PostgreSQL
 * takes any process of its user with that pid, another clone's after a reboot, for the owner of the
 * socket.
 */
static Error *runtime_launch(Runtime *runtime, const InstanceSpec *spec, int *ret_pidfd)
{
    g_autofree char *socket_dir = runtime_socket_dir(runtime, spec->id);
    g_autofree char *log_path = runtime_log_path(runtime, spec->id);
    AUTO_FD output = -1;

    TRY(runtime_clean(runtime, spec->id));
    log_writers_finish(runtime->writers, spec->id);
    TRY(runtime_clear_lock_file(runtime, spec->data_dir));
    TRY(socket_dir_remove(socket_dir));
    TRY(log_file_clear_place(log_path));
    /* Without a network the socket is the way in: whoever carries the bytes must get to it. */
    TRY(socket_dir_make(socket_dir, spec->has_network ? 0700 : 0711, &runtime->place,
                        runtime->mounts_sockets));
    if (runtime->driver->takes_output)
        TRY(log_writers_start(runtime->writers, spec->id, log_path, &output));

    const RuntimeFiles files = {
        .socket_dir = socket_dir,
        .log_path = log_path,
        .output_fd = MAX(output, 0),
    };

    return runtime->driver->start(runtime->private, &runtime->place, spec, &files, ret_pidfd);
}

Error *runtime_start(Runtime *runtime, const InstanceSpec *spec)
{
    int pidfd = -1;
    Error *e;

    outside_call(__func__);
    TRY(runtime_check_id(runtime, spec->id));
    if (!instances_reserve(runtime->instances, spec->id))
        return error_new(ERR_CONFLICT, "the instance is running");
    e = runtime_launch(runtime, spec, &pidfd);
    if (e) {
        instances_drop(runtime->instances, spec->id);
        return error_wrap(e, "starting the instance");
    }
    instances_set(runtime->instances, spec->id, pidfd, spec->data_dir, runtime->driver);
    return NULL;
}

/* --- stop --- */

/* One signal of a sequence, and how long it may take. */
typedef struct StopStage {
    int signal;
    int64_t percent; /* of the whole time; 0 = all that the others leave */
    int64_t max_ms;
    bool is_forced; /* more than the caller asked for */
} StopStage;

/*
 * Shutdown modes of postgres(1): SIGINT "fast", with a checkpoint; SIGQUIT "immediate", without, in
 * which the postmaster itself ends its children after 5 s.
 */
static const StopStage runtime_stop_clean[] = {
    {.signal = SIGINT},
    {.signal = SIGQUIT, .percent = 25, .max_ms = 6000, .is_forced = true},
    {.signal = SIGKILL, .percent = 25, .max_ms = 6000, .is_forced = true},
    {0},
};

static const StopStage runtime_stop_now[] = {
    {.signal = SIGQUIT, .percent = 50, .max_ms = 2000},
    {.signal = SIGKILL},
    {0},
};

static const StopStage *const runtime_stop_stages[] = {
    [RUNTIME_STOP_CLEAN] = runtime_stop_clean,
    [RUNTIME_STOP_NOW] = runtime_stop_now,
};

static int64_t runtime_stage_ms(const StopStage *stages, const StopStage *stage, int64_t timeout_ms)
{
    int64_t left_ms = timeout_ms;

    if (stage->percent != 0)
        return MIN(timeout_ms * stage->percent / 100, stage->max_ms);
    for (const StopStage *other = stages; other->signal; other++)
        if (other != stage)
            left_ms -= runtime_stage_ms(stages, other, timeout_ms);
    return left_ms;
}

/* Goes through the stages until it ends; *ret_stage: the one that did it. */
static Error *runtime_signal(const StopStage *stages, int pidfd, int64_t timeout_ms,
                             const StopStage **ret_stage)
{
    Error *e = NULL;

    for (const StopStage *stage = stages; stage->signal; stage++) {
        const ProcStop sequence[] = {
            {stage->signal, runtime_stage_ms(stages, stage, timeout_ms)},
            {0, 0},
        };

        error_free(e);
        e = proc_stop(pidfd, sequence);
        if (!e) {
            *ret_stage = stage;
            return NULL;
        }
        if (e->code != ERR_TIMEOUT)
            return e;
    }
    return e;
}

static Error *runtime_stop_running(Runtime *runtime, const Instance *instance, RuntimeStop how,
                                   int64_t timeout_ms)
{
    int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;
    const StopStage *stage = NULL;

    TRY(runtime_signal(runtime_stop_stages[how], instance->pidfd, timeout_ms, &stage));
    if (stage->signal == SIGKILL) {
        deadline_ms = MAX(deadline_ms, clock_monotonic_ms() + RUNTIME_SWEEP_MIN_MS);
        if (instance->driver->sweep)
            TRY(instance->driver->sweep(&runtime->place, instance->data_dir, deadline_ms));
    }
    if (!stage->is_forced)
        return NULL;
    return error_hint(error_new(ERR_TIMEOUT, "no clean shutdown in time; it was ended by signal %d",
                                stage->signal),
                      "Its data directory needs crash recovery: the log of the instance may tell "
                      "what it was doing.");
}

Error *runtime_stop(Runtime *runtime, const char *id, RuntimeStop how, int64_t timeout_ms)
{
    g_autoptr(Instance) instance = instances_get(runtime->instances, id);
    Error *e;

    outside_call(__func__);
    if (!instance)
        return NULL;
    e = runtime_stop_running(runtime, instance, how, timeout_ms);
    if (!runtime_is_running(runtime, id)) {
        instances_drop(runtime->instances, id); /* it did not end by itself */
        log_writers_finish(runtime->writers, id);
        error_ignore(runtime_clean(runtime, id),
                     "it is cleaned up when it is started or forgotten");
    }
    return e ? error_wrap(e, "stopping the instance") : NULL;
}

/* --- look --- */

bool runtime_is_running(Runtime *runtime, const char *id)
{
    g_autoptr(Instance) instance = instances_get(runtime->instances, id);

    return instance != NULL;
}

Error *runtime_limit(Runtime *runtime, const char *id, const InstanceLimits *limits)
{
    g_autoptr(Instance) instance = instances_get(runtime->instances, id);

    outside_call(__func__);
    if (!runtime->driver->limit)
        return error_hint(
            error_new(ERR_INVALID, "runtime \"%s\" sets no limits", runtime->driver->name),
            "Others do: runtime.driver, docs/runtimes.md.");
    if (!instance || instance->driver != runtime->driver)
        return NULL;
    return error_wrap(runtime->driver->limit(runtime->private, &runtime->place, id, limits),
                      "changing the limits of the instance");
}

void runtime_take_ended(Runtime *runtime, GHashTable *ids)
{
    instances_take_ended(runtime->instances, ids);
}

int64_t runtime_memory_kills(Runtime *runtime, const char *id)
{
    g_autoptr(Instance) instance = instances_get(runtime->instances, id);

    outside_call(__func__);
    return instance && instance->driver->memory_kills
               ? instance->driver->memory_kills(&runtime->place, id)
               : 0;
}

Error *runtime_dial(Runtime *runtime, const char *id, int64_t port, int *ret_fd)
{
    g_autoptr(Instance) instance = instances_get(runtime->instances, id);
    g_autofree char *socket_dir = runtime_socket_dir(runtime, id);

    outside_call(__func__);
    if (!instance)
        return error_new(ERR_EXTERNAL, "the instance does not run");
    return dial_instance(&(DialTarget){.socket_dir = socket_dir,
                                       .port = port,
                                       .pidfd = instance->pidfd,
                                       .has_init = instance->driver->has_init},
                         ret_fd);
}

bool runtime_wait_ended(Runtime *runtime, const char *id, int64_t timeout_ms)
{
    g_autoptr(Instance) instance = instances_get(runtime->instances, id);

    outside_call(__func__);
    return !instance || proc_wait_ended(instance->pidfd, timeout_ms);
}

Error *runtime_list(Runtime *runtime, GPtrArray **ret_ids)
{
    outside_call(__func__);
    TRY(runtime_find_instances(runtime));
    *ret_ids = instances_list(runtime->instances);
    return NULL;
}

Error *runtime_run_inside(Runtime *runtime, const ProcSpec *spec, ProcResult *ret_result)
{
    outside_call(__func__);
    if (!runtime_image(runtime))
        return runtime_run(runtime, spec, ret_result);
    return runtime->driver->run(runtime->private, &runtime->place, spec, ret_result);
}

Error *runtime_run(Runtime *runtime, const ProcSpec *spec, ProcResult *ret_result)
{
    ProcSpec as_user = *spec;

    outside_call(__func__);
    as_user.user = runtime->user;
    return proc_run(&as_user, ret_result);
}

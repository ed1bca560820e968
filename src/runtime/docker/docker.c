/*
 * The docker runtime: an instance in a container of Docker Engine or Podman, from an image. Its
 * first process is the postmaster; the front stops it by signals as any other, and what is left of
 * the container is removed then.
 *
 * <state_dir>/docker/instances/<id> says that there may be a container of an instance, of which
 * engine, and which control group it has; docker/users holds the passwd that containers see.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/id.h"
#include "base/json.h"
#include "runtime/cgroup.h"
#include "runtime/command.h"
#include "runtime/docker/image.h"
#include "runtime/docker/lifecycle.h"
#include "runtime/docker/tool.h"
#include "runtime/driver.h"
#include "runtime/resource_limits.h"
#include "runtime/syscall_filter.h"
#include "runtime/users.h"

#define API_OLDEST       "1.41"
#define NOTE_MAX         65536
#define FILTER_OPTION    "seccomp="
#define PING_TIMEOUT_MS  5000
#define LIMIT_TIMEOUT_MS 10000
#define PODMAN_PREFIX    "/v4.3.0/libpod"
#define NAME_PREFIX      "ramet-"
#define TOOL_PREFIX      "tool-"

typedef struct DockerRuntime {
    char *socket;
    char *image;
    char *users;
    char *server;  /* value of LABEL_SERVER */
    char *version; /* "Engine 20.10.24" */
    bool is_podman;
    char *filter;         /* of system calls, "seccomp=…" */
    json_t *volumes;      /* of the image, or NULL */
    json_t *options;      /* of instances          */
    json_t *tool_options; /* without what goes with a limit of memory */
} DockerRuntime;

/* Containers are named on the whole machine: so by server. Caller frees. */
static char *docker_name(const RuntimePlace *place, const char *id)
{
    g_autofree char *server = place_mark(place);

    return g_strconcat(NAME_PREFIX, server, "-", id, NULL);
}

static char *docker_path(const RuntimePlace *place, const char *name)
{
    return g_build_filename(place->state_dir, "docker", name, NULL);
}

/* --- notes --- */

typedef struct DockerNote {
    char *socket;
    char *cgroup; /* "" = not known yet */
} DockerNote;

static void docker_note_clear(DockerNote *note)
{
    g_free(note->socket);
    g_free(note->cgroup);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DockerNote, docker_note_clear)

static char *docker_note_path(const RuntimePlace *place, const char *id)
{
    g_autofree char *dir = docker_path(place, "instances");

    return g_build_filename(dir, id, NULL);
}

static Error *docker_write_note(const RuntimePlace *place, const char *id, const char *socket,
                                const char *cgroup)
{
    g_autofree char *path = docker_note_path(place, id);
    g_autoptr(json_t) note = json_pack("{s:s, s:s}", "socket", socket, "cgroup", cgroup);
    char *text = json_dumps(note, JSON_COMPACT);
    Error *e = fs_write_file(path, text, &(FsWrite){.is_durable = true});

    free(text);
    return e;
}

/* ERR_NOT_FOUND: there is no container of that instance. */
static Error *docker_read_note(const RuntimePlace *place, const char *id, DockerNote *ret_note)
{
    g_autofree char *path = docker_note_path(place, id);
    g_autofree char *text = NULL;
    const char *socket = NULL, *cgroup = NULL;
    g_autoptr(json_t) note = NULL;

    TRY(fs_read_file(path, NOTE_MAX, &text));
    note = json_loads(text, 0, NULL);
    json_unpack(note, "{s:s, s:s}", "socket", &socket, "cgroup", &cgroup);
    *ret_note = (DockerNote){g_strdup(socket), g_strdup(cgroup)};
    return ret_note->socket ? NULL : error_new(ERR_EXTERNAL, "\"%s\" is damaged", path);
}

/* --- open and close --- */

static void docker_close(void *private)
{
    DockerRuntime *docker = private;

    if (!docker)
        return;
    g_free(docker->socket);
    g_free(docker->image);
    g_free(docker->users);
    g_free(docker->server);
    g_free(docker->version);
    g_free(docker->filter);
    json_decref(docker->volumes);
    json_decref(docker->options);
    json_decref(docker->tool_options);
    g_free(docker);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DockerRuntime, docker_close)

static Error *docker_check_api(const DockerRuntime *docker, const char *api)
{
    if (strverscmp(api, API_OLDEST) >= 0)
        return NULL;
    return error_hint(
        error_new(ERR_INVALID,
                  "the container engine at \"%s\" (%s) speaks version \"%s\" of the API",
                  docker->socket, docker->version, api),
        "It must be " API_OLDEST " or later: Docker 20.10, Podman 4.");
}

static Error *docker_ask_version(DockerRuntime *docker)
{
    g_autoptr(json_t) answer = NULL;
    const char *engine = NULL, *version = NULL, *api = "";

    TRY(docker_call(docker->socket, "GET", "/version", NULL, &answer));
    json_unpack(answer, "{s?s, s?s, s?[{s:s}]}", "Version", &version, "ApiVersion", &api,
                "Components", "Name", &engine);
    docker->version = g_strdup_printf("%s %s", engine ? engine : "an engine of version",
                                      version ? version : "unknown");
    docker->is_podman = strstr(docker->version, "Podman") != NULL;

    return docker_check_api(docker, api);
}

/* With user namespaces of its own an engine's user is another one than ours of that number. */
static Error *docker_check_users(const DockerRuntime *docker)
{
    static const char *const foreign[] = {"name=userns", "name=rootless"};
    g_autoptr(json_t) answer = NULL;
    json_t *option;
    size_t i;
    Error *e = NULL;

    TRY(docker_call(docker->socket, "GET", "/info", NULL, &answer));
    json_array_foreach (json_object_get(answer, "SecurityOptions"), i, option)
        for (size_t j = 0; j < G_N_ELEMENTS(foreign) && !e; j++)
            if (g_str_has_prefix(json_string_value(option), foreign[j]))
                e = error_hint(error_new(ERR_INVALID,
                                         "the container engine at \"%s\" maps users (%s)",
                                         docker->socket, foreign[j]),
                               "Run it as root, and without userns-remap: clones' data belongs to "
                               "a user of this machine.");
    return e;
}

/*
 * An engine may not know another default than EPERM, which a C library takes for the last word on
 * clone3, where ENOSYS lets it use clone.
 */
static char *docker_filter_text(void)
{
    g_autoptr(json_t) section = seccomp_section();
    json_t *clone3 = json_pack("{s:[s], s:s, s:i}", "names", "clone3", "action", "SCMP_ACT_ERRNO",
                               "errnoRet", ENOSYS);
    char *text;

    json_array_append_new(json_object_get(section, "syscalls"), clone3);
    text = json_dumps(section, JSON_COMPACT);
    return text;
}

/* Docker takes the profile itself, Podman the name of a file. */
static Error *docker_make_filter(DockerRuntime *docker, const RuntimePlace *place)
{
    g_autofree char *path = docker_path(place, "seccomp.json");
    char *text = docker_filter_text();
    Error *e = fs_write_file(path, text, &(FsWrite){.mode = 0644});

    docker->filter = g_strconcat(FILTER_OPTION, docker->is_podman ? path : text, NULL);
    free(text);
    return e;
}

static Error *docker_remove_all(const DockerRuntime *docker, const char *label, const char *state)
{
    g_autoptr(GPtrArray) names = NULL;

    TRY(container_list(docker->socket, label, docker->server, state, &names));
    for (unsigned i = 0; i < names->len; i++)
        TRY(container_remove(docker->socket, names->pdata[i]));
    return NULL;
}

/*
 * Programs that run once, which a killed server has left; and instances that were made and never
 * started, as an engine makes them that goes on with a request after we gave it up.
 */
static Error *docker_remove_leftovers(const DockerRuntime *docker)
{
    TRY(docker_remove_all(docker, LABEL_TOOL, NULL));
    return docker_remove_all(docker, LABEL_SERVER, "created");
}

static Error *docker_make(DockerRuntime *docker, const RuntimeSpec *spec, const RuntimePlace *place)
{
    g_autofree char *notes = docker_path(place, "instances");

    TRY(fs_make_dir(notes, 0700, NULL));
    TRY(fs_make_dir(docker->users, 0755, NULL));
    TRY(users_write(docker->users, place));
    TRY(docker_make_filter(docker, place));
    TRY(docker_check_users(docker));
    TRY(docker_remove_leftovers(docker));
    return docker_need_image(docker->socket, docker->image, spec->progress, spec->progress_data,
                             &docker->volumes);
}

static void docker_take_options(DockerRuntime *docker, const json_t *options)
{
    json_t *host;

    docker->options = json_deep_copy(options);
    docker->tool_options = json_deep_copy(options);
    host = json_object_get(docker->tool_options, "HostConfig");
    json_object_del(host, "MemorySwap");
    json_object_del(host, "MemoryReservation");
}

static Error *docker_open(const RuntimeSpec *spec, const RuntimePlace *place, void **ret_private)
{
    g_autoptr(DockerRuntime) docker = g_new0(DockerRuntime, 1);

    TRY(docker_find_socket(spec->host ? spec->host : "", &docker->socket));
    docker->image = g_strdup(spec->image);
    docker->users = docker_path(place, "users");
    docker->server = place_mark(place);
    docker_take_options(docker, spec->container);
    TRY(docker_ask_version(docker));
    if (!place->is_to_look)
        TRY(docker_make(docker, spec, place));
    *ret_private = g_steal_pointer(&docker);
    return NULL;
}

static char *docker_describe(const void *private)
{
    const DockerRuntime *docker = private;

    return g_strdup_printf("%s at %s, image %s", docker->version, docker->socket, docker->image);
}

static bool docker_is_there(const void *private)
{
    const DockerRuntime *docker = private;
    const DockerCall call = {.timeout_ms = PING_TIMEOUT_MS};
    g_autoptr(Error) e = docker_call(docker->socket, "GET", "/_ping", &call, NULL);

    return e == NULL;
}

static const char *docker_image(const void *private)
{
    return ((const DockerRuntime *)private)->image;
}

/* --- list and clean --- */

/* By its note, if it has one still. */
static Error *docker_list_one(const RuntimePlace *place, const char *id, RuntimeFound found,
                              void *data)
{
    g_autofree char *name = docker_name(place, id);
    g_auto(DockerNote) note = {0};
    g_auto(ContainerProcess) process = {.pidfd = -1};
    g_autoptr(Error) e = docker_read_note(place, id, &note);

    if (!e)
        e = container_find(note.socket, name, &process);
    if (!e)
        found(id, g_steal_fd(&process.pidfd), NULL, data);
    return !e || e->code == ERR_NOT_FOUND ? NULL : g_steal_pointer(&e);
}

/* The directory of notes is that of a server which has used Docker once: others ask nobody. */
static Error *docker_list(const RuntimePlace *place, RuntimeFound found, void *data)
{
    g_autofree char *dir = docker_path(place, "instances");
    g_auto(GStrv) ids = NULL;

    TRY(fs_list_dir(dir, &ids));
    for (char **id = ids; *id; id++)
        if (!strchr(*id, '.')) /* a note that is being written */
            TRY(error_wrap(docker_list_one(place, *id, found, data), "looking for instance \"%s\"",
                           *id));
    return NULL;
}

/* The note goes last: it is what shows that there may be more. */
static Error *docker_clean(const RuntimePlace *place, const char *id)
{
    g_autofree char *path = docker_note_path(place, id);
    g_autofree char *name = docker_name(place, id);
    g_auto(DockerNote) note = {0};
    g_autoptr(Error) e = docker_read_note(place, id, &note);

    if (e && e->code == ERR_NOT_FOUND)
        return NULL;
    if (e)
        return g_steal_pointer(&e);
    TRY(container_remove(note.socket, name));
    return fs_remove(path);
}

static int64_t docker_memory_kills(const RuntimePlace *place, const char *id)
{
    g_auto(DockerNote) note = {0};
    g_autoptr(Error) e = docker_read_note(place, id, &note);

    return e || !note.cgroup || !*note.cgroup ? 0 : cgroup_memory_kills(note.cgroup);
}

/* --- start --- */

/* A log that its user can write to, for a mount: it is there before the container. */
static Error *docker_make_log(const RuntimePlace *place, const char *path)
{
    AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0 || (place->user && fchown(fd, place->uid, place->gid) < 0))
        return error_errno(errno, "could not make log \"%s\"", path);
    return NULL;
}

static void docker_fill(const DockerRuntime *docker, const RuntimePlace *place,
                        ContainerSpec *container)
{
    container->image = docker->image;
    container->users = docker->users;
    container->filter = docker->filter;
    container->server = docker->server;
    container->volumes = docker->volumes;
    container->uid = place->uid;
    container->gid = place->gid;
}

static Error *docker_run_instance(const DockerRuntime *docker, const RuntimePlace *place,
                                  const InstanceSpec *spec, const RuntimeFiles *files,
                                  ContainerProcess *ret_process)
{
    g_autofree char *name = docker_name(place, spec->id);
    g_auto(GStrv) argv = instance_argv(spec, INSTANCE_DATA_DIR, INSTANCE_SOCKET_DIR);
    g_auto(GStrv) env = instance_env(spec->bin_dir, NULL);
    ContainerSpec container = {
        .data_dir = spec->data_dir,
        .socket_dir = files->socket_dir,
        .log_path = files->log_path,
        .label = LABEL_INSTANCE,
        .label_value = spec->id,
        .argv = (const char *const *)argv,
        .env = (const char *const *)env,
        .has_network = spec->has_network,
        .limits = &spec->limits,
        .options = docker->options,
    };

    docker_fill(docker, place, &container);
    TRY(container_start(docker->socket, name, &container));

    Error *e = container_find(docker->socket, name, ret_process);

    if (!e || e->code != ERR_NOT_FOUND)
        return e;
    error_free(e);
    return error_new(ERR_EXTERNAL, RUNTIME_ENDED);
}

/*
 * What an engine refuses is no mistake of who asked us. An image that was removed since the start
 * is a case for the operator. NULL for NULL.
 */
static Error *docker_explain(const DockerRuntime *docker, Error *e)
{
    bool is_missing = e && e->code == ERR_NOT_FOUND;

    if (e && (is_missing || e->code == ERR_INVALID || e->code == ERR_CONFLICT))
        e->code = ERR_EXTERNAL;
    if (!is_missing)
        return e;
    return error_hint(e, "If image \"%s\" was removed, restart rametd: it is pulled again.",
                      docker->image);
}

static Error *docker_start(void *private, const RuntimePlace *place, const InstanceSpec *spec,
                           const RuntimeFiles *files, int *ret_pidfd)
{
    const DockerRuntime *docker = private;
    g_auto(ContainerProcess) process = {.pidfd = -1};
    Error *e;

    TRY(docker_make_log(place, files->log_path));
    TRY(docker_write_note(place, spec->id, docker->socket, ""));
    e = docker_run_instance(docker, place, spec, files, &process);
    if (!e)
        e = docker_write_note(place, spec->id, docker->socket, process.cgroup);
    if (e && e->code != ERR_TIMEOUT) /* then the engine may be at it yet, and the note tells so */
        error_ignore(docker_clean(place, spec->id), "it is looked at again at the next start");
    TRY(docker_explain(docker, e));
    *ret_pidfd = g_steal_fd(&process.pidfd);
    return NULL;
}

/* --- programs that run once --- */

static Error *docker_run(void *private, const RuntimePlace *place, const ProcSpec *spec,
                         ProcResult *ret_result)
{
    static const InstanceLimits none;
    const DockerRuntime *docker = private;
    g_autofree char *uid = id_new();
    g_autofree char *tool = g_strconcat(TOOL_PREFIX, uid, NULL);
    g_autofree char *name = docker_name(place, tool);
    g_autofree char *bin_dir = g_path_get_dirname(spec->argv[0]);
    g_auto(GStrv) env = instance_env(bin_dir, spec->env);
    ContainerSpec container = {
        .data_dir = spec->cwd,
        .label = LABEL_TOOL,
        .label_value = docker->server,
        .argv = spec->argv,
        .env = (const char *const *)env,
        .limits = &none,
        .options = docker->tool_options,
    };

    docker_fill(docker, place, &container);
    return docker_explain(docker,
                          tool_run_container(docker->socket, name, &container, spec, ret_result));
}

/* --- limits --- */

/* Podman has no such call of Docker's before version 5, and one of its own. */
static Error *docker_limit(void *private, const RuntimePlace *place, const char *id,
                           const InstanceLimits *limits)
{
    const DockerRuntime *docker = private;
    g_autofree char *name = docker_name(place, id);
    const char *prefix = docker->is_podman ? PODMAN_PREFIX : "";
    g_autofree char *path = g_strdup_printf("%s/containers/%s/update", prefix, name);
    g_auto(DockerNote) note = {0};
    g_autoptr(json_t) body = NULL;
    Error *e;

    TRY(docker_explain(docker, docker_read_note(place, id, &note)));
    if (!g_str_equal(note.socket, docker->socket))
        return NULL; /* of another engine: it has them from its next start on */
    body = docker->is_podman ? resource_limits_json(limits)
                             : container_limits_body(limits, docker->options);
    e = docker_call(docker->socket, "POST", path,
                    &(DockerCall){.body = body, .timeout_ms = LIMIT_TIMEOUT_MS}, NULL);
    return docker_explain(docker, e);
}

const RuntimeDriver docker_driver = {
    .name = "docker",
    .takes_network = true,
    .has_init = true,
    .open = docker_open,
    .close = docker_close,
    .describe = docker_describe,
    .is_there = docker_is_there,
    .image = docker_image,
    .run = docker_run,
    .start = docker_start,
    .list = docker_list,
    .clean = docker_clean,
    .limit = docker_limit,
    .memory_kills = docker_memory_kills,
};

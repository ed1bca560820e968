/*
 * Calls about one container.
 */
#include "runtime/docker/lifecycle.h"

#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"
#include "runtime/cgroup.h"

#define REMOVE_TIMEOUT_MS 30000
#define FIND_TIMEOUT_MS   10000

void container_process_clear(ContainerProcess *process)
{
    fs_close_fd(&process->pidfd);
    g_free(process->cgroup);
}

static Error *container_call(const char *socket, const char *method, const char *name,
                             const char *what, json_t **ret_json)
{
    g_autofree char *path = g_strdup_printf("/containers/%s%s", name, what);

    return docker_call(socket, method, path, NULL, ret_json);
}

/* --- its process --- */

/* What an engine says of a container that runs. */
typedef struct ContainerState {
    pid_t pid;
    char *id; /* its own name, in the names of its control groups */
} ContainerState;

static void container_state_clear(ContainerState *state)
{
    g_free(state->id);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ContainerState, container_state_clear)

/* ERR_NOT_FOUND: it does not run. */
static Error *container_inspect(const char *socket, const char *name, ContainerState *ret_state)
{
    g_autoptr(json_t) answer = NULL;
    json_t *state;

    TRY(container_call(socket, "GET", name, "/json", &answer));
    state = json_object_get(answer, "State");
    if (json_is_true(json_object_get(state, "Running")))
        ret_state->pid = (pid_t)json_integer_value(json_object_get(state, "Pid"));
    ret_state->id = g_strdup(json_string_value(json_object_get(answer, "Id")));
    if (ret_state->pid > 0 && ret_state->id)
        return NULL;
    return error_new(ERR_NOT_FOUND, "its container does not run");
}

/*
 * A pid may mean another process from one moment to the next, or here something else than there: so
 * it is held first, and then looked at.
 */
static bool container_hold(const ContainerState *state, ContainerProcess *ret_process)
{
    g_auto(ContainerProcess) process = {.pidfd = pidfd_open(state->pid, 0)};

    process.cgroup = cgroup_of(state->pid);
    if (process.pidfd < 0 || !strstr(process.cgroup, state->id))
        return false;
    *ret_process = process;
    process = (ContainerProcess){.pidfd = -1};
    return true;
}

typedef struct ContainerSearch {
    const char *socket;
    const char *name;
    ContainerProcess *process;
} ContainerSearch;

static Error *container_find_once(void *data, bool *ret_done)
{
    const ContainerSearch *search = data;
    g_auto(ContainerState) state = {0};

    TRY(container_inspect(search->socket, search->name, &state));
    *ret_done = container_hold(&state, search->process);
    return NULL;
}

/* One that cannot be held has just ended, which an engine may be late to notice; or is out of sight. */
Error *container_find(const char *socket, const char *name, ContainerProcess *ret_process)
{
    ContainerSearch search = {socket, name, ret_process};
    Error *e = wait_until(clock_monotonic_ms() + FIND_TIMEOUT_MS, container_find_once, &search);

    if (!e || e->code != ERR_TIMEOUT)
        return e;
    error_free(e);
    return error_hint(
        error_new(ERR_EXTERNAL, "the processes of its container are not to be seen here"),
        "If rametd runs in a container, give that the machine's processes (--pid=host) and control "
        "groups.");
}

/* --- start --- */

static Error *container_create(const char *socket, const char *name, const ContainerSpec *spec)
{
    g_autofree char *path = g_strconcat("/containers/create?name=", name, NULL);
    json_t *body = container_body(spec);
    Error *e = docker_call(socket, "POST", path, &(DockerCall){.body = body}, NULL);

    json_decref(body);
    return e;
}

/* --- the end --- */

typedef struct ContainerRemoval {
    const char *socket;
    const char *name;
} ContainerRemoval;

/* ERR_CONFLICT: another request is about to remove it. */
static Error *container_remove_once(void *data, bool *ret_done)
{
    const ContainerRemoval *removal = data;
    g_autoptr(Error) e =
        container_call(removal->socket, "DELETE", removal->name, "?force=1&v=1", NULL);

    *ret_done = !e || e->code == ERR_NOT_FOUND;
    return *ret_done || e->code == ERR_CONFLICT ? NULL : g_steal_pointer(&e);
}

Error *container_remove(const char *socket, const char *name)
{
    ContainerRemoval removal = {socket, name};

    return error_wrap(
        wait_until(clock_monotonic_ms() + REMOVE_TIMEOUT_MS, container_remove_once, &removal),
        "removing container \"%s\"", name);
}

/* --- both --- */

/* One of that name is of a request that the engine has ended after we gave it up. */
Error *container_start(const char *socket, const char *name, const ContainerSpec *spec)
{
    Error *e = container_create(socket, name, spec);

    if (e && e->code == ERR_CONFLICT) {
        error_free(e);
        TRY(container_remove(socket, name));
        e = container_create(socket, name, spec);
    }
    TRY(e);
    return container_call(socket, "POST", name, "/start", NULL);
}

/* --- all of them --- */

/* A name of the answer begins with "/", but not in that of a request. */
static void container_add_name(GPtrArray *names, const json_t *container)
{
    const char *name = json_string_value(json_array_get(json_object_get(container, "Names"), 0));

    if (name)
        g_ptr_array_add(names, g_strdup(*name == '/' ? name + 1 : name));
}

/* What an engine takes as "filters", encoded. Caller frees. */
static char *container_filter(const char *label, const char *value, const char *state)
{
    g_autofree char *with_value = g_strconcat(label, "=", value, NULL);
    g_autoptr(json_t) filter = json_pack("{s:[s]}", "label", with_value);
    char *text, *encoded;

    if (state)
        json_object_set_new(filter, "status", json_pack("[s]", state));
    text = json_dumps(filter, JSON_COMPACT);
    encoded = g_uri_escape_string(text, NULL, false);
    free(text);
    return encoded;
}

Error *container_list(const char *socket, const char *label, const char *value, const char *state,
                      GPtrArray **ret_names)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *encoded = container_filter(label, value, state);
    g_autofree char *path = g_strconcat("/containers/json?all=1&filters=", encoded, NULL);
    g_autoptr(json_t) answer = NULL;
    json_t *container;
    size_t i;

    TRY(docker_call(socket, "GET", path, NULL, &answer));
    json_array_foreach (answer, i, container)
        container_add_name(names, container);
    *ret_names = g_steal_pointer(&names);
    return NULL;
}

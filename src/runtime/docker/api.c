/*
 * Calls. An engine's errors are {"message": "…"}; Podman adds its own fields.
 */
#include "runtime/docker/api.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/json.h"

#define DOCKER_TIMEOUT_MS 60000
#define DOCKER_SCHEME     "unix://"
#define DOCKER_URL        "http://docker"

/* Docker's, Podman's. */
static const char *const docker_usual_sockets[] = {"/var/run/docker.sock",
                                                   "/run/podman/podman.sock"};

static const struct {
    long status;
    ErrorCode code;
} docker_codes[] = {
    {400, ERR_INVALID},
    {404, ERR_NOT_FOUND},
    {409, ERR_CONFLICT},
};

Error *docker_find_socket(const char *host, char **ret_socket)
{
    if (!*host && g_getenv("DOCKER_HOST"))
        host = g_getenv("DOCKER_HOST");
    for (size_t i = 0; !*host && i < G_N_ELEMENTS(docker_usual_sockets); i++) {
        if (!fs_exists(docker_usual_sockets[i]))
            continue;
        *ret_socket = g_strdup(docker_usual_sockets[i]);
        return NULL;
    }
    if (!*host)
        return error_hint(
            error_new(ERR_NOT_FOUND, "no Docker Engine and no Podman is running here"),
            "Start it (systemctl start docker, or podman.socket), or set "
            "runtime.dockerHost to its socket.");
    if (!g_str_has_prefix(host, DOCKER_SCHEME "/"))
        return error_hint(error_new(ERR_INVALID, "\"%s\" is not \"unix:///path\"", host),
                          "The engine must run on this machine: its containers use the clones' "
                          "data directories.");
    *ret_socket = g_strdup(host + strlen(DOCKER_SCHEME));
    return NULL;
}

static Error *docker_refusal(const HttpResponse *response)
{
    g_autoptr(json_t) answer = json_loads(response->body, 0, NULL);
    const char *words = json_string_value(json_object_get(answer, "message"));
    ErrorCode code = ERR_EXTERNAL;
    Error *e;

    for (size_t i = 0; i < G_N_ELEMENTS(docker_codes); i++)
        if (docker_codes[i].status == response->status)
            code = docker_codes[i].code;
    e = words ? error_new(code, "%s", words)
              : error_new(code, "the container engine answers with status %ld", response->status);
    return e;
}

static Error *docker_request(const char *socket, const char *method, const char *path,
                             const DockerCall *call, HttpResponse *ret_response)
{
    g_autofree char *url = g_strconcat(DOCKER_URL, path, NULL);
    char *body = call->body ? json_dumps(call->body, JSON_COMPACT) : NULL;
    const char *headers[] = {"Content-Type: application/json", call->header, NULL};
    const HttpRequest request = {
        .method = method,
        .url = url,
        .headers = headers,
        .body = body,
        .timeout_ms = call->timeout_ms > 0 ? call->timeout_ms : DOCKER_TIMEOUT_MS,
        .unix_socket = socket,
        .cancel = call->cancel,
        .on_line = call->on_line,
        .on_line_data = call->on_line_data,
    };
    Error *e = http_request(&request, ret_response);

    free(body);
    if (!e)
        return NULL;
    e = error_wrap(e, "asking the container engine at \"%s\"", socket);
    if (e->code == ERR_TIMEOUT)
        return e;
    return error_hint(e, "Is it running, and may this user write to its socket?");
}

Error *docker_call(const char *socket, const char *method, const char *path, const DockerCall *call,
                   json_t **ret_json)
{
    static const DockerCall nothing;
    g_auto(HttpResponse) response = {0};

    if (!call)
        call = &nothing;
    TRY(docker_request(socket, method, path, call, &response));
    if (response.status >= 400)
        return docker_refusal(&response);
    if (ret_json) {
        *ret_json = json_loads(response.body, 0, NULL);
        if (!*ret_json)
            return error_new(ERR_EXTERNAL, "the container engine's answer is not JSON");
    }
    if (call->ret_raw) {
        *call->ret_raw = response;
        response = (HttpResponse){0};
    }
    return NULL;
}

/*
 * Pulling: the engine answers with a line of JSON for each change of each layer, and has failed when
 * one of them is {"error": "…"}; its status is 200 all the same.
 */
#include "runtime/docker/image.h"

#include <jansson.h>

#include "base/clock.h"
#include "base/json.h"
#include "runtime/docker/api.h"
#include "runtime/docker/registry.h"

#define PULL_TIMEOUT_MS (6 * 3600 * INT64_C(1000))
#define PULL_TELL_MS    5000

typedef struct ImagePull {
    const char *image;
    RuntimeProgress progress;
    void *data;
    int64_t told_ms;
    GHashTable *layers; /* id → json_t: "progressDetail" */
    char *failure;      /* or NULL */
} ImagePull;

static void pull_decref(void *json)
{
    json_decref(json);
}

/* Bytes of all layers that are known so far. */
static void pull_tell(ImagePull *pull)
{
    int64_t now_ms = clock_monotonic_ms(), done = 0, all = 0;
    GHashTableIter iter;
    void *id, *layer;

    if (!pull->progress || now_ms - pull->told_ms < PULL_TELL_MS)
        return;
    pull->told_ms = now_ms;
    g_hash_table_iter_init(&iter, pull->layers);
    while (g_hash_table_iter_next(&iter, &id, &layer)) {
        done += json_integer_value(json_object_get(layer, "current"));
        all += json_integer_value(json_object_get(layer, "total"));
    }

    g_autofree char *words =
        g_strdup_printf("pulling image \"%s\": %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " MiB",
                        pull->image, done >> 20, all >> 20);

    pull->progress(words, pull->data);
}

static void pull_take_line(const char *text, void *data)
{
    ImagePull *pull = data;
    g_autoptr(json_t) line = json_loads(text, 0, NULL);
    const char *failure = json_string_value(json_object_get(line, "error"));
    const char *id = json_string_value(json_object_get(line, "id"));
    json_t *detail = json_object_get(line, "progressDetail");

    if (failure && !pull->failure)
        pull->failure = g_strdup(failure);
    if (id && json_object_get(detail, "total"))
        g_hash_table_insert(pull->layers, g_strdup(id), json_incref(detail));
    pull_tell(pull);
}

static Error *pull_run(const char *socket, ImagePull *pull)
{
    g_auto(ImageName) name = image_name_parse(pull->image);
    g_autofree char *repository = g_uri_escape_string(name.repository, NULL, false);
    g_autofree char *tag = g_uri_escape_string(name.tag, NULL, false);
    g_autofree char *path = g_strdup_printf("/images/create?fromImage=%s&tag=%s", repository, tag);
    g_autofree char *auth = NULL;

    TRY(registry_auth(name.registry, &auth));

    g_autofree char *header = auth ? g_strconcat("X-Registry-Auth: ", auth, NULL) : NULL;
    const DockerCall call = {
        .header = header,
        .timeout_ms = PULL_TIMEOUT_MS,
        .on_line = pull_take_line,
        .on_line_data = pull,
    };

    TRY(docker_call(socket, "POST", path, &call, NULL));
    return pull->failure ? error_new(ERR_EXTERNAL, "%s", pull->failure) : NULL;
}

static Error *docker_pull(const char *socket, const char *image, RuntimeProgress progress,
                          void *data)
{
    ImagePull pull = {
        .image = image,
        .progress = progress,
        .data = data,
        .layers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, pull_decref),
    };
    Error *e = pull_run(socket, &pull);

    g_hash_table_unref(pull.layers);
    g_free(pull.failure);
    if (!e)
        return NULL;
    e->code = ERR_NOT_FOUND;
    return error_hint(error_wrap(e, "image \"%s\" is not here, and pulling it failed", image),
                      "Check its name and the network; for a registry that wants a login, "
                      "docker login or podman login as the user that rametd runs as.");
}

static Error *docker_ask_image(const char *socket, const char *image, json_t **ret_volumes)
{
    g_autofree char *name = g_uri_escape_string(image, "/:@", false);
    g_autofree char *path = g_strdup_printf("/images/%s/json", name);
    g_autoptr(json_t) answer = NULL;

    TRY(docker_call(socket, "GET", path, NULL, &answer));
    *ret_volumes = json_incref(json_object_get(json_object_get(answer, "Config"), "Volumes"));
    return NULL;
}

Error *docker_need_image(const char *socket, const char *image, RuntimeProgress progress,
                         void *data, json_t **ret_volumes)
{
    Error *e = docker_ask_image(socket, image, ret_volumes);

    if (!e || e->code != ERR_NOT_FOUND)
        return e;
    error_free(e);
    TRY(docker_pull(socket, image, progress, data));
    return docker_ask_image(socket, image, ret_volumes);
}

/*
 * The table of options. Left out are those that would give a container more than its clone needs
 * (privileged, cap-add, device, user, pid, ipc, …) and those that are ours (entrypoint, name, tmpfs),
 * and cpu-quota and cpu-period, which say the same as cpus.
 */
#include "config/docker_options.h"

#include <glib.h>
#include <string.h>

#include "base/text.h"
#include "config/scalar.h"

/* Takes the text of an option; *ret_value is new. */
typedef Error *(*OptionReader)(const char *text, json_t **ret_value);

static Error *read_text(const char *text, json_t **ret_value)
{
    if (!*text)
        return error_new(ERR_INVALID, "a value is missing");
    *ret_value = json_string(text);
    return NULL;
}

static Error *read_count(const char *text, json_t **ret_value)
{
    int64_t value;

    TRY(text_parse_int(text, -1000, INT32_MAX, &value));
    *ret_value = json_integer(value);
    return NULL;
}

/* "-1" is "without limit". */
static Error *read_size(const char *text, json_t **ret_value)
{
    uint64_t bytes = 0;

    if (!g_str_equal(text, "-1"))
        TRY(text_parse_size(text, &bytes));
    *ret_value = json_integer(g_str_equal(text, "-1") ? -1 : (json_int_t)MIN(bytes, INT64_MAX));
    return NULL;
}

static Error *read_list(const char *text, json_t **ret_value)
{
    if (!*text)
        return error_new(ERR_INVALID, "a value is missing");
    *ret_value = json_pack("[s]", text);
    return NULL;
}

static Error *read_pair(const char *text, json_t **ret_value)
{
    const char *equals = strchr(text, '=');
    g_autofree char *name = g_strndup(text, equals ? (gsize)(equals - text) : strlen(text));

    if (!*name)
        return error_new(ERR_INVALID, "\"%s\" is not NAME=VALUE", text);
    if (g_str_has_prefix(name, "ramet."))
        return error_new(ERR_INVALID, "names that begin with \"ramet.\" are Ramet's own");
    *ret_value = json_pack("{s:s}", name, equals ? equals + 1 : "");
    return NULL;
}

static const struct {
    const char *name;
    bool is_of_host; /* in HostConfig */
    const char *field;
    OptionReader read;
} docker_options[] = {
    {"add-host", true, "ExtraHosts", read_list},
    {"blkio-weight", true, "BlkioWeight", read_count},
    {"cgroup-parent", true, "CgroupParent", read_text},
    {"cpu-shares", true, "CpuShares", read_count},
    {"cpuset-cpus", true, "CpusetCpus", read_text},
    {"cpuset-mems", true, "CpusetMems", read_text},
    {"env", false, "Env", read_list},
    {"hostname", false, "Hostname", read_text},
    {"label", false, "Labels", read_pair},
    {"memory-reservation", true, "MemoryReservation", read_size},
    {"memory-swap", true, "MemorySwap", read_size},
    {"memory-swappiness", true, "MemorySwappiness", read_count},
    {"network", true, "NetworkMode", read_text},
    {"oom-score-adj", true, "OomScoreAdj", read_count},
    {"runtime", true, "Runtime", read_text},
    {"security-opt", true, "SecurityOpt", read_list},
    {"volume", true, "Binds", read_list},
};

static ssize_t option_index(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(docker_options); i++)
        if (strcmp(docker_options[i].name, name) == 0)
            return (ssize_t)i;
    return -1;
}

bool docker_options_knows(const char *name)
{
    return option_index(name) >= 0;
}

char *docker_options_names(void)
{
    GString *names = g_string_new(NULL);

    for (size_t i = 0; i < G_N_ELEMENTS(docker_options); i++)
        g_string_append_printf(names, "%s%s", i > 0 ? ", " : "", docker_options[i].name);
    return g_string_free(names, FALSE);
}

static Error *option_set(json_t *body, size_t i, const json_t *value)
{
    g_autofree char *text = scalar_text(value);
    json_t *host = json_object_get(body, "HostConfig");
    json_t *read = NULL;

    TRY(docker_options[i].read(text, &read));
    json_object_set_new(docker_options[i].is_of_host ? host : body, docker_options[i].field, read);
    return NULL;
}

Error *docker_options_parse(const json_t *options, json_t **ret_body)
{
    json_t *body = json_pack("{s:{}}", "HostConfig");
    const char *name;
    json_t *value;

    json_object_foreach ((json_t *)(uintptr_t)options, name, value) {
        ssize_t i = option_index(name);
        Error *e = i >= 0 ? option_set(body, (size_t)i, value) : NULL;

        if (!e)
            continue;
        json_decref(body);
        return error_wrap(e, "\"%s\"", name);
    }
    *ret_body = body;
    return NULL;
}

/*
 * A container has no capabilities and no network, and writes to its data, its sockets and memory
 * alone. Source: Docker Engine API v1.41.
 */
#include "runtime/docker/container.h"

#include <unistd.h>

#include "base/json.h"
#include "base/text.h"
#include "runtime/place.h"
#include "runtime/resource_limits.h"

#define CONTAINER_LOG       "/run/ramet.log"
#define CONTAINER_TMP       "/tmp"
#define CONTAINER_TMP_HOW   "rw,nosuid,nodev,noexec,mode=1777,size=268435456"
#define CONTAINER_SHM_BYTES (INT64_C(1) << 30)
#define VOLUME_BYTES        65536
#define SWAP_WITHOUT_END    (INT64_C(1) << 50)
#define NANOS_PER_MILLI     INT64_C(1000000)
#define NANOS_PER_CPU       INT64_C(1000000000)

/* PostgreSQL writes its first words to stderr, before any setting can say where else. */
#define CONTAINER_TO_LOG "exec \"$0\" \"$@\" >>" CONTAINER_LOG " 2>&1"

static json_t *body_entrypoint(const ContainerSpec *spec)
{
    g_autoptr(json_t) argv = text_list_json(spec->argv);
    json_t *entrypoint =
        spec->log_path ? json_pack("[s, s, s]", "/bin/sh", "-c", CONTAINER_TO_LOG) : json_array();

    json_array_extend(entrypoint, argv);
    return entrypoint;
}

static void body_mount(json_t *mounts, const char *source, const char *target, bool is_read_only)
{
    if (source)
        json_array_append_new(mounts,
                              json_pack("{s:s, s:s, s:s, s:b}", "Type", "bind", "Source", source,
                                        "Target", target, "ReadOnly", is_read_only));
}

/* A volume of the image is space of the engine's that nobody limits: in its place is nothing. */
static void body_cover_volumes(json_t *mounts, const json_t *volumes)
{
    const char *target;
    json_t *value;

    json_object_foreach ((json_t *)(uintptr_t)volumes, target, value)
        if (!g_str_has_prefix(INSTANCE_DATA_DIR, target))
            json_array_append_new(mounts, json_pack("{s:s, s:s, s:{s:i, s:i}}", "Type", "tmpfs",
                                                    "Target", target, "TmpfsOptions", "SizeBytes",
                                                    VOLUME_BYTES, "Mode", 0755));
}

static json_t *body_mounts(const ContainerSpec *spec)
{
    g_autofree char *passwd = g_build_filename(spec->users, "passwd", NULL);
    g_autofree char *group = g_build_filename(spec->users, "group", NULL);
    json_t *mounts = json_array();

    body_mount(mounts, passwd, "/etc/passwd", true);
    body_mount(mounts, group, "/etc/group", true);
    body_mount(mounts, spec->data_dir, INSTANCE_DATA_DIR, false);
    body_mount(mounts, spec->socket_dir, INSTANCE_SOCKET_DIR, false);
    body_mount(mounts, spec->log_path, CONTAINER_LOG, false);
    body_cover_volumes(mounts, spec->volumes);
    return mounts;
}

static void body_add_ulimit(json_t *ulimits, const char *name, int64_t value)
{
    json_array_append_new(ulimits, json_pack("{s:s, s:I, s:I}", "Name", name, "Soft",
                                             (json_int_t)value, "Hard", (json_int_t)value));
}

static json_t *body_ulimits(const InstanceLimits *limits)
{
    json_t *ulimits = json_array();

    body_add_ulimit(ulimits, "sigpending", RESOURCE_SIGNALS_MAX);
    if (limits->open_files > 0)
        body_add_ulimit(ulimits, "nofile", limits->open_files);
    return ulimits;
}

/* What is not limited is left out. Without swap, as the limit is of memory. */
static void body_limit(json_t *host, const InstanceLimits *limits)
{
    json_int_t shm = limits->shm_bytes > 0 ? limits->shm_bytes : CONTAINER_SHM_BYTES;

    json_object_set_new(host, "Ulimits", body_ulimits(limits));
    json_object_set_new(host, "ShmSize", json_integer(shm));
    if (limits->memory_bytes > 0) {
        json_object_set_new(host, "Memory", json_integer(limits->memory_bytes));
        json_object_set_new(host, "MemorySwap", json_integer(limits->memory_bytes));
    }
    if (limits->cpu_millis > 0)
        json_object_set_new(host, "NanoCpus", json_integer(limits->cpu_millis * NANOS_PER_MILLI));
    if (limits->processes > 0)
        json_object_set_new(host, "PidsLimit", json_integer(limits->processes));
}

static json_t *body_host_config(const ContainerSpec *spec)
{
    const char *log = spec->log_path ? "none" : "json-file";
    json_t *host =
        json_pack("{s:o, s:s, s:b, s:[s], s:[s, s], s:{s:s}, s:{s:s}, s:s, s:{s:s}}", "Mounts",
                  body_mounts(spec), "NetworkMode", spec->has_network ? "host" : "none",
                  "ReadonlyRootfs", 1, "CapDrop", "ALL", "SecurityOpt", "no-new-privileges",
                  spec->filter, "Tmpfs", CONTAINER_TMP, CONTAINER_TMP_HOW, "LogConfig", "Type", log,
                  "IpcMode", "private", "RestartPolicy", "Name", "no");

    body_limit(host, spec->limits);
    return host;
}

/* Objects are joined, lists lengthened, other values replaced. */
static void body_lay_over(json_t *body, const json_t *options)
{
    const char *name;
    json_t *value;

    json_object_foreach ((json_t *)(uintptr_t)options, name, value) {
        json_t *own = json_object_get(body, name);

        if (json_is_object(own) && json_is_object(value))
            body_lay_over(own, value);
        else if (json_is_array(own) && json_is_array(value))
            json_array_extend(own, value);
        else
            json_object_set(body, name, value);
    }
}

json_t *container_body(const ContainerSpec *spec)
{
    g_autofree char *user = g_strdup_printf("%u:%u", spec->uid, spec->gid);
    json_t *body =
        json_pack("{s:s, s:s, s:o, s:[], s:o, s:s, s:s, s:{s:s, s:s}, s:o}", "Image", spec->image,
                  "User", user, "Entrypoint", body_entrypoint(spec), "Cmd", "Env",
                  text_list_json(spec->env), "WorkingDir", spec->data_dir ? INSTANCE_DATA_DIR : "/",
                  "StopSignal", "SIGINT", "Labels", LABEL_SERVER, spec->server, spec->label,
                  spec->label_value, "HostConfig", body_host_config(spec));

    if (spec->options)
        body_lay_over(body, spec->options);
    return body;
}

/*
 * To an engine 0 means "as it is", -1 is no memory, and of swap it is passed over: what is not
 * limited any more gets all there is. A configured limit of swap stays.
 */
json_t *container_limits_body(const InstanceLimits *limits, const json_t *options)
{
    json_int_t cpus = g_get_num_processors();
    json_int_t machine = (json_int_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
    json_int_t memory = limits->memory_bytes > 0 ? limits->memory_bytes : machine;
    json_int_t swap = limits->memory_bytes > 0 ? limits->memory_bytes : SWAP_WITHOUT_END;
    json_int_t nanos =
        limits->cpu_millis > 0 ? limits->cpu_millis * NANOS_PER_MILLI : cpus * NANOS_PER_CPU;
    json_int_t processes = limits->processes > 0 ? limits->processes : -1;
    const json_t *own_swap = json_object_get(json_object_get(options, "HostConfig"), "MemorySwap");

    if (own_swap)
        swap = json_integer_value(own_swap);
    return json_pack("{s:I, s:I, s:I, s:I}", "Memory", memory, "MemorySwap", swap, "NanoCpus",
                     nanos, "PidsLimit", processes);
}

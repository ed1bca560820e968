/*
 * config.json. All capabilities are dropped, nothing of the root can be written, and what can be
 * written (data, sockets, /tmp, /dev/shm) can neither be executed nor hold devices.
 */
#include "runtime/oci/bundle.h"

#include "base/json.h"
#include "base/text.h"
#include "runtime/place.h"
#include "runtime/resource_limits.h"
#include "runtime/syscall_filter.h"

#define OCI_VERSION     "1.0.2"
#define ANNOTATION_BPF  "run.oci.seccomp_bpf_data" /* crun(1) */
#define OPTIONS_HOST    "bind,ro,nosuid,nodev"
#define OPTIONS_OWN     "bind,rw,nosuid,nodev,noexec"
#define OPTIONS_PROC    "nosuid,noexec,nodev"
#define OPTIONS_DEV     "nosuid,noexec,mode=755,size=64k"
#define OPTIONS_POINTS  "nosuid,noexec,nodev,mode=755,size=64k"
#define OPTIONS_SCRATCH "nosuid,noexec,nodev,mode=1777,size=%" G_GINT64_FORMAT
#define TMP_BYTES       (INT64_C(256) << 20) /* it is memory of the clone */

static const char *const bundle_capability_sets[] = {
    "bounding", "effective", "inheritable", "permitted", "ambient", NULL,
};

static const char *const bundle_masked_paths[] = {
    "/proc/acpi",        "/proc/asound", "/proc/interrupts",
    "/proc/kcore",       "/proc/keys",   "/proc/latency_stats",
    "/proc/sched_debug", "/proc/scsi",   "/proc/timer_list",
    "/proc/timer_stats", NULL,
};

static const char *const bundle_readonly_paths[] = {
    "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", NULL,
};

static const char *const bundle_namespaces[] = {"mount", "pid", "ipc", "uts", NULL};

/* --- process --- */

static json_t *bundle_capabilities(void)
{
    json_t *sets = json_object();

    for (const char *const *set = bundle_capability_sets; *set; set++)
        json_object_set_new(sets, *set, json_array());
    return sets;
}

static void bundle_add_rlimit(json_t *rlimits, const char *type, int64_t value)
{
    json_array_append_new(rlimits, json_pack("{s:s, s:I, s:I}", "type", type, "soft",
                                             (json_int_t)value, "hard", (json_int_t)value));
}

static json_t *bundle_rlimits(const InstanceLimits *limits)
{
    json_t *rlimits = json_array();

    bundle_add_rlimit(rlimits, "RLIMIT_SIGPENDING", RESOURCE_SIGNALS_MAX);
    if (limits->open_files > 0)
        bundle_add_rlimit(rlimits, "RLIMIT_NOFILE", limits->open_files);
    return rlimits;
}

static json_t *bundle_process(const BundleSpec *spec)
{
    const char *cwd = spec->data_dir ? INSTANCE_DATA_DIR : "/";
    json_t *user =
        json_pack("{s:I, s:I}", "uid", (json_int_t)spec->uid, "gid", (json_int_t)spec->gid);

    return json_pack("{s:b, s:o, s:o, s:o, s:s, s:o, s:b, s:o}", "terminal", 0, "user", user,
                     "args", text_list_json(spec->argv), "env", text_list_json(spec->env), "cwd",
                     cwd, "capabilities", bundle_capabilities(), "noNewPrivileges", 1, "rlimits",
                     bundle_rlimits(spec->limits));
}

/* --- mounts --- */

/* options: separated by commas. */
static void bundle_mount(json_t *mounts, const char *type, const char *source,
                         const char *destination, const char *options)
{
    g_auto(GStrv) words = g_strsplit(options, ",", -1);

    json_array_append_new(mounts, json_pack("{s:s, s:s, s:s, s:o}", "destination", destination,
                                            "type", type, "source", source, "options",
                                            text_list_json((const char *const *)words)));
}

static void bundle_mount_scratch(json_t *mounts, const char *destination, int64_t size_bytes)
{
    g_autofree char *options = g_strdup_printf(OPTIONS_SCRATCH, size_bytes);

    bundle_mount(mounts, "tmpfs", "tmpfs", destination, options);
}

/* Over directories of an image: mount points are made in memory, and its users are ours. */
static void bundle_mount_over_image(json_t *mounts, const char *users)
{
    static const char *const files[] = {"/passwd", "/group"};
    static const char *const dirs[] = {"/run", "/var/lib/postgresql"};

    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *source = g_strconcat(users, files[i], NULL);
        g_autofree char *destination = g_strconcat("/etc", files[i], NULL);

        bundle_mount(mounts, "none", source, destination, OPTIONS_HOST);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(dirs); i++)
        bundle_mount(mounts, "tmpfs", "tmpfs", dirs[i], OPTIONS_POINTS);
}

static json_t *bundle_mounts(const BundleSpec *spec)
{
    json_t *mounts = json_array();

    bundle_mount(mounts, "proc", "proc", "/proc", OPTIONS_PROC);
    bundle_mount(mounts, "tmpfs", "tmpfs", "/dev", OPTIONS_DEV);
    bundle_mount_scratch(mounts, "/dev/shm", spec->limits->shm_bytes);
    bundle_mount_scratch(mounts, "/tmp", TMP_BYTES);
    for (unsigned i = 0; spec->host_paths && i < spec->host_paths->len; i++) {
        const char *path = spec->host_paths->pdata[i];

        bundle_mount(mounts, "none", path, path, OPTIONS_HOST);
    }
    if (spec->users)
        bundle_mount_over_image(mounts, spec->users);
    if (spec->data_dir)
        bundle_mount(mounts, "none", spec->data_dir, INSTANCE_DATA_DIR, OPTIONS_OWN);
    if (spec->socket_dir)
        bundle_mount(mounts, "none", spec->socket_dir, INSTANCE_SOCKET_DIR, OPTIONS_OWN);
    return mounts;
}

/* --- linux --- */

static json_t *bundle_namespace_list(bool has_network)
{
    json_t *namespaces = json_array();

    for (const char *const *type = bundle_namespaces; *type; type++)
        json_array_append_new(namespaces, json_pack("{s:s}", "type", *type));
    if (!has_network)
        json_array_append_new(namespaces, json_pack("{s:s}", "type", "network"));
    return namespaces;
}

/* What is not limited is left out. */
static json_t *bundle_resources(const InstanceLimits *limits)
{
    json_t *resources = json_pack("{s:[{s:b, s:s}]}", "devices", "allow", 0, "access", "rwm");

    if (limits->memory_bytes > 0)
        json_object_set_new(resources, "memory",
                            json_pack("{s:I}", "limit", (json_int_t)limits->memory_bytes));
    if (limits->cpu_millis > 0)
        json_object_set_new(resources, "cpu",
                            json_pack("{s:I, s:I}", "quota",
                                      (json_int_t)resource_cpu_quota_us(limits), "period",
                                      (json_int_t)RESOURCE_CPU_PERIOD_US));
    if (limits->processes > 0)
        json_object_set_new(resources, "pids",
                            json_pack("{s:I}", "limit", (json_int_t)limits->processes));
    return resources;
}

static json_t *bundle_linux(const BundleSpec *spec)
{
    json_t *section = json_pack("{s:o, s:s, s:o, s:o, s:o}", "namespaces",
                                bundle_namespace_list(spec->has_network), "cgroupsPath",
                                spec->cgroup, "resources", bundle_resources(spec->limits),
                                "maskedPaths", text_list_json(bundle_masked_paths), "readonlyPaths",
                                text_list_json(bundle_readonly_paths));

    if (!spec->filter)
        json_object_set_new(section, "seccomp", seccomp_section());
    return section;
}

char *bundle_format_resources(const InstanceLimits *limits)
{
    g_autoptr(json_t) resources = resource_limits_json(limits);
    char *text = json_dumps(resources, JSON_COMPACT);

    return text;
}

char *bundle_format(const BundleSpec *spec)
{
    json_t *bundle =
        json_pack("{s:s, s:o, s:{s:s, s:b}, s:s, s:o, s:o}", "ociVersion", OCI_VERSION, "process",
                  bundle_process(spec), "root", "path", spec->root, "readonly", 1, "hostname",
                  "clone", "mounts", bundle_mounts(spec), "linux", bundle_linux(spec));

    if (spec->filter)
        json_object_set_new(bundle, "annotations",
                            json_pack("{s:s}", ANNOTATION_BPF, spec->filter));

    char *text = json_dumps(bundle, JSON_COMPACT);

    json_decref(bundle);
    return text;
}

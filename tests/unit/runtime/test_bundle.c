/*
 * config.json of a container, and the profile of its system calls.
 */
#include "runtime/oci/bundle.h"

#include <string.h>

#include "runtime/syscall_filter.h"

static const char *const argv_none[] = {"postgres", "-D", "x", NULL};
static const char *const env_none[] = {"A=b", NULL};

static json_t *format(const InstanceLimits *limits, bool has_network, const char *filter)
{
    g_autoptr(GPtrArray) host_paths = g_ptr_array_new_with_free_func(g_free);

    g_ptr_array_add(host_paths, g_strdup("/usr"));

    const BundleSpec spec = {
        .root = "/state/root",
        .host_paths = host_paths,
        .data_dir = "/pool/data",
        .socket_dir = "/state/run/c1",
        .cgroup = "/ramet/x-c1",
        .argv = argv_none,
        .env = env_none,
        .uid = 101,
        .gid = 104,
        .has_network = has_network,
        .filter = filter,
        .limits = limits,
    };
    g_autofree char *text = bundle_format(&spec);
    json_t *bundle = json_loads(text, 0, NULL);

    g_assert_nonnull(bundle);
    return bundle;
}

/* The value at "a/b/0/c"; NULL when there is none. */
static json_t *at(json_t *value, const char *path)
{
    g_auto(GStrv) steps = g_strsplit(path, "/", -1);

    for (char **step = steps; value && *step; step++)
        value = json_is_array(value)
                    ? json_array_get(value, (size_t)g_ascii_strtoull(*step, NULL, 10))
                    : json_object_get(value, *step);
    return value;
}

static json_t *find_mount(json_t *bundle, const char *destination)
{
    size_t i;
    json_t *mount;

    json_array_foreach (at(bundle, "mounts"), i, mount)
        if (strcmp(json_string_value(at(mount, "destination")), destination) == 0)
            return mount;
    g_error("nothing is mounted at %s", destination);
}

static bool has_text(const json_t *array, const char *text)
{
    size_t i;
    json_t *item;

    json_array_foreach ((json_t *)(uintptr_t)array, i, item)
        if (strcmp(json_string_value(item), text) == 0)
            return true;
    return false;
}

static bool has_namespace(json_t *bundle, const char *type)
{
    size_t i;
    json_t *item;

    json_array_foreach (at(bundle, "linux/namespaces"), i, item)
        if (strcmp(json_string_value(at(item, "type")), type) == 0)
            return true;
    return false;
}

static void test_privileges(void)
{
    static const char *const sets[] = {"bounding", "effective", "inheritable", "permitted",
                                       "ambient"};
    json_t *bundle = format(&(InstanceLimits){0}, false, NULL);
    json_t *capabilities = at(bundle, "process/capabilities");

    for (size_t i = 0; i < G_N_ELEMENTS(sets); i++) {
        g_assert_true(json_is_array(at(capabilities, sets[i])));
        g_assert_cmpuint(json_array_size(at(capabilities, sets[i])), ==, 0);
    }
    g_assert_true(json_is_true(at(bundle, "process/noNewPrivileges")));
    g_assert_true(json_is_true(at(bundle, "root/readonly")));
    g_assert_cmpint(json_integer_value(at(bundle, "process/user/uid")), ==, 101);
    g_assert_cmpint(json_integer_value(at(bundle, "process/user/gid")), ==, 104);
    json_decref(bundle);
}

static void test_mounts(void)
{
    json_t *bundle = format(&(InstanceLimits){.shm_bytes = 4096}, false, NULL);
    const json_t *usr = at(find_mount(bundle, "/usr"), "options");
    const json_t *data = at(find_mount(bundle, "/var/lib/postgresql/data"), "options");
    const json_t *shm = at(find_mount(bundle, "/dev/shm"), "options");

    g_assert_true(has_text(usr, "ro"));
    g_assert_true(has_text(data, "rw"));
    g_assert_true(has_text(data, "noexec"));
    g_assert_true(has_text(shm, "size=4096"));
    g_assert_cmpstr(json_string_value(at(find_mount(bundle, "/run/postgresql"), "source")), ==,
                    "/state/run/c1");
    json_decref(bundle);
}

static void test_network(void)
{
    json_t *without = format(&(InstanceLimits){0}, false, NULL);
    json_t *with = format(&(InstanceLimits){0}, true, NULL);

    g_assert_true(has_namespace(without, "network"));
    g_assert_false(has_namespace(with, "network"));
    g_assert_true(has_namespace(with, "pid"));
    g_assert_true(has_namespace(with, "mount"));
    g_assert_true(has_namespace(with, "ipc"));
    json_decref(without);
    json_decref(with);
}

static void test_limits(void)
{
    const InstanceLimits limits = {
        .cpu_millis = 1500,
        .memory_bytes = 1 << 30,
        .processes = 200,
        .open_files = 2048,
    };
    json_t *none = format(&(InstanceLimits){0}, false, NULL);
    json_t *all = format(&limits, false, NULL);
    json_t *resources = at(all, "linux/resources");

    g_assert_null(at(none, "linux/resources/memory"));
    g_assert_null(at(none, "linux/resources/cpu"));
    g_assert_null(at(none, "linux/resources/pids"));
    g_assert_cmpuint(json_array_size(at(none, "process/rlimits")), ==, 1);
    g_assert_cmpstr(json_string_value(at(none, "process/rlimits/0/type")), ==, "RLIMIT_SIGPENDING");
    g_assert_cmpint(json_integer_value(at(none, "process/rlimits/0/hard")), ==, 1024);
    g_assert_cmpint(json_integer_value(at(resources, "memory/limit")), ==, 1 << 30);
    g_assert_cmpint(json_integer_value(at(resources, "cpu/quota")), ==, 150000);
    g_assert_cmpint(json_integer_value(at(resources, "cpu/period")), ==, 100000);
    g_assert_cmpint(json_integer_value(at(resources, "pids/limit")), ==, 200);
    g_assert_cmpint(json_integer_value(at(all, "process/rlimits/1/hard")), ==, 2048);
    json_decref(none);
    json_decref(all);
}

static void test_profile(void)
{
    static const char *const refused[] = {
        "ptrace",   "mount",   "unshare",       "setns",  "bpf",
        "keyctl",   "reboot",  "init_module",   "clone3", "io_uring_setup",
        "io_setup", "mq_open", "inotify_init1", "socket", "clone"};
    json_t *section = seccomp_section();
    const json_t *names = at(section, "syscalls/0/names");

    g_assert_cmpstr(json_string_value(at(section, "defaultAction")), ==, "SCMP_ACT_ERRNO");
    g_assert_true(has_text(names, "openat"));
    g_assert_true(has_text(names, "shmget"));
    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++)
        g_assert_false(has_text(names, refused[i])); /* the last two: with conditions only */
    json_decref(section);
}

static void test_filter(void)
{
    g_autofree char *filter = NULL;
    g_autofree guchar *program = NULL;
    gsize size = 0;
    g_autoptr(Error) e = seccomp_filter(&filter);
    json_t *bundle;

    g_assert_null(e);
    program = g_base64_decode(filter, &size);
    g_assert_cmpuint(size, >, 100);
    g_assert_cmpuint(size % 8, ==, 0); /* struct sock_filter */

    bundle = format(&(InstanceLimits){0}, false, filter);
    g_assert_null(at(bundle, "linux/seccomp"));
    g_assert_cmpstr(
        json_string_value(json_object_get(at(bundle, "annotations"), "run.oci.seccomp_bpf_data")),
        ==, filter);
    json_decref(bundle);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bundle/privileges", test_privileges);
    g_test_add_func("/bundle/mounts", test_mounts);
    g_test_add_func("/bundle/network", test_network);
    g_test_add_func("/bundle/limits", test_limits);
    g_test_add_func("/seccomp/profile", test_profile);
    g_test_add_func("/seccomp/filter", test_filter);
    return g_test_run();
}

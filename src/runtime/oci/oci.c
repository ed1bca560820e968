/*
 * The oci runtime: an instance in a container of crun or runc, without a daemon. The container has
 * namespaces, an unprivileged user and limits of its own, and sees of the machine only /usr and its
 * data. Its first process is the postmaster: with it, the kernel ends all the others.
 *
 * <state_dir>/oci/root is the root of all containers, oci/bundles/<id>/ the configuration of one,
 * oci/programs/ the notes of crun itself.
 */
#include "base/fs.h"
#include "base/id.h"
#include "runtime/cgroup.h"
#include "runtime/command.h"
#include "runtime/driver.h"
#include "runtime/oci/bundle.h"
#include "runtime/oci/container.h"
#include "runtime/oci/program.h"
#include "runtime/oci/root.h"
#include "runtime/syscall_filter.h"
#include "runtime/users.h"

#define OCI_SHM_BYTES (INT64_C(1) << 30)

typedef struct OciRuntime {
    ContainerProgram *program;
    char *image; /* directory of a root file system; NULL = this machine's programs */
    char *users; /* directory with its passwd and group                             */
    char *root;
    char *filter; /* compiled; NULL = the program compiles it */
} OciRuntime;

/* --- open and close --- */

static void oci_close(void *private)
{
    OciRuntime *oci = private;

    if (!oci)
        return;
    container_program_free(oci->program);
    g_free(oci->image);
    g_free(oci->users);
    g_free(oci->root);
    g_free(oci->filter);
    g_free(oci);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OciRuntime, oci_close)

/* A bundle of umoci's holds its root file system in rootfs/. */
static Error *oci_find_root(const char *dir, char **ret_root)
{
    g_autofree char *inner = g_build_filename(dir, "rootfs", NULL);
    const char *root = g_file_test(inner, G_FILE_TEST_IS_DIR) ? inner : dir;
    g_autofree char *usr = g_build_filename(root, "usr", NULL);

    if (!g_file_test(usr, G_FILE_TEST_IS_DIR))
        return error_hint(
            error_new(ERR_NOT_FOUND, "no root file system is in \"%s\"", dir),
            "Set runtime.root to a directory that an image was unpacked to (docs/images.md).");
    *ret_root = g_strdup(root);
    return NULL;
}

/* Without an image the root is a directory of ours, which the machine's programs are bound into. */
static Error *oci_open_root(OciRuntime *oci, const RuntimeSpec *spec, const RuntimePlace *place)
{
    if (spec->image && *spec->image) {
        oci->image = g_strdup(spec->image);
        oci->users = g_build_filename(place->state_dir, "oci/users", NULL);
        TRY(oci_find_root(spec->image, &oci->root));
        if (place->is_to_look)
            return NULL;
        TRY(fs_make_dir(oci->users, 0755, NULL));
        return users_write(oci->users, place);
    }
    oci->root = g_build_filename(place->state_dir, "oci/root", NULL);
    return place->is_to_look ? NULL : root_make(oci->root, place);
}

/* What a killed server has left of programs that run once. */
static Error *oci_remove_tools(const RuntimePlace *place)
{
    g_auto(GStrv) names = NULL;

    TRY(oci_list_bundles(place, &names));
    for (char **name = names; *name; name++) {
        g_auto(OciContainer) container = oci_container_of_tool(place, *name);

        if (g_str_has_prefix(*name, OCI_TOOL))
            TRY(oci_container_remove(&container));
    }
    return NULL;
}

static Error *oci_open(const RuntimeSpec *spec, const RuntimePlace *place, void **ret_private)
{
    g_autoptr(OciRuntime) oci = g_new0(OciRuntime, 1);

    if (!place->user)
        return error_hint(error_new(ERR_INVALID, "runtime \"oci\" needs root"),
                          "Run rametd as root; or, if all users of the clones are trusted, set "
                          "runtime.driver to process and runtime.trusted to true.");
    TRY(container_program_find(spec->program ? spec->program : "", &oci->program));
    if (container_program_takes_filter(oci->program))
        TRY(seccomp_filter(&oci->filter));
    TRY(oci_open_root(oci, spec, place));
    if (!place->is_to_look)
        TRY(oci_remove_tools(place));
    *ret_private = g_steal_pointer(&oci);
    return NULL;
}

static char *oci_describe(const void *private)
{
    const OciRuntime *oci = private;

    g_autofree char *program = container_program_describe(oci->program);

    return oci->image ? g_strdup_printf("%s, programs of %s", program, oci->image)
                      : g_steal_pointer(&program);
}

static const char *oci_image(const void *private)
{
    return ((const OciRuntime *)private)->image;
}

/* --- list and clean --- */

/* What runs is known by its control group: no file of ours can say more, or get lost. */
static Error *oci_list(const RuntimePlace *place, RuntimeFound found, void *data)
{
    g_autofree char *prefix = oci_server_prefix(place);
    g_auto(GStrv) ids = NULL;

    TRY(cgroup_list(OCI_CGROUPS, prefix, &ids));
    for (char **id = ids; *id; id++) {
        g_auto(OciContainer) container = oci_container(place, *id);
        int pidfd = -1;
        Error *e = cgroup_open_first(container.cgroup, &pidfd);

        if (!e)
            found(*id, pidfd, NULL, data);
        else if (e->code != ERR_NOT_FOUND)
            return error_wrap(e, "looking for instance \"%s\"", *id);
        error_free(e);
    }
    return NULL;
}

static Error *oci_clean(const RuntimePlace *place, const char *id)
{
    g_auto(OciContainer) container = oci_container(place, id);

    return error_wrap(oci_container_remove(&container), "ending its container");
}

static int64_t oci_memory_kills(const RuntimePlace *place, const char *id)
{
    g_auto(OciContainer) container = oci_container(place, id);

    return cgroup_memory_kills(container.cgroup);
}

/* --- start --- */

/* What all containers have in common goes into it here. */
static Error *oci_write_bundle(const OciRuntime *oci, const RuntimePlace *place, BundleSpec *bundle,
                               const OciContainer *container)
{
    bundle->root = oci->root;
    bundle->users = oci->users;
    bundle->cgroup = container->cgroup;
    bundle->uid = place->uid;
    bundle->gid = place->gid;
    bundle->filter = oci->filter;

    g_autofree char *text = bundle_format(bundle);

    TRY(fs_make_dir(container->bundle, 0700, NULL));
    return fs_write_file(container->config, text, NULL);
}

static Error *oci_write_instance(const OciRuntime *oci, const RuntimePlace *place,
                                 const InstanceSpec *spec, const RuntimeFiles *files,
                                 const OciContainer *container)
{
    g_auto(GStrv) argv = instance_argv(spec, INSTANCE_DATA_DIR, INSTANCE_SOCKET_DIR);
    g_auto(GStrv) env = instance_env(spec->bin_dir, NULL);
    g_autoptr(GPtrArray) host_paths = oci->image ? NULL : root_host_paths(spec->bin_dir);
    InstanceLimits limits = spec->limits;
    BundleSpec bundle = {
        .host_paths = host_paths,
        .data_dir = spec->data_dir,
        .socket_dir = files->socket_dir,
        .argv = (const char *const *)argv,
        .env = (const char *const *)env,
        .has_network = spec->has_network,
        .limits = &limits,
    };

    if (limits.shm_bytes == 0)
        limits.shm_bytes = OCI_SHM_BYTES;
    return oci_write_bundle(oci, place, &bundle, container);
}

static Error *oci_run(const OciRuntime *oci, const RuntimeFiles *files, const char *id,
                      const OciContainer *container, int *ret_pidfd)
{
    AUTO_FD lock = -1;

    TRY(oci_container_lock(container, &lock));

    const ContainerPaths paths = {
        .state_root = container->state_root,
        .bundle = container->bundle,
        .error_log = container->error_log,
        .output_fd = files->output_fd,
        .lock_fd = lock,
    };

    TRY(container_program_run(oci->program, id, &paths));

    Error *e = cgroup_open_first(container->cgroup, ret_pidfd);

    if (!e || e->code != ERR_NOT_FOUND)
        return e;
    error_free(e);
    return error_new(ERR_EXTERNAL, RUNTIME_ENDED);
}

static Error *oci_start(void *private, const RuntimePlace *place, const InstanceSpec *spec,
                        const RuntimeFiles *files, int *ret_pidfd)
{
    const OciRuntime *oci = private;
    g_auto(OciContainer) container = oci_container(place, spec->id);

    TRY(oci_write_instance(oci, place, spec, files, &container));

    Error *e = oci_run(oci, files, spec->id, &container, ret_pidfd);

    if (e)
        error_ignore(oci_clean(place, spec->id), "it is looked at again at the next start");
    return e;
}

/* --- programs that run once --- */

static Error *oci_run_tool(const OciRuntime *oci, const RuntimePlace *place, const char *name,
                           const OciContainer *container, const ProcSpec *spec,
                           ProcResult *ret_result)
{
    static const InstanceLimits limits = {.shm_bytes = OCI_SHM_BYTES};
    g_autofree char *bin_dir = g_path_get_dirname(spec->argv[0]);
    g_auto(GStrv) env = instance_env(bin_dir, spec->env);
    BundleSpec bundle = {
        .data_dir = spec->cwd,
        .argv = spec->argv,
        .env = (const char *const *)env,
        .limits = &limits,
    };
    const ContainerPaths paths = {
        .state_root = container->state_root,
        .bundle = container->bundle,
        .error_log = container->error_log,
    };

    TRY(oci_write_bundle(oci, place, &bundle, container));
    return container_program_run_once(oci->program, name, &paths, spec, ret_result);
}

static Error *oci_run_inside(void *private, const RuntimePlace *place, const ProcSpec *spec,
                             ProcResult *ret_result)
{
    g_autofree char *uid = id_new();
    g_autofree char *name = g_strconcat(OCI_TOOL, uid, NULL);
    g_auto(OciContainer) container = oci_container_of_tool(place, name);
    Error *e = oci_run_tool(private, place, name, &container, spec, ret_result);

    error_ignore(oci_container_remove(&container), "it is removed at the next start");
    return e;
}

/* --- limits --- */

static Error *oci_limit(void *private, const RuntimePlace *place, const char *id,
                        const InstanceLimits *limits)
{
    const OciRuntime *oci = private;
    g_auto(OciContainer) container = oci_container(place, id);
    g_autofree char *path = g_build_filename(container.bundle, "resources.json", NULL);
    g_autofree char *text = bundle_format_resources(limits);

    TRY(fs_write_file(path, text, NULL));
    return container_program_limit(oci->program, id, container.state_root, path);
}

const RuntimeDriver oci_driver = {
    .name = "oci",
    .takes_network = true,
    .takes_output = true,
    .open = oci_open,
    .close = oci_close,
    .describe = oci_describe,
    .image = oci_image,
    .run = oci_run_inside,
    .start = oci_start,
    .list = oci_list,
    .clean = oci_clean,
    .limit = oci_limit,
    .memory_kills = oci_memory_kills,
};

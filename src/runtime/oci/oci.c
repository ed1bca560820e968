/*
 * The oci runtime: an instance in a container of crun or runc, without a daemon. The container has
 * namespaces, an unprivileged user and limits of its own, and sees of the machine only /usr and its
 * data. Its first process is the postmaster: with it, the kernel ends all the others.
 *
 * <state_dir>/oci/root is the root of all containers, oci/bundles/<id>/ the configuration of one,
 * oci/programs/ the notes of crun itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/proc.h"
#include "runtime/driver.h"
#include "runtime/oci/bundle.h"
#include "runtime/oci/cgroup.h"
#include "runtime/oci/program.h"
#include "runtime/oci/root.h"
#include "runtime/oci/seccomp.h"

#define OCI_CGROUPS       "/ramet"
#define OCI_CLEAN_MS      10000
#define OCI_END_MS        2000
#define OCI_SHM_BYTES     (INT64_C(1) << 30)
#define OCI_SOCKET_OPTION "unix_socket_directories=" ROOT_SOCKET_DIR

typedef struct OciRuntime {
    ContainerProgram *program;
    char *root;
    char *filter; /* compiled; NULL = the program compiles it */
} OciRuntime;

/* Everything of one container by its name. */
typedef struct OciContainer {
    char *bundle; /* directory */
    char *config;
    char *error_log;
    char *lock;
    char *state_root;
    char *state; /* in there, of this container */
    char *cgroup;
} OciContainer;

static void oci_container_clear(OciContainer *container)
{
    g_free(container->bundle);
    g_free(container->config);
    g_free(container->error_log);
    g_free(container->lock);
    g_free(container->state_root);
    g_free(container->state);
    g_free(container->cgroup);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(OciContainer, oci_container_clear)

/* Control groups are named on the whole machine: so by server and id. */
static char *oci_server_prefix(const RuntimePlace *place)
{
    g_autofree char *server =
        g_compute_checksum_for_string(G_CHECKSUM_SHA256, place->state_dir, -1);

    return g_strdup_printf("%.12s-", server);
}

static char *oci_cgroup(const RuntimePlace *place, const char *id)
{
    g_autofree char *prefix = oci_server_prefix(place);

    return g_strconcat(OCI_CGROUPS "/", prefix, id, NULL);
}

static OciContainer oci_container(const RuntimePlace *place, const char *id)
{
    OciContainer container = {
        .bundle = g_build_filename(place->state_dir, "oci/bundles", id, NULL),
        .state_root = g_build_filename(place->state_dir, "oci/programs", NULL),
        .cgroup = oci_cgroup(place, id),
    };

    container.config = g_build_filename(container.bundle, "config.json", NULL);
    container.error_log = g_build_filename(container.bundle, "errors", NULL);
    container.lock = g_build_filename(container.bundle, "lock", NULL);
    container.state = g_build_filename(container.state_root, id, NULL);
    return container;
}

/* --- open and close --- */

static void oci_close(void *private)
{
    OciRuntime *oci = private;

    if (!oci)
        return;
    container_program_free(oci->program);
    g_free(oci->root);
    g_free(oci->filter);
    g_free(oci);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OciRuntime, oci_close)

static Error *oci_open(const RuntimeSpec *spec, const RuntimePlace *place, void **ret_private)
{
    g_autoptr(OciRuntime) oci = g_new0(OciRuntime, 1);

    if (!place->user)
        return error_hint(error_new(ERR_INVALID, "runtime \"oci\" needs root"),
                          "Run rametd as root; or, if all users of the clones are trusted, set "
                          "runtime.driver to process and runtime.trusted to true.");
    TRY(container_program_find(spec->oci_program ? spec->oci_program : "", &oci->program));
    if (container_program_takes_filter(oci->program))
        TRY(seccomp_filter(&oci->filter));
    oci->root = g_build_filename(place->state_dir, "oci/root", NULL);
    if (!place->is_to_look)
        TRY(root_make(oci->root, place));
    *ret_private = g_steal_pointer(&oci);
    return NULL;
}

static char *oci_describe(const void *private)
{
    const OciRuntime *oci = private;

    return container_program_describe(oci->program);
}

/* --- list and clean --- */

/* What runs is known by its control group: no file of ours can say more, or get lost. */
static Error *oci_list(const RuntimePlace *place, RuntimeFound found, void *data)
{
    g_autofree char *prefix = oci_server_prefix(place);
    g_auto(GStrv) ids = NULL;

    TRY(cgroup_list(OCI_CGROUPS, prefix, &ids));
    for (char **id = ids; *id; id++) {
        g_autofree char *group = oci_cgroup(place, *id);
        int pidfd = -1;
        Error *e = cgroup_open_first(group, &pidfd);

        if (!e)
            found(*id, pidfd, NULL, data);
        else if (e->code != ERR_NOT_FOUND)
            return error_wrap(e, "looking for instance \"%s\"", *id);
        error_free(e);
    }
    return NULL;
}

/*
 * A locked file is the stdin of the container and of the program that makes it. While it is locked
 * a container runs or may come to run, also when the server that wanted it was killed.
 */
static Error *oci_take_lock(const OciContainer *container, int *ret_fd)
{
    AUTO_FD fd = open(container->lock, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return error_errno(errno, "could not open \"%s\"", container->lock);
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return error_new(ERR_BUSY, "a container runs or is being made");
    *ret_fd = g_steal_fd(&fd);
    return NULL;
}

/* Done when nothing of the container lives, and nothing can come to life. */
static Error *oci_end_once(void *data, bool *ret_done)
{
    static const ProcStop at_once[] = {{SIGKILL, OCI_END_MS}, {0, 0}};
    const OciContainer *container = data;
    AUTO_FD pidfd = -1;
    AUTO_FD lock = -1;
    g_autoptr(Error) e = cgroup_open_first(container->cgroup, &pidfd);

    if (!e)
        TRY(proc_stop(pidfd, at_once));
    else if (e->code != ERR_NOT_FOUND)
        return g_steal_pointer(&e);

    g_autoptr(Error) busy = oci_take_lock(container, &lock);

    if (busy && busy->code != ERR_BUSY)
        return g_steal_pointer(&busy);
    *ret_done = !busy;
    return NULL;
}

/* The bundle goes last: it is what shows that there may be more. */
static Error *oci_clean(const RuntimePlace *place, const char *id)
{
    g_auto(OciContainer) container = oci_container(place, id);
    int64_t deadline_ms = clock_monotonic_ms() + OCI_CLEAN_MS;

    if (!fs_exists(container.bundle))
        return NULL;
    TRY(error_wrap(wait_until(deadline_ms, oci_end_once, &container),
                   "ending the container of instance \"%s\"", id));
    TRY(cgroup_remove(container.cgroup, deadline_ms));
    TRY(fs_remove_tree(container.state));
    return fs_remove_tree(container.bundle);
}

static int64_t oci_memory_kills(const RuntimePlace *place, const char *id)
{
    g_autofree char *group = oci_cgroup(place, id);

    return cgroup_memory_kills(group);
}

/* --- start --- */

static void oci_add_option(GPtrArray *argv, const char *setting)
{
    g_ptr_array_add(argv, g_strdup("-c"));
    g_ptr_array_add(argv, g_strdup(setting));
}

/* Paths as the container has them. */
static char **oci_build_argv(const InstanceSpec *spec)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new();

    g_ptr_array_add(argv, g_build_filename(spec->bin_dir, "postgres", NULL));
    g_ptr_array_add(argv, g_strdup("-D"));
    g_ptr_array_add(argv, g_strdup(ROOT_DATA_DIR));
    for (const char *const *setting = spec->settings; setting && *setting; setting++)
        oci_add_option(argv, *setting);
    oci_add_option(argv, OCI_SOCKET_OPTION); /* last: the last one wins */
    g_ptr_array_add(argv, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&argv), FALSE);
}

/*
 * When memory is short the kernel ends a backend rather than the postmaster. Source: PostgreSQL's
 * documentation, "Linux Memory Overcommit".
 */
static char **oci_build_env(const InstanceSpec *spec)
{
    g_autofree char *path = g_strdup_printf("PATH=%s:/usr/local/bin:/usr/bin:/bin", spec->bin_dir);
    const char *const env[] = {
        path,
        "LC_ALL=C.UTF-8",
        "HOME=/tmp",
        "PG_OOM_ADJUST_FILE=/proc/self/oom_score_adj",
        "PG_OOM_ADJUST_VALUE=500",
        NULL,
    };

    return g_strdupv((char **)(uintptr_t)env);
}

static Error *oci_write_bundle(const OciRuntime *oci, const RuntimePlace *place,
                               const InstanceSpec *spec, const RuntimeFiles *files,
                               const OciContainer *container)
{
    g_auto(GStrv) argv = oci_build_argv(spec);
    g_auto(GStrv) env = oci_build_env(spec);
    g_autoptr(GPtrArray) host_paths = root_host_paths(spec->bin_dir);
    InstanceLimits limits = spec->limits;

    if (limits.shm_bytes == 0)
        limits.shm_bytes = OCI_SHM_BYTES;

    g_autofree char *text = bundle_format(&(BundleSpec){
        .root = oci->root,
        .host_paths = host_paths,
        .data_dir = spec->data_dir,
        .socket_dir = files->socket_dir,
        .cgroup = container->cgroup,
        .argv = (const char *const *)argv,
        .env = (const char *const *)env,
        .uid = place->uid,
        .gid = place->gid,
        .has_network = spec->has_network,
        .filter = oci->filter,
        .limits = &limits,
    });

    TRY(fs_make_dir(container->bundle, 0700, NULL));
    return fs_write_file(container->config, text, NULL);
}

static Error *oci_run(const OciRuntime *oci, const RuntimeFiles *files, const char *id,
                      const OciContainer *container, int *ret_pidfd)
{
    AUTO_FD lock = -1;

    TRY(oci_take_lock(container, &lock));

    const ContainerPaths paths = {
        .state_root = container->state_root,
        .bundle = container->bundle,
        .error_log = container->error_log,
        .log_path = files->log_path,
        .stdin_fd = lock,
    };

    TRY(container_program_run(oci->program, id, &paths));

    Error *e = cgroup_open_first(container->cgroup, ret_pidfd);

    if (!e || e->code != ERR_NOT_FOUND)
        return e;
    error_free(e);
    return error_new(ERR_EXTERNAL, "it ended at once");
}

static Error *oci_start(void *private, const RuntimePlace *place, const InstanceSpec *spec,
                        const RuntimeFiles *files, int *ret_pidfd)
{
    const OciRuntime *oci = private;
    g_auto(OciContainer) container = oci_container(place, spec->id);

    TRY(oci_write_bundle(oci, place, spec, files, &container));

    Error *e = oci_run(oci, files, spec->id, &container, ret_pidfd);

    if (e)
        error_ignore(oci_clean(place, spec->id), "it is looked at again at the next start");
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
    .open = oci_open,
    .close = oci_close,
    .describe = oci_describe,
    .start = oci_start,
    .list = oci_list,
    .clean = oci_clean,
    .limit = oci_limit,
    .memory_kills = oci_memory_kills,
};

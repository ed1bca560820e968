/*
 * Containers by name.
 */
#include "runtime/oci/container.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <sys/file.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/proc.h"
#include "runtime/cgroup.h"

#define OCI_CLEAN_MS 10000
#define OCI_END_MS   2000

void oci_container_clear(OciContainer *container)
{
    g_free(container->bundle);
    g_free(container->config);
    g_free(container->error_log);
    g_free(container->lock);
    g_free(container->state_root);
    g_free(container->state);
    g_free(container->cgroup);
}

/* Control groups are named on the whole machine: so by server and id. */
char *oci_server_prefix(const RuntimePlace *place)
{
    g_autofree char *mark = place_mark(place);

    return g_strconcat(mark, "-", NULL);
}

static OciContainer oci_container_named(const RuntimePlace *place, const char *name,
                                        const char *group_prefix)
{
    g_autofree char *prefix = oci_server_prefix(place);
    OciContainer container = {
        .bundle = g_build_filename(place->state_dir, "oci/bundles", name, NULL),
        .state_root = g_build_filename(place->state_dir, "oci/programs", NULL),
    };

    container.cgroup = g_strconcat(OCI_CGROUPS "/", group_prefix, prefix, name, NULL);
    container.config = g_build_filename(container.bundle, "config.json", NULL);
    container.error_log = g_build_filename(container.bundle, "errors", NULL);
    container.lock = g_build_filename(container.bundle, "lock", NULL);
    container.state = g_build_filename(container.state_root, name, NULL);
    return container;
}

OciContainer oci_container(const RuntimePlace *place, const char *id)
{
    return oci_container_named(place, id, "");
}

/* Its control group is not found among those of instances. */
OciContainer oci_container_of_tool(const RuntimePlace *place, const char *name)
{
    return oci_container_named(place, name, "of-");
}

Error *oci_list_bundles(const RuntimePlace *place, char ***ret_names)
{
    g_autofree char *bundles = g_build_filename(place->state_dir, "oci/bundles", NULL);

    return fs_list_dir(bundles, ret_names);
}

Error *oci_container_lock(const OciContainer *container, int *ret_fd)
{
    AUTO_FD fd = open(container->lock, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return error_errno(errno, "could not open \"%s\"", container->lock);
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return error_new(ERR_BUSY, "a container is being made");
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

    g_autoptr(Error) busy = oci_container_lock(container, &lock);

    if (busy && busy->code != ERR_BUSY)
        return g_steal_pointer(&busy);
    *ret_done = !busy;
    return NULL;
}

/* The bundle goes last: it is what shows that there may be more. */
Error *oci_container_remove(const OciContainer *container)
{
    int64_t deadline_ms = clock_monotonic_ms() + OCI_CLEAN_MS;

    if (!fs_exists(container->bundle))
        return NULL;
    TRY(wait_until(deadline_ms, oci_end_once, (void *)(uintptr_t)container));
    TRY(cgroup_remove(container->cgroup, deadline_ms));
    TRY(fs_remove_tree(container->state));
    return fs_remove_tree(container->bundle);
}

/*
 * Control groups by their file system. Source: cgroups(7).
 */
#include "runtime/cgroup.h"

#include <errno.h>
#include <glib.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/proc.h"

#define CGROUP_ROOT      "/sys/fs/cgroup"
#define CGROUP_TEXT_MAX  65536
#define CGROUP_PROCS_MAX (16 * 1024 * 1024)

static bool cgroup_is_type(const char *path, long type)
{
    struct statfs st;

    return statfs(path, &st) == 0 && st.f_type == type;
}

CgroupLayout cgroup_probe(void)
{
    if (cgroup_is_type(CGROUP_ROOT, CGROUP2_SUPER_MAGIC))
        return CGROUP_V2;
    if (!cgroup_is_type(CGROUP_ROOT "/memory", CGROUP_SUPER_MAGIC))
        return CGROUP_NONE;
    return cgroup_is_type(CGROUP_HYBRID_MOUNT, CGROUP2_SUPER_MAGIC) ? CGROUP_HYBRID : CGROUP_V1;
}

const char *cgroup_layout_name(CgroupLayout layout)
{
    static const char *const names[] = {
        [CGROUP_NONE] = "none",
        [CGROUP_V1] = "version 1",
        [CGROUP_HYBRID] = "version 1 with an empty version 2 beside it (hybrid)",
        [CGROUP_V2] = "version 2",
    };

    return names[layout];
}

/* Where all groups are found: one hierarchy of version 1 stands for the others. */
static const char *cgroup_main_hierarchy(void)
{
    return cgroup_probe() == CGROUP_V2 ? CGROUP_ROOT : CGROUP_ROOT "/memory";
}

Error *cgroup_list(const char *parent, const char *prefix, char ***ret_names)
{
    g_autofree char *path = g_strconcat(cgroup_main_hierarchy(), parent, NULL);
    g_auto(GStrv) names = NULL;
    g_autoptr(GStrvBuilder) found = g_strv_builder_new();

    TRY(fs_list_dir(path, &names));
    for (char **name = names; *name; name++)
        if (g_str_has_prefix(*name, prefix))
            g_strv_builder_add(found, *name + strlen(prefix));
    *ret_names = g_strv_builder_end(found);
    return NULL;
}

/* --- processes --- */

/* Text of a file of a process, "" when that has ended. */
static char *cgroup_read_process(pid_t pid, const char *file)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/%s", pid, file);
    char *text = NULL;

    error_free(fs_read_file(path, CGROUP_TEXT_MAX, &text));
    return text ? text : g_strdup("");
}

/* "NSpid: 4711 1": its pids, from our namespace to its own. */
static bool cgroup_is_first(pid_t pid)
{
    g_autofree char *status = cgroup_read_process(pid, "status");
    const char *line = strstr(status, "\nNSpid:\t");

    if (!line)
        return false;

    g_autofree char *pids = g_strndup(line + 1, strcspn(line + 1, "\n"));

    return g_str_has_suffix(pids, "\t1") && strchr(pids, '\t') != strrchr(pids, '\t');
}

/* Lines "4:memory:/docker/x" of version 1, "0::/docker/x" of version 2. */
char *cgroup_of(pid_t pid)
{
    const char *mark = cgroup_probe() == CGROUP_V2 ? "0::" : ":memory:";
    g_autofree char *groups = cgroup_read_process(pid, "cgroup");
    const char *line = strstr(groups, mark);

    if (!line)
        return g_strdup("");
    line += strlen(mark);
    return g_strndup(line, strcspn(line, "\n"));
}

static bool cgroup_holds(const char *group, pid_t pid)
{
    g_autofree char *groups = cgroup_read_process(pid, "cgroup");
    g_autofree char *end_of_line = g_strconcat(group, "\n", NULL);

    return strstr(groups, end_of_line) != NULL;
}

/* A pid may mean another process from one moment to the next: so the pidfd comes first. */
static int cgroup_open_if_first(const char *group, pid_t pid)
{
    AUTO_FD pidfd = pidfd_open(pid, 0);

    if (pidfd < 0 || !cgroup_is_first(pid) || !cgroup_holds(group, pid) || proc_has_ended(pidfd))
        return -1;
    return g_steal_fd(&pidfd);
}

Error *cgroup_open_first(const char *group, int *ret_pidfd)
{
    g_autofree char *path = g_strconcat(cgroup_main_hierarchy(), group, "/cgroup.procs", NULL);
    g_autofree char *text = NULL;

    TRY(fs_read_file(path, CGROUP_PROCS_MAX, &text));

    g_auto(GStrv) pids = g_strsplit(text, "\n", -1);

    for (char **pid = pids; *pid; pid++) {
        int pidfd =
            **pid ? cgroup_open_if_first(group, (pid_t)g_ascii_strtoll(*pid, NULL, 10)) : -1;

        if (pidfd < 0)
            continue;
        *ret_pidfd = pidfd;
        return NULL;
    }
    return error_new(ERR_NOT_FOUND, "no process is in control group \"%s\"", group);
}

/* --- memory --- */

/* The line "oom_kill N" of version 2's memory.events, and of version 1's memory.oom_control. */
int64_t cgroup_memory_kills(const char *group)
{
    const char *file = cgroup_probe() == CGROUP_V2 ? "/memory.events" : "/memory.oom_control";
    g_autofree char *path = g_strconcat(cgroup_main_hierarchy(), group, file, NULL);
    g_autofree char *text = NULL;
    const char *line;

    error_free(fs_read_file(path, CGROUP_TEXT_MAX, &text));
    line = text ? strstr(text, "oom_kill ") : NULL;
    return line ? g_ascii_strtoll(line + strlen("oom_kill "), NULL, 10) : 0;
}

/* --- the end --- */

typedef struct CgroupRemoval {
    char **hierarchies; /* names of directories in CGROUP_ROOT */
    const char *group;
} CgroupRemoval;

/* A process that has just ended may be counted for a moment yet. */
static Error *cgroup_remove_once(void *data, bool *ret_done)
{
    const CgroupRemoval *removal = data;
    bool is_done = true;

    for (char **name = removal->hierarchies; *name; name++) {
        g_autofree char *path = g_strconcat(CGROUP_ROOT "/", *name, removal->group, NULL);

        if (rmdir(path) == 0 || errno == ENOENT || errno == ENOTDIR)
            continue;
        if (errno != EBUSY)
            return error_errno(errno, "could not remove control group \"%s\"", path);
        is_done = false;
    }
    *ret_done = is_done;
    return NULL;
}

/* Of version 2 there is one, the root itself. */
static Error *cgroup_list_hierarchies(char ***ret_names)
{
    if (cgroup_probe() != CGROUP_V2)
        return fs_list_dir(CGROUP_ROOT, ret_names);
    *ret_names = g_strsplit(".", ",", -1);
    return NULL;
}

Error *cgroup_remove(const char *group, int64_t deadline_ms)
{
    g_auto(GStrv) hierarchies = NULL;

    TRY(cgroup_list_hierarchies(&hierarchies));

    CgroupRemoval removal = {hierarchies, group};

    return error_wrap(wait_until(deadline_ms, cgroup_remove_once, &removal),
                      "removing control group \"%s\"", group);
}

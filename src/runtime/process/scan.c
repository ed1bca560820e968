/*
 * What /proc tells. A pid may mean another process from one moment to the next, so the pidfd comes
 * first and the reading after it: while the pidfd's process lives, its pid, and what was read by
 * it, is its own.
 */
#include "runtime/process/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/proc.h"
#include "runtime/command.h"

typedef Error *(*ScanEach)(pid_t pid, int pidfd, void *data);

/* Calls each() for each process; its error ends the walk. */
static Error *scan_walk(ScanEach each, void *data)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(GDir) dir = g_dir_open("/proc", 0, &failure);
    const char *name;

    if (!dir)
        return error_new(ERR_EXTERNAL, "cannot list processes: %s", failure->message);
    while ((name = g_dir_read_name(dir))) {
        pid_t pid = g_ascii_isdigit(*name) ? (pid_t)g_ascii_strtoll(name, NULL, 10) : 0;
        AUTO_FD pidfd = pid > 0 ? pidfd_open(pid, 0) : -1;

        if (pidfd >= 0)
            TRY(each(pid, pidfd, data));
    }
    return NULL;
}

/* The NUL-terminated words of environ or cmdline; NULL when it is empty or not for us. */
static char **scan_read_words(pid_t pid, const char *file)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/%s", pid, file);
    g_autofree char *text = NULL;
    g_autoptr(GPtrArray) words = g_ptr_array_new();
    size_t size = 0;

    if (!g_file_get_contents(path, &text, &size, NULL) || size == 0)
        return NULL;
    for (const char *word = text; word < text + size; word += strlen(word) + 1)
        g_ptr_array_add(words, g_strdup(word));
    g_ptr_array_add(words, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&words), FALSE);
}

static const char *scan_find_value(char *const *words, const char *prefix)
{
    for (; *words; words++)
        if (g_str_has_prefix(*words, prefix))
            return *words + strlen(prefix);
    return NULL;
}

static const char *scan_word_after(char *const *words, const char *word)
{
    for (; words[0] && words[1]; words++)
        if (strcmp(words[0], word) == 0)
            return words[1];
    return NULL;
}

static void scan_read_stat(pid_t pid, int *ret_parent, int *ret_terminal)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/stat", pid);
    g_autofree char *text = NULL;
    const char *rest = NULL;

    *ret_parent = *ret_terminal = 0;
    if (g_file_get_contents(path, &text, NULL, NULL))
        rest = strrchr(text, ')'); /* the name in parentheses may hold anything */
    if (rest)
        sscanf(rest, ") %*c %d %*d %*d %d", ret_parent, ret_terminal);
}

/* --- instances --- */

typedef struct ScanInstances {
    const char *state_dir;
    ProcessFound found;
    void *data;
} ScanInstances;

static bool scan_is_ours(pid_t pid, const char *state_dir, char **ret_id, char **ret_data_dir)
{
    g_auto(GStrv) env = scan_read_words(pid, "environ");
    g_auto(GStrv) argv = NULL;
    g_autofree char *sockets = NULL;
    const char *id = env ? scan_find_value(env, PROCESS_ENV_INSTANCE) : NULL;
    const char *data_dir;

    if (!id || g_strcmp0(scan_find_value(env, PROCESS_ENV_STATE), state_dir) != 0)
        return false;
    argv = scan_read_words(pid, "cmdline");
    sockets = g_strdup_printf(COMMAND_SOCKETS "%s/run/%s", state_dir, id);
    if (!argv || !g_strv_contains((const char *const *)argv, sockets))
        return false;
    data_dir = scan_word_after(argv, "-D");
    if (!data_dir)
        return false;
    *ret_id = g_strdup(id);
    *ret_data_dir = g_strdup(data_dir);
    return true;
}

/* A child that has not set its title yet looks like its parent. */
static bool scan_is_child_of_instance(pid_t pid, const char *state_dir, const char *id)
{
    g_autofree char *parent_id = NULL;
    g_autofree char *unused = NULL;
    int parent;
    int terminal;

    scan_read_stat(pid, &parent, &terminal);
    return scan_is_ours(parent, state_dir, &parent_id, &unused) && strcmp(parent_id, id) == 0;
}

static Error *scan_each_instance(pid_t pid, int pidfd, void *data)
{
    const ScanInstances *scan = data;
    g_autofree char *id = NULL;
    g_autofree char *data_dir = NULL;

    if (!scan_is_ours(pid, scan->state_dir, &id, &data_dir) ||
        scan_is_child_of_instance(pid, scan->state_dir, id) || proc_has_ended(pidfd))
        return NULL;
    AUTO_FD kept = fcntl(pidfd, F_DUPFD_CLOEXEC, 0);
    if (kept < 0)
        return error_errno(errno, "could not keep a descriptor of the instance");
    scan->found(id, g_steal_fd(&kept), data_dir, scan->data);
    return NULL;
}

Error *process_scan_instances(const char *state_dir, ProcessFound found, void *data)
{
    ScanInstances scan = {state_dir, found, data};

    return scan_walk(scan_each_instance, &scan);
}

/* --- what an instance has left behind --- */

typedef struct ScanKill {
    struct stat dir;
    uid_t uid;
    int count;
} ScanKill;

static bool scan_works_in(pid_t pid, const ScanKill *scan)
{
    g_autofree char *proc = g_strdup_printf("/proc/%d", pid);
    g_autofree char *cwd = g_strdup_printf("/proc/%d/cwd", pid);
    struct stat owner;
    struct stat dir;
    int parent;
    int terminal;

    if (stat(cwd, &dir) < 0 || dir.st_dev != scan->dir.st_dev || dir.st_ino != scan->dir.st_ino)
        return false;
    scan_read_stat(pid, &parent, &terminal);
    return terminal == 0 && stat(proc, &owner) == 0 && owner.st_uid == scan->uid;
}

static Error *scan_each_kill(pid_t pid, int pidfd, void *data)
{
    ScanKill *scan = data;

    if (!scan_works_in(pid, scan) || proc_has_ended(pidfd))
        return NULL;
    scan->count++;
    if (pidfd_send_signal(pidfd, SIGKILL, NULL, 0) < 0 && errno != ESRCH)
        return error_errno(errno, "could not end process %d", pid);
    return NULL;
}

Error *process_scan_kill(const char *dir, uid_t uid, int *ret_count)
{
    ScanKill scan = {.uid = uid};

    if (stat(dir, &scan.dir) < 0 && errno != ENOENT)
        return error_errno(errno, "could not look at \"%s\"", dir);
    if (scan.dir.st_ino != 0)
        TRY(scan_walk(scan_each_kill, &scan));
    *ret_count = scan.count;
    return NULL;
}

/*
 * Mounts come and go with the directories. Source: tmpfs(5), mount_namespaces(7), proc(5).
 */
#include "runtime/socket_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/fs.h"

#define SOCKET_DIR_OPTIONS "size=64k,nr_inodes=16,mode=%o,uid=%u,gid=%u"
#define SOCKET_DIR_FLAGS   (MS_NOSUID | MS_NODEV | MS_NOEXEC)
#define MOUNTS_MAX         (16 * 1024 * 1024)

/* --- who sees our mounts --- */

/* The line of a mount in a process's mountinfo: it begins with the mount's number. Caller frees. */
static char *socket_dir_mount_line(const char *mountinfo, uint64_t mount_id)
{
    g_autofree char *text = NULL;
    g_autofree char *number = g_strdup_printf("%" G_GUINT64_FORMAT " ", mount_id);

    error_free(fs_read_file(mountinfo, MOUNTS_MAX, &text));

    g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);

    for (char **line = lines; *line; line++)
        if (g_str_has_prefix(*line, number))
            return g_strdup(*line);
    return NULL;
}

/* Between a mount's options and " - " is what happens to mounts below it. */
static bool socket_dir_line_is_shared(const char *line)
{
    const char *end = line ? strstr(line, " - ") : NULL;

    return end && g_strstr_len(line, end - line, " shared:");
}

/* A mount has one number on the whole machine: with init's mounts are ours. */
bool socket_dir_can_mount(const char *run_dir)
{
    struct statx st;

    if (statx(AT_FDCWD, run_dir, 0, STATX_MNT_ID, &st) < 0 || !(st.stx_mask & STATX_MNT_ID))
        return false;

    g_autofree char *of_init = socket_dir_mount_line("/proc/1/mountinfo", st.stx_mnt_id);
    g_autofree char *ours = socket_dir_mount_line("/proc/self/mountinfo", st.stx_mnt_id);

    return of_init || socket_dir_line_is_shared(ours);
}

/* --- make and remove --- */

Error *socket_dir_make(const char *path, mode_t mode, const RuntimePlace *place, bool is_mounted)
{
    g_autofree char *options =
        g_strdup_printf(SOCKET_DIR_OPTIONS, (unsigned)mode, place->uid, place->gid);

    TRY(fs_make_dir(path, mode, place->user));
    if (is_mounted && mount("tmpfs", path, "tmpfs", SOCKET_DIR_FLAGS, options) < 0)
        return error_errno(errno, "could not mount memory for the socket");
    return NULL;
}

/* What is mounted goes at once, whoever still holds it open. */
Error *socket_dir_remove(const char *path)
{
    int status;

    do
        status = umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
    while (status == 0);
    if (errno != EINVAL && errno != ENOENT && errno != EPERM)
        return error_errno(errno, "could not unmount the memory of the socket");
    return fs_remove_tree(path);
}

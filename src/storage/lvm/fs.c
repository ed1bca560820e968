/*
 * The default is ext4: to mount a clone, XFS writes 2 MB of its log anew, ext4 two or three blocks;
 * and XFS wants "nouuid", as a clone has the UUID of its origin.
 *
 * ext4: its inode tables are not zeroed in the background (noinit_itable), which would take 1.6 %
 * of each volume's size from the pool; and its journal is small, as each clone comes to hold its
 * own copy of it. Deleted files give their space back to the pool (discard).
 */
#include "storage/lvm/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/vfs.h>

#include "base/fs.h"
#include "storage/program.h"

#define FORMAT_TIMEOUT_MS 300000
#define MOUNT_FLAGS       (MS_NOATIME | MS_NODEV | MS_NOSUID)

typedef struct LvmFs {
    const char *name;
    long type; /* of statfs(2) */
    const char *const *format_argv;
    const char *options;
    const char *snapshot_options;
    off_t magic_at; /* in the device */
    size_t magic_bytes;
    const char *magic;
} LvmFs;

static const char *const ext4_argv[] = {
    "mkfs.ext4", "-q", "-F",
    "-m",        "0",  "-J",
    "size=32",   "-E", "nodiscard,lazy_itable_init=1,lazy_journal_init=1",
    NULL};
static const char *const root_argv[] = {"mkfs.ext4", "-q",   "-F",        "-m",    "0",
                                        "-b",        "4096", "-N",        "16384", "-J",
                                        "size=4",    "-E",   "nodiscard", NULL};
static const char *const xfs_argv[] = {"mkfs.xfs", "-q", "-f", "-K", NULL};

static const LvmFs file_systems[] = {
    {"ext4", EXT4_SUPER_MAGIC, ext4_argv, "noinit_itable,discard,errors=remount-ro", "noload",
     1024 + 56, 2, "\x53\xef"},
    {"xfs", XFS_SUPER_MAGIC, xfs_argv, "nouuid,discard", "nouuid,norecovery", 0, 4, "XFSB"},
};

const char *lvm_fs_of(const char *mount)
{
    struct statfs status;

    if (statfs(mount, &status) == 0)
        for (size_t i = 0; i < G_N_ELEMENTS(file_systems); i++)
            if (file_systems[i].type == status.f_type)
                return file_systems[i].name;
    return file_systems[0].name;
}

static Error *fs_format(const char *const *format_argv, const char *device)
{
    return error_wrap(program_run_on(format_argv, device, FORMAT_TIMEOUT_MS), "formatting \"%s\"",
                      device);
}

Error *lvm_fs_format(const char *fs, const char *device)
{
    for (size_t i = 0; i < G_N_ELEMENTS(file_systems); i++)
        if (g_str_equal(file_systems[i].name, fs))
            return fs_format(file_systems[i].format_argv, device);
    return error_new(ERR_BUG, "unknown file system \"%s\"", fs);
}

Error *lvm_fs_format_root(const char *device)
{
    return fs_format(root_argv, device);
}

static bool fs_has_magic(int fd, const LvmFs *fs)
{
    char found[8] = {0};

    return pread(fd, found, fs->magic_bytes, fs->magic_at) == (ssize_t)fs->magic_bytes &&
           memcmp(found, fs->magic, fs->magic_bytes) == 0;
}

static Error *fs_recognise(const char *device, const LvmFs **ret_fs)
{
    AUTO_FD fd = open(device, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return error_errno(errno, "could not open \"%s\"", device);
    for (size_t i = 0; i < G_N_ELEMENTS(file_systems); i++)
        if (fs_has_magic(fd, &file_systems[i])) {
            *ret_fs = &file_systems[i];
            return NULL;
        }
    return error_new(ERR_NOT_FOUND, "there is no file system in \"%s\"", device);
}

Error *lvm_fs_mount(const char *device, const char *path, bool is_snapshot)
{
    const LvmFs *fs = NULL;

    TRY(fs_recognise(device, &fs));
    if (mount(device, path, fs->name, MOUNT_FLAGS | (is_snapshot ? MS_RDONLY : 0),
              is_snapshot ? fs->snapshot_options : fs->options) == 0)
        return NULL;
    return error_errno(errno, "could not mount \"%s\" at \"%s\"", device, path);
}

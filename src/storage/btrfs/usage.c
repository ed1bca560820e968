/*
 * What was written since the last commit, up to 30 s ago, is in no count of used bytes yet: the
 * kernel shows it as reserved, in /sys/fs/btrfs/<uuid>/allocation (btrfs(5)). A pool of 2 GiB with
 * 140 MiB free by statvfs(2) was seen to be full.
 */
#include "storage/btrfs/usage.h"

#include <errno.h>
#include <linux/btrfs.h>
#include <sys/ioctl.h>
#include <sys/statvfs.h>

#include "base/fs.h"
#include "base/text.h"

#define USAGE_NUMBER_MAX 32 /* bytes of a file that holds one */

/* Ends of the names of the counts; each is of the extents of data. */
static const char *const usage_pending[] = {"bytes_may_use", "bytes_reserved"};

/* 0 where the kernel shows none. */
static uint64_t usage_count(const char *allocation, const char *name)
{
    g_autofree char *path = g_build_filename(allocation, "data", name, NULL);
    g_autofree char *text = NULL;
    int64_t count = 0;
    Error *e = fs_read_file(path, USAGE_NUMBER_MAX, &text);

    if (!e)
        e = text_parse_int(g_strstrip(text), 0, INT64_MAX, &count);
    error_free(e);
    return (uint64_t)count;
}

static uint64_t usage_pending_bytes(int mount_fd)
{
    struct btrfs_ioctl_fs_info_args info = {0};
    g_autoptr(GString) allocation = g_string_new("/sys/fs/btrfs/");
    uint64_t bytes = 0;

    if (ioctl(mount_fd, BTRFS_IOC_FS_INFO, &info) < 0)
        return 0;
    for (size_t i = 0; i < sizeof info.fsid; i++)
        g_string_append_printf(allocation, "%s%02x",
                               i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", info.fsid[i]);
    g_string_append(allocation, "/allocation");
    for (size_t i = 0; i < G_N_ELEMENTS(usage_pending); i++)
        bytes += usage_count(allocation->str, usage_pending[i]);
    return bytes;
}

Error *btrfs_usage_read(int mount_fd, const char *mount, SpaceUsage *ret_usage)
{
    struct statvfs status;

    if (fstatvfs(mount_fd, &status) < 0)
        return error_errno(errno, "could not look at \"%s\"", mount);

    uint64_t pending = usage_pending_bytes(mount_fd);
    uint64_t free_bytes = (uint64_t)status.f_bavail * status.f_frsize;

    *ret_usage = (SpaceUsage){
        .size_bytes = (uint64_t)status.f_blocks * status.f_frsize,
        .used_bytes = (uint64_t)(status.f_blocks - status.f_bfree) * status.f_frsize + pending,
        .free_bytes = free_bytes - MIN(free_bytes, pending),
        .compress_ratio = 1.0,
    };
    return NULL;
}

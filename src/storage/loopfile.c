/*
 * losetup(8) and mount(8) attach and mount; unmounting is a call of the kernel's.
 */
#include "storage/loopfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/fs.h"
#include "storage/device.h"
#include "storage/program.h"

#define LOOP_TIMEOUT_MS   30000
#define FORMAT_TIMEOUT_MS 300000
#define DETACH_TIMEOUT_MS 10000
#define MOUNT_TIMEOUT_MS  600000     /* after a crash the file system replays its log first */
#define MOUNTS_MAX        (16 << 20) /* of /proc/self/mountinfo */
#define STAT_BLOCK_BYTES  512        /* unit of st_blocks, whatever the file system; stat(2) */

Error *loopfile_make_sparse(const char *image, uint64_t size_bytes)
{
    AUTO_FD fd = open(image, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0 && errno == EEXIST)
        return error_new(ERR_CONFLICT, "image \"%s\" exists", image);
    if (fd < 0)
        return error_errno(errno, "could not make image \"%s\"", image);
    if (ftruncate(fd, (off_t)size_bytes) == 0)
        return NULL;

    Error *e = error_errno(errno, "could not make image \"%s\"", image);

    unlink(image);
    return e;
}

Error *loopfile_create(const char *image, uint64_t size_bytes, const char *const *format_argv)
{
    if (device_is(image))
        return device_format(image, format_argv);
    TRY(loopfile_make_sparse(image, size_bytes));

    Error *e = program_run_on(format_argv, image, FORMAT_TIMEOUT_MS);

    if (e)
        error_ignore(fs_remove(image), "the image is of no use");
    return error_wrap(e, "formatting image \"%s\"", image);
}

/*
 * Direct I/O keeps the image's pages out of the host's cache, where they would be held a second
 * time. Where the host's file system refuses it, losetup leaves the device without it or fails.
 */
Error *loopfile_attach(const char *image, char **ret_device)
{
    const char *const direct[] = {"losetup",        "--find", "--show", "--nooverlap",
                                  "--direct-io=on", image,    NULL};
    const char *const buffered[] = {"losetup", "--find", "--show", "--nooverlap", image, NULL};
    g_autoptr(Error) refused = program_ask(direct, LOOP_TIMEOUT_MS, ret_device);

    return refused ? program_ask(buffered, LOOP_TIMEOUT_MS, ret_device) : NULL;
}

Error *loopfile_release(const char *device)
{
    const char *const argv[] = {"losetup", "--detach", device, NULL};

    return program_ask(argv, LOOP_TIMEOUT_MS, NULL);
}

/* Lines of "<device> <autoclear>", with autoclear 0 or 1; empty when the image is not attached. */
static Error *loop_list_devices(const char *image, char ***ret_lines)
{
    const char *const argv[] = {"losetup",  "--associated",   image, "--noheadings",
                                "--output", "NAME,AUTOCLEAR", NULL};
    g_autofree char *output = NULL;

    TRY(program_ask(argv, LOOP_TIMEOUT_MS, &output));
    *ret_lines = g_strsplit(output, "\n", 0);
    return NULL;
}

Error *loopfile_devices(const char *image, char ***ret_devices)
{
    TRY(loop_list_devices(image, ret_devices));
    for (char **line = *ret_devices; *line; line++)
        (*line)[strcspn(*line, " ")] = '\0';
    return NULL;
}

/*
 * A device with autoclear goes by itself, a moment after its last user: to detach it as well might
 * hit another image that has got the same device by then. One without was left by a killed run.
 */
static Error *loop_check_detached(void *data, bool *ret_done)
{
    g_auto(GStrv) lines = NULL;

    TRY(loop_list_devices(data, &lines));
    for (char **line = lines; *line; line++) {
        g_autofree char *device = g_strndup(*line, strcspn(*line, " "));

        if (g_str_has_suffix(*line, " 0"))
            TRY(loopfile_release(device));
    }
    *ret_done = lines[0] == NULL;
    return NULL;
}

Error *loopfile_detach(const char *image)
{
    if (!fs_exists(image) || device_is(image))
        return NULL;

    Error *e = wait_until(clock_monotonic_ms() + DETACH_TIMEOUT_MS, loop_check_detached,
                          (gpointer)(uintptr_t)image);

    if (!e || e->code != ERR_TIMEOUT)
        return e;
    error_free(e);
    return error_hint(error_new(ERR_BUSY, "image \"%s\" is in use", image),
                      "\"losetup --associated %s\" names its device, and \"findmnt\" what is "
                      "mounted from it.",
                      image);
}

static Error *loop_mount_device(const char *device, const char *mount)
{
    const char *const argv[] = {"mount", "-o", "noatime", device, mount, NULL};
    Error *e = program_ask(argv, MOUNT_TIMEOUT_MS, NULL);
    Error *not_detached = loopfile_release(device);

    if (e)
        error_free(not_detached);
    else
        error_ignore(not_detached, "the loop device stays attached after the unmount");
    return e;
}

Error *loopfile_is_mounted_device(const char *device, bool *ret_is_mounted)
{
    g_autofree char *source = g_strdup_printf(" %s ", device);
    g_autofree char *mounts = NULL;

    TRY(fs_read_file("/proc/self/mountinfo", MOUNTS_MAX, &mounts));
    *ret_is_mounted = strstr(mounts, source) != NULL;
    return NULL;
}

/*
 * After umount --lazy, or in another mount namespace, the file system lives on with what uses it.
 * The kernel gives a second mount of one device the same file system: instances and we see one.
 */
static Error *loop_mount_again(const char *image, const char *mount, Error *busy_taken)
{
    g_autoptr(Error) busy = busy_taken;
    g_auto(GStrv) lines = NULL;
    bool is_mounted = true;

    TRY(loop_list_devices(image, &lines));
    if (!lines[0])
        return g_steal_pointer(&busy);

    g_autofree char *device = g_strndup(lines[0], strcspn(lines[0], " "));

    TRY(loopfile_is_mounted_device(device, &is_mounted));
    return is_mounted ? g_steal_pointer(&busy) : loop_mount_device(device, mount);
}

Error *loopfile_mount(const char *image, const char *mount)
{
    g_autofree char *device = NULL;

    if (device_is(image))
        return device_mount(image, mount);

    Error *busy = loopfile_detach(image);

    if (busy && busy->code == ERR_BUSY)
        return loop_mount_again(image, mount, busy);
    TRY(busy);
    TRY(error_wrap(loopfile_attach(image, &device), "attaching image \"%s\"", image));
    return error_wrap(loop_mount_device(device, mount), "mounting image \"%s\" at \"%s\"", image,
                      mount);
}

Error *loopfile_unmount(const char *mount)
{
    if (umount2(mount, UMOUNT_NOFOLLOW) == 0 || errno == EINVAL || errno == ENOENT)
        return NULL;
    if (errno != EBUSY)
        return error_errno(errno, "could not unmount \"%s\"", mount);
    return error_hint(error_new(ERR_BUSY, "could not unmount \"%s\": it is in use", mount),
                      "See \"fuser -vm %s\" for the processes, and stop them.", mount);
}

/* XFS that was shut down tells nothing of itself, not even that it is there. */
bool loopfile_is_mounted(const char *mount)
{
    struct statx status;
    bool is_listed = false;

    if (statx(AT_FDCWD, mount, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &status) == 0)
        return (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
    if (errno == EIO)
        error_free(loopfile_is_mounted_device(mount, &is_listed));
    return is_listed;
}

Error *loopfile_missing_bytes(const char *image, uint64_t *ret_bytes)
{
    g_autofree char *dir = g_path_get_dirname(image);
    struct stat file;
    struct statvfs host;

    if (stat(image, &file) < 0 || statvfs(dir, &host) < 0)
        return error_errno(errno, "could not look at image \"%s\"", image);

    if (S_ISBLK(file.st_mode)) { /* all of it is there */
        *ret_bytes = 0;
        return NULL;
    }

    uint64_t size = (uint64_t)file.st_size;
    uint64_t allocated = (uint64_t)file.st_blocks * STAT_BLOCK_BYTES;
    uint64_t unallocated = size > allocated ? size - allocated : 0;
    uint64_t available = (uint64_t)host.f_bavail * host.f_frsize;

    *ret_bytes = unallocated > available ? unallocated - available : 0;
    return NULL;
}

Error *loopfile_extend(const char *image, uint64_t size_bytes)
{
    if (truncate(image, (off_t)size_bytes) < 0)
        return error_errno(errno, "could not enlarge image \"%s\"", image);
    return NULL;
}

Error *loopfile_grow(const char *image, uint64_t size_bytes)
{
    g_auto(GStrv) lines = NULL;

    TRY(loopfile_extend(image, size_bytes));
    TRY(loop_list_devices(image, &lines));
    for (char **line = lines; *line; line++) {
        g_autofree char *device = g_strndup(*line, strcspn(*line, " "));
        const char *const argv[] = {"losetup", "--set-capacity", device, NULL};

        TRY(program_ask(argv, LOOP_TIMEOUT_MS, NULL));
    }
    return NULL;
}

const ImageOps loopfile_image_ops = {
    .takes_device = true,
    .create = loopfile_create,
    .mount = loopfile_mount,
    .unmount = loopfile_unmount,
    .detach = loopfile_detach,
    .grow = loopfile_grow,
};

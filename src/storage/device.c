/*
 * wipefs(8) tells what is on a device, from signatures alone, and takes them away.
 */
#include "storage/device.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/fs.h"
#include "storage/program.h"

#define DEVICE_TIMEOUT_MS                                                                          \
    600000                   /* mkfs discards the whole device first; a mount may replay a log */
#define DEVICE_BUSY_MS 10000 /* that others may still have what was just unmounted */

bool device_is(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISBLK(status.st_mode);
}

Error *device_size(const char *path, uint64_t *ret_bytes)
{
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    uint64_t bytes = 0;

    if (fd < 0 && errno == ENOENT)
        return error_new(ERR_NOT_FOUND, "device \"%s\" does not exist", path);
    if (fd < 0)
        return error_errno(errno, "could not open device \"%s\"", path);
    if (ioctl(fd, BLKGETSIZE64, &bytes) < 0)
        return error_hint(error_new(ERR_INVALID, "\"%s\" is not a block device", path),
                          "For a pool in a file give --image and --size.");
    *ret_bytes = bytes;
    return NULL;
}

static Error *device_check_empty(const char *path)
{
    const char *const argv[] = {"wipefs", "--noheadings", "--output", "TYPE", path, NULL};
    g_autofree char *found = NULL;

    TRY(program_ask(argv, DEVICE_TIMEOUT_MS, &found));
    if (*found == '\0')
        return NULL;
    g_strdelimit(found, "\n", ' ');
    return error_hint(error_new(ERR_CONFLICT, "device \"%s\" is not empty: %s", path, found),
                      "If nobody needs that, \"wipefs --all %s\" clears it.", path);
}

Error *device_format(const char *path, const char *const *format_argv)
{
    TRY(device_check_empty(path));
    return error_wrap(program_run_on(format_argv, path, DEVICE_TIMEOUT_MS), "formatting \"%s\"",
                      path);
}

Error *device_mount(const char *path, const char *mount)
{
    const char *const argv[] = {"mount", "-o", "noatime", path, mount, NULL};

    return error_wrap(program_run(argv, DEVICE_TIMEOUT_MS, NULL), "mounting \"%s\" at \"%s\"", path,
                      mount);
}

static Error *device_wipe_once(void *data, bool *ret_done)
{
    const char *const argv[] = {"wipefs", "--all", "--quiet", data, NULL};
    g_autoptr(Error) e = program_run(argv, DEVICE_TIMEOUT_MS, NULL);

    *ret_done = !e;
    return !e || (e->detail && strstr(e->detail, "busy")) ? NULL : g_steal_pointer(&e);
}

/* A container that starts has all of the machine's mounts for a moment, ours that just went too. */
Error *device_wipe(const char *path)
{
    Error *e = wait_until(clock_monotonic_ms() + DEVICE_BUSY_MS, device_wipe_once,
                          (void *)(uintptr_t)path);

    if (!e || e->code != ERR_TIMEOUT)
        return e;
    error_free(e);
    return error_hint(error_new(ERR_BUSY, "device \"%s\" is in use", path),
                      "Does another program, or a container, have it mounted?");
}

/*
 * The child runs the tests; the parent waits for its end and clears the directory.
 */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <linux/loop.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/fs.h"
#include "storage/image.h"

#define SANDBOX_PREFIX "ramet-contract-"
#define MOUNT_FIELD    4 /* the mount point in a line of mountinfo, see proc(5) */

static volatile pid_t sandbox_child;

static bool sandbox_is_below(const char *path, const char *directory)
{
    size_t length = strlen(directory);

    return strncmp(path, directory, length) == 0 && path[length] == '/';
}

/* What was mounted last goes first. */
static void sandbox_unmount(const char *directory)
{
    g_autofree char *text = NULL;

    if (!g_file_get_contents("/proc/self/mountinfo", &text, NULL, NULL))
        return;

    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (guint i = g_strv_length(lines); i-- > 0;) {
        g_auto(GStrv) fields = g_strsplit(lines[i], " ", -1);

        if (g_strv_length(fields) > MOUNT_FIELD && sandbox_is_below(fields[MOUNT_FIELD], directory))
            umount2(fields[MOUNT_FIELD], MNT_DETACH);
    }
}

static void sandbox_detach_one(const char *device)
{
    g_autofree char *path = g_build_filename("/dev", device, NULL);
    AUTO_FD fd = open(path, O_RDWR | O_CLOEXEC);

    if (fd >= 0)
        ioctl(fd, LOOP_CLR_FD, 0);
}

static void sandbox_detach(const char *directory)
{
    g_autoptr(GDir) blocks = g_dir_open("/sys/block", 0, NULL);

    for (const char *device; blocks && (device = g_dir_read_name(blocks));) {
        g_autofree char *file = g_build_filename("/sys/block", device, "loop/backing_file", NULL);
        g_autofree char *image = NULL;

        if (g_file_get_contents(file, &image, NULL, NULL) && sandbox_is_below(image, directory))
            sandbox_detach_one(device);
    }
}

/* Image files that are more than a mount and a loop device. */
static void sandbox_export(const char *directory, const ImageOps *ops)
{
    g_auto(GStrv) names = NULL;

    error_free(fs_list_dir(directory, &names));
    for (char **name = names; name && *name; name++) {
        g_autofree char *path = g_build_filename(directory, *name, NULL);

        if (ops->recognise(path))
            error_free(ops->detach(path));
    }
}

static void sandbox_clean(const char *directory)
{
    sandbox_export(directory, &zfs_image_ops);
    sandbox_unmount(directory);
    sandbox_export(directory, &lvm_image_ops);
    sandbox_detach(directory);
    error_free(fs_remove_tree(directory)); /* another run may be cleaning the same leftover */
}

static bool sandbox_is_abandoned(const char *name)
{
    if (!g_str_has_prefix(name, SANDBOX_PREFIX))
        return false;

    long pid = strtol(name + strlen(SANDBOX_PREFIX), NULL, 10);

    return pid > 0 && kill((pid_t)pid, 0) < 0 && errno == ESRCH;
}

static void sandbox_clean_abandoned(void)
{
    g_autoptr(GDir) dir = g_dir_open(g_get_tmp_dir(), 0, NULL);

    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        g_autofree char *path = g_build_filename(g_get_tmp_dir(), name, NULL);

        if (sandbox_is_abandoned(name))
            sandbox_clean(path);
    }
}

/* The parent lives on to clean up. */
static void sandbox_on_signal(int signal)
{
    if (sandbox_child > 0)
        kill(sandbox_child, SIGKILL);
}

static int sandbox_wait(pid_t child)
{
    int status = 0;

    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int sandbox_run_in(const char *directory, int (*body)(const char *directory))
{
    pid_t parent = getpid();
    pid_t child = fork();

    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        exit(getppid() == parent ? body(directory) : EXIT_FAILURE);
    }
    sandbox_child = child;
    signal(SIGTERM, sandbox_on_signal);
    signal(SIGINT, sandbox_on_signal);
    return child < 0 ? EXIT_FAILURE : sandbox_wait(child);
}

int sandbox_run(int (*body)(const char *directory))
{
    g_autofree char *template =
        g_strdup_printf("%s/%s%d-XXXXXX", g_get_tmp_dir(), SANDBOX_PREFIX, getpid());

    sandbox_clean_abandoned();
    if (!g_mkdtemp(template)) {
        perror(template);
        return EXIT_FAILURE;
    }

    int status = sandbox_run_in(template, body);

    sandbox_clean(template);
    return status;
}

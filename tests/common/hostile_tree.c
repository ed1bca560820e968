/*
 * Everything is made by descriptor: most of it has no path that the kernel would take.
 */
#include "common/hostile_tree.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/fs.h"

#define LONG_NAME_BYTES 255
#define LAST_FILE       "last"

static void enter(int *fd, const char *name)
{
    int below = openat(*fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    g_assert_cmpint(below, >=, 0);
    close(*fd);
    *fd = below;
}

static void make_file(int fd, const char *name)
{
    AUTO_FD file = openat(fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    g_assert_cmpint(write(file, "text", 4), ==, 4);
}

static void make_dir(int fd, const char *name, mode_t mode)
{
    g_assert_cmpint(mkdirat(fd, name, mode), ==, 0);
}

static void make_chain(int top_fd, const char *name, int levels)
{
    AUTO_FD fd = fcntl(top_fd, F_DUPFD_CLOEXEC, 0);

    for (int i = 0; i < levels; i++) {
        make_dir(fd, name, 0700);
        enter(&fd, name);
    }
    make_file(fd, LAST_FILE);
}

static void make_oddities(int fd)
{
    static const char *const names[] = {"line\nend", "\xff\xfe",       " ",  "-rf",
                                        "*",         ".ramet-moved-0", "..."};

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        make_file(fd, names[i]);
    g_assert_cmpint(mkfifoat(fd, "pipe", 0600), ==, 0);
    g_assert_cmpint(mknodat(fd, "socket", S_IFSOCK | 0600, 0), ==, 0);
    g_assert_cmpint(symlinkat("/", fd, "link to all"), ==, 0);
    g_assert_cmpint(symlinkat(".", fd, "link to itself"), ==, 0);
    make_dir(fd, "closed", 0700);

    AUTO_FD closed = openat(fd, "closed", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    make_dir(closed, "within", 0000);
    make_file(closed, "file");
    g_assert_cmpint(fchmod(closed, 0000), ==, 0);
}

static void set_attribute(int dir_fd, const char *name, int attribute)
{
    AUTO_FD fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
    int flags = 0;

    if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0) {
        flags |= attribute;
        (void)ioctl(fd, FS_IOC_SETFLAGS, &flags);
    }
}

static void make_locks(int fd)
{
    make_dir(fd, "immutable", 0700);

    AUTO_FD within = openat(fd, "immutable", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    make_dir(within, "append", 0700);
    make_file(within, "immutable");
    make_file(within, "append-file");
    set_attribute(within, "append", FS_APPEND_FL);
    set_attribute(within, "append-file", FS_APPEND_FL);
    set_attribute(within, "immutable", FS_IMMUTABLE_FL);
    set_attribute(fd, "immutable", FS_IMMUTABLE_FL);
    g_assert_cmpint(mknodat(fd, "device", S_IFCHR | 0600, makedev(1, 3)), ==, 0);
}

void hostile_tree_make(const char *dir, bool is_locked)
{
    char long_name[LONG_NAME_BYTES + 1] = {0};
    AUTO_FD fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    g_assert_cmpint(fd, >=, 0);
    memset(long_name, 'x', LONG_NAME_BYTES);
    make_chain(fd, "d", HOSTILE_LEVELS);
    make_chain(fd, long_name, HOSTILE_LONG_NAMES);
    make_oddities(fd);
    if (is_locked)
        make_locks(fd);
}

void hostile_tree_assert_deep(const char *dir)
{
    AUTO_FD fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    for (int i = 0; i < HOSTILE_LEVELS; i++)
        enter(&fd, "d");
    g_assert_cmpint(faccessat(fd, LAST_FILE, F_OK, 0), ==, 0);
}

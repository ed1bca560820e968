/*
 * Removing a tree that a stranger has filled: of any depth, with names of any kind, and maybe made to
 * last. A few levels are open at a time; a directory below them is moved up to where it is in reach,
 * so neither our stack nor our descriptors nor the length of a path sets a limit. What resists does
 * not keep the rest.
 */
#include "base/fs.h"
#include "base/outside.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define TREE_LEVELS   16 /* open at a time: no data directory has as many */
#define TREE_OPEN     (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define TREE_LOCKS    (FS_IMMUTABLE_FL | FS_APPEND_FL | FS_PROJINHERIT_FL)
#define TREE_NAME_MAX 32

typedef struct TreeLevel {
    DIR *dir;
    char *name; /* in the level above; unused for the first */
    dev_t device;
    bool has_news; /* something was moved into it: it is read once more */
} TreeLevel;

typedef struct TreeRemoval {
    TreeLevel levels[TREE_LEVELS];
    int n_levels;
    unsigned n_moved;
    int err;     /* why the first that stays does; 0 = nothing stays */
    char *stays; /* its name, printable */
} TreeRemoval;

static void tree_removal_clear(TreeRemoval *removal)
{
    g_free(removal->stays);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TreeRemoval, tree_removal_clear)

/* Names are a stranger's: they go into messages in one line of ASCII. */
static void tree_stays(TreeRemoval *removal, const char *name)
{
    if (removal->err != 0)
        return;
    removal->err = errno;
    removal->stays = g_strescape(name, NULL);
}

static int tree_fd(const TreeRemoval *removal, int level)
{
    return dirfd(removal->levels[level].dir);
}

/* --- what keeps things from being removed --- */

/* Attributes that forbid changes; a btrfs subvolume may be read-only. What fails is found next. */
static void tree_unlock(int fd)
{
    struct stat status;
    int flags = 0;
    uint64_t subvolume = 0;

    if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 && (flags & TREE_LOCKS) != 0) {
        flags &= ~TREE_LOCKS;
        (void)ioctl(fd, FS_IOC_SETFLAGS, &flags);
    }
    if (ioctl(fd, BTRFS_IOC_SUBVOL_GETFLAGS, &subvolume) == 0 &&
        (subvolume & BTRFS_SUBVOL_RDONLY) != 0) {
        subvolume &= ~(uint64_t)BTRFS_SUBVOL_RDONLY;
        (void)ioctl(fd, BTRFS_IOC_SUBVOL_SETFLAGS, &subvolume);
    }
    if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode) && (status.st_mode & S_IRWXU) != S_IRWXU)
        (void)fchmod(fd, S_IRWXU);
}

/* A directory and something in it. Opening a device or a pipe might have effects of its own. */
static void tree_unlock_entry(int dir_fd, const char *name)
{
    struct stat status;

    tree_unlock(dir_fd);
    if (fstatat(dir_fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
        (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)))
        return;
    if (S_ISDIR(status.st_mode) && (status.st_mode & S_IRWXU) != S_IRWXU)
        (void)fchmodat(dir_fd, name, S_IRWXU, AT_SYMLINK_NOFOLLOW);

    AUTO_FD fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (fd >= 0)
        tree_unlock(fd);
}

/* --- one entry; 0, or -1 with errno --- */

static int tree_try_unlink(int dir_fd, const char *name, int flags)
{
    return unlinkat(dir_fd, name, flags) == 0 || errno == ENOENT ? 0 : -1;
}

static int tree_unlink(int dir_fd, const char *name, int flags)
{
    if (tree_try_unlink(dir_fd, name, flags) == 0)
        return 0;
    if (errno != EPERM && errno != EACCES && errno != EROFS)
        return -1;
    tree_unlock_entry(dir_fd, name);
    return tree_try_unlink(dir_fd, name, flags);
}

static int tree_open_dir(int dir_fd, const char *name)
{
    int fd = openat(dir_fd, name, TREE_OPEN);

    if (fd >= 0 || errno != EACCES)
        return fd;
    tree_unlock_entry(dir_fd, name);
    return openat(dir_fd, name, TREE_OPEN);
}

/* What is mounted in the tree is not of the tree. */
static int tree_check_dir(int fd, bool is_top, dev_t *ret_device)
{
    struct statx status;

    if (statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &status) < 0)
        return -1;
    errno = EBUSY;
    if (!is_top && (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0)
        return -1;
    *ret_device = makedev(status.stx_dev_major, status.stx_dev_minor);
    return 0;
}

/* --- levels --- */

static int tree_enter(TreeRemoval *removal, int dir_fd, const char *name)
{
    TreeLevel level = {0};
    bool is_top = removal->n_levels == 0;
    AUTO_FD fd = tree_open_dir(dir_fd, name);

    if (fd < 0 || tree_check_dir(fd, is_top, &level.device) < 0)
        return -1;
    if (!is_top && level.device != removal->levels[removal->n_levels - 1].device)
        tree_unlock(fd); /* a subvolume that may be read-only: what is in it cannot tell */
    level.dir = fdopendir(fd);
    if (!level.dir)
        return -1;
    (void)g_steal_fd(&fd); /* closedir() closes it */
    level.name = g_strdup(name);
    removal->levels[removal->n_levels++] = level;
    return 0;
}

static void tree_drop_level(TreeRemoval *removal)
{
    TreeLevel *level = &removal->levels[--removal->n_levels];

    closedir(level->dir);
    g_free(level->name);
}

static void tree_leave(TreeRemoval *removal)
{
    TreeLevel *level = &removal->levels[removal->n_levels - 1];

    if (level->has_news) {
        level->has_news = false;
        rewinddir(level->dir);
        return;
    }
    if (removal->n_levels > 1 &&
        tree_unlink(tree_fd(removal, removal->n_levels - 2), level->name, AT_REMOVEDIR) < 0)
        tree_stays(removal, level->name);
    tree_drop_level(removal);
}

/* --- moving up --- */

static int tree_move(TreeRemoval *removal, int from, const char *name, int to)
{
    char fresh[TREE_NAME_MAX];
    int status = -1;
    bool is_unlocked = false;
    bool is_over = false;

    while (!is_over) {
        g_snprintf(fresh, sizeof fresh, ".ramet-moved-%u", removal->n_moved++);
        status =
            renameat2(tree_fd(removal, from), name, tree_fd(removal, to), fresh, RENAME_NOREPLACE);
        is_over = status == 0 || (errno != EEXIST && is_unlocked);
        if (!is_over && errno != EEXIST) {
            tree_unlock(tree_fd(removal, to));
            tree_unlock_entry(tree_fd(removal, from), name);
            is_unlocked = true;
        }
    }
    if (status == 0)
        removal->levels[to].has_news = true;
    return status;
}

/*
 * A directory for which there is no level left. Nothing but a subvolume of btrfs can leave the
 * subvolume that it is in: so the directory goes to the uppermost level of the same one, or the
 * subvolume that the last level is goes to the top as it is.
 */
static int tree_move_up(TreeRemoval *removal, const char *name)
{
    int last = removal->n_levels - 1;
    int to = last;

    while (to > 0 && removal->levels[to - 1].device == removal->levels[last].device)
        to--;
    if (to < last)
        return tree_move(removal, last, name, to);
    if (tree_move(removal, last - 1, removal->levels[last].name, 0) < 0)
        return -1;
    tree_drop_level(removal);
    return 0;
}

/* --- all of it --- */

static void tree_take(TreeRemoval *removal, const char *name)
{
    int dir_fd = tree_fd(removal, removal->n_levels - 1);
    int status = tree_unlink(dir_fd, name, 0);

    if (status < 0 && errno == EISDIR)
        status = removal->n_levels < TREE_LEVELS ? tree_enter(removal, dir_fd, name)
                                                 : tree_move_up(removal, name);
    if (status < 0)
        tree_stays(removal, name);
}

static void tree_empty(TreeRemoval *removal)
{
    while (removal->n_levels > 0) {
        const struct dirent *entry = readdir(removal->levels[removal->n_levels - 1].dir);

        if (!entry)
            tree_leave(removal);
        else if (!g_str_equal(entry->d_name, ".") && !g_str_equal(entry->d_name, ".."))
            tree_take(removal, entry->d_name);
    }
}

Error *fs_remove_tree(const char *path)
{
    g_auto(TreeRemoval) removal = {0};

    outside_call(__func__);
    if (tree_unlink(AT_FDCWD, path, 0) == 0 || errno == ENOTDIR)
        return NULL;
    if (errno != EISDIR || tree_enter(&removal, AT_FDCWD, path) < 0)
        return error_errno(errno, "could not remove \"%s\"", path);
    tree_empty(&removal);
    if (removal.err != 0)
        return error_errno(removal.err, "could not remove \"%s\" in \"%s\"", removal.stays, path);
    if (tree_unlink(AT_FDCWD, path, AT_REMOVEDIR) < 0)
        return error_errno(errno, "could not remove \"%s\"", path);
    return NULL;
}

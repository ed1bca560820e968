/*
 * A walk without recursion: directories wait in a stack of their entries. PostgreSQL may be at work
 * in the tree: what vanishes meanwhile is no error.
 */
#include "storage/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"

#define TREE_PATH_MAX 255 /* longer than any in a data directory; each part of a path costs time */
#define TREE_OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW)

typedef struct TreeWalk {
    TreeAt at;
    GPtrArray *entries; /* of TreeEntry *, owned */
    GPtrArray *waiting; /* directories among them that were not looked into yet */
} TreeWalk;

static void tree_close_dir(DIR *dir)
{
    if (dir)
        closedir(dir);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DIR, tree_close_dir)

/* --- places --- */

void tree_at_clear(TreeAt *at)
{
    if (at->base)
        close(at->base_fd);
    at->base = NULL;
}

static int tree_at_step(TreeAt *at, const TreeEntry *base)
{
    int fd = fs_open_beneath(at->base ? at->base_fd : at->root_fd, base->path,
                             O_PATH | O_DIRECTORY | O_NOFOLLOW);

    if (fd < 0)
        return -1;
    tree_at_clear(at);
    at->base = base;
    at->base_fd = fd;
    return 0;
}

/* Bases lie in each other. */
static int tree_at_go(TreeAt *at, const TreeEntry *base)
{
    g_autoptr(GPtrArray) way = g_ptr_array_new();

    while (base && base != at->base) {
        g_ptr_array_add(way, (gpointer)(uintptr_t)base);
        base = base->base;
    }
    if (!base)
        tree_at_clear(at);
    for (guint i = way->len; i-- > 0;)
        if (tree_at_step(at, g_ptr_array_index(way, i)) < 0)
            return -1;
    return at->base_fd;
}

int tree_at(TreeAt *at, const TreeEntry *entry)
{
    return entry->base ? tree_at_go(at, entry->base) : at->root_fd;
}

int tree_open(TreeAt *at, const TreeEntry *entry, int flags)
{
    int fd = tree_at(at, entry);

    return fd < 0 ? -1 : fs_open_beneath(fd, entry->path, flags);
}

/* --- listing --- */

static TreeEntry *tree_entry_new(unsigned char type, const TreeEntry *parent, const char *name)
{
    bool is_far = parent && strlen(parent->path) > TREE_PATH_MAX;
    g_autofree char *path =
        parent && !is_far ? g_strconcat(parent->path, "/", name, NULL) : g_strdup(name);
    size_t size = strlen(path) + 1;
    TreeEntry *entry = g_malloc(sizeof(*entry) + size);

    entry->type = type;
    entry->base = is_far || !parent ? parent : parent->base;
    memcpy(entry->path, path, size);
    return entry;
}

/* Not every file system keeps the type in the directory. DT_UNKNOWN and errno: it cannot be had. */
static unsigned char tree_type_of(int dir_fd, const struct dirent *found)
{
    struct stat status;

    if (found->d_type != DT_UNKNOWN)
        return found->d_type;
    if (fstatat(dir_fd, found->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return DT_UNKNOWN;
    return (unsigned char)IFTODT(status.st_mode);
}

/* What has gone meanwhile is left out. */
static Error *tree_add(TreeWalk *walk, int dir_fd, const TreeEntry *parent,
                       const struct dirent *found)
{
    unsigned char type = tree_type_of(dir_fd, found);

    if (type == DT_UNKNOWN)
        return errno == ENOENT ? NULL
                               : error_errno(errno, "could not look at \"%s\"", found->d_name);

    TreeEntry *entry = tree_entry_new(type, parent, found->d_name);

    g_ptr_array_add(walk->entries, entry);
    if (type == DT_DIR)
        g_ptr_array_add(walk->waiting, entry);
    return NULL;
}

/* An error is no end: a listing that lacks files would make a copy that does. */
static Error *tree_read_dir(TreeWalk *walk, DIR *dir, const TreeEntry *parent)
{
    for (;;) {
        errno = 0;

        const struct dirent *found = readdir(dir);

        if (!found)
            break;
        if (!g_str_equal(found->d_name, ".") && !g_str_equal(found->d_name, ".."))
            TRY(tree_add(walk, dirfd(dir), parent, found));
    }
    return errno
               ? error_errno(errno, "could not read directory \"%s\"", parent ? parent->path : ".")
               : NULL;
}

/* parent: NULL = the root. */
static Error *tree_list_dir(TreeWalk *walk, const TreeEntry *parent)
{
    const char *path = parent ? parent->path : ".";
    AUTO_FD fd = parent ? tree_open(&walk->at, parent, TREE_OPEN_DIR)
                        : fs_open_beneath(walk->at.root_fd, ".", TREE_OPEN_DIR);
    g_autoptr(DIR) dir = fd < 0 ? NULL : fdopendir(fd);

    if (!dir && errno == ENOENT) /* a running PostgreSQL drops databases while we look */
        return NULL;
    if (!dir && errno == EXDEV)
        return error_new(ERR_INVALID, "something is mounted at directory \"%s\"", path);
    if (!dir)
        return error_errno(errno, "could not open directory \"%s\"", path);
    fd = -1; /* the directory's */
    return tree_read_dir(walk, dir, parent);
}

Error *tree_list(int root_fd, GPtrArray **ret_entries)
{
    g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) waiting = g_ptr_array_new();
    TreeWalk walk = {.at = {.root_fd = root_fd}, .entries = entries, .waiting = waiting};
    Error *e = tree_list_dir(&walk, NULL);

    while (!e && waiting->len > 0)
        e = tree_list_dir(&walk, g_ptr_array_steal_index(waiting, waiting->len - 1));
    tree_at_clear(&walk.at);
    if (e)
        return e;
    *ret_entries = g_steal_pointer(&entries);
    return NULL;
}

/* --- taking over --- */

static Error *tree_give(TreeAt *at, const TreeEntry *entry, uid_t uid, gid_t gid)
{
    int fd = tree_at(at, entry);
    struct stat status;

    if (fd < 0 || fstatat(fd, entry->path, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return error_errno(errno, "could not look at \"%s\"", entry->path);
    if (status.st_uid == uid && status.st_gid == gid)
        return NULL;
    if (fchownat(fd, entry->path, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
        return error_errno(errno, "could not change the owner of \"%s\"", entry->path);
    return NULL;
}

Error *tree_take_over(const char *data_dir, const char *user)
{
    g_autoptr(GPtrArray) entries = NULL;
    uid_t uid = 0;
    gid_t gid = 0;
    AUTO_FD root_fd = open(data_dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    g_auto(TreeAt) at = {.root_fd = root_fd};

    if (root_fd < 0)
        return error_errno(errno, "could not open directory \"%s\"", data_dir);
    TRY(fs_find_user(user, &uid, &gid));
    TRY(tree_list(root_fd, &entries));
    for (guint i = 0; i < entries->len; i++)
        TRY(tree_give(&at, g_ptr_array_index(entries, i), uid, gid));
    return fs_make_dir(data_dir, 0700, user);
}

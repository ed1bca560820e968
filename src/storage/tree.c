/*
 * A walk, depth first. PostgreSQL may be at work in the tree: what vanishes meanwhile is no error.
 */
#include "storage/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"

#define TREE_DEPTH_MAX 64 /* a stranger's tree must not use up our descriptors or our stack */

typedef struct TreeWalk {
    dev_t device;
    int depth;
    GPtrArray *entries; /* of TreeEntry * */
} TreeWalk;

static void tree_close_dir(DIR *dir)
{
    if (dir)
        closedir(dir);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DIR, tree_close_dir)

static TreeEntry *tree_entry_new(unsigned char type, const char *dir_path, const char *name)
{
    g_autofree char *path = *dir_path ? g_strconcat(dir_path, "/", name, NULL) : g_strdup(name);
    size_t size = strlen(path) + 1;
    TreeEntry *entry = g_malloc(sizeof(*entry) + size);

    entry->type = type;
    memcpy(entry->path, path, size);
    return entry;
}

/* Not every file system keeps the type in the directory. */
static unsigned char tree_type_of(int dir_fd, const struct dirent *found)
{
    struct stat status;

    if (found->d_type != DT_UNKNOWN ||
        fstatat(dir_fd, found->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return found->d_type;
    return (unsigned char)IFTODT(status.st_mode);
}

static Error *tree_walk_dir(int parent_fd, const char *name, const char *path, TreeWalk walk);

static Error *tree_add(int dir_fd, const char *dir_path, const struct dirent *found, TreeWalk walk)
{
    TreeEntry *entry = tree_entry_new(tree_type_of(dir_fd, found), dir_path, found->d_name);

    g_ptr_array_add(walk.entries, entry);
    return entry->type == DT_DIR ? tree_walk_dir(dir_fd, found->d_name, entry->path, walk) : NULL;
}

static Error *tree_check_dir(int fd, const char *path, TreeWalk walk)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return error_errno(errno, "could not look at \"%s\"", path);
    if (status.st_dev != walk.device)
        return error_new(ERR_INVALID, "directory \"%s\" is on another file system", path);
    if (walk.depth > TREE_DEPTH_MAX)
        return error_new(ERR_INVALID, "directory \"%s\" is nested too deep", path);
    return NULL;
}

static Error *tree_walk_dir(int parent_fd, const char *name, const char *path, TreeWalk walk)
{
    int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    g_autoptr(DIR) dir = fd < 0 ? NULL : fdopendir(fd);

    if (!dir && errno == ENOENT) /* a running PostgreSQL drops databases while we look */
        return NULL;
    if (!dir)
        return error_errno(errno, "could not open directory \"%s\"", path);
    walk.depth++;
    TRY(tree_check_dir(fd, path, walk));
    for (struct dirent *found; (found = readdir(dir));)
        if (!g_str_equal(found->d_name, ".") && !g_str_equal(found->d_name, ".."))
            TRY(tree_add(fd, path, found, walk));
    return NULL;
}

Error *tree_list(int root_fd, GPtrArray **ret_entries)
{
    g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func(g_free);
    TreeWalk walk = {.entries = entries};
    struct stat status;

    if (fstat(root_fd, &status) < 0)
        return error_errno(errno, "could not look at a directory");
    walk.device = status.st_dev;
    TRY(tree_walk_dir(root_fd, ".", "", walk));
    *ret_entries = g_steal_pointer(&entries);
    return NULL;
}

static Error *tree_give(int root_fd, const char *path, uid_t uid, gid_t gid)
{
    struct stat status;

    if (fstatat(root_fd, path, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return error_errno(errno, "could not look at \"%s\"", path);
    if (status.st_uid == uid && status.st_gid == gid)
        return NULL;
    if (fchownat(root_fd, path, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
        return error_errno(errno, "could not change the owner of \"%s\"", path);
    return NULL;
}

Error *tree_take_over(const char *data_dir, const char *user)
{
    g_autoptr(GPtrArray) entries = NULL;
    uid_t uid = 0;
    gid_t gid = 0;
    AUTO_FD root_fd = open(data_dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (root_fd < 0)
        return error_errno(errno, "could not open directory \"%s\"", data_dir);
    TRY(fs_find_user(user, &uid, &gid));
    TRY(tree_list(root_fd, &entries));
    for (guint i = 0; i < entries->len; i++)
        TRY(tree_give(root_fd, ((TreeEntry *)g_ptr_array_index(entries, i))->path, uid, gid));
    return fs_make_dir(data_dir, 0700, user);
}

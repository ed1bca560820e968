/*
 * One thread makes the directories, a few share the files among them, and then the directories get
 * their mode and times, which the files would have changed.
 */
#include "storage/reflink/copy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/thread.h"
#include "storage/tree.h"

#define COPY_THREADS 4

typedef struct ReflinkCopy {
    int from_fd;
    int layer_fds[REFLINK_LAYERS_MAX]; /* -1 = none */
    int to_fd;
    GPtrArray *entries; /* of TreeEntry * */
    int next;           /* atomic: first entry that no thread has taken */
    Error *error;       /* atomic: the first one, from whichever thread; owned */
} ReflinkCopy;

/* The same trees, as one thread goes through them. */
typedef struct CopyPlace {
    TreeAt from;
    TreeAt layers[REFLINK_LAYERS_MAX];
    TreeAt to;
} CopyPlace;

static CopyPlace copy_place(const ReflinkCopy *copy)
{
    CopyPlace place = {.from.root_fd = copy->from_fd, .to.root_fd = copy->to_fd};

    for (size_t i = 0; i < REFLINK_LAYERS_MAX; i++)
        place.layers[i].root_fd = copy->layer_fds[i];
    return place;
}

static void copy_place_clear(CopyPlace *place)
{
    for (size_t i = 0; i < REFLINK_LAYERS_MAX; i++)
        tree_at_clear(&place->layers[i]);
    tree_at_clear(&place->from);
    tree_at_clear(&place->to);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(CopyPlace, copy_place_clear)

static Error *copy_error(const char *path)
{
    return error_errno(errno, "could not copy \"%s\"", path);
}

/* Owner before mode, as chown() clears the set-id bits; what is right already costs no call. */
static int copy_access(int fd, const struct stat *have, const struct stat *want)
{
    const struct timespec times[2] = {want->st_atim, want->st_mtim};

    if ((have->st_uid != want->st_uid || have->st_gid != want->st_gid) &&
        fchown(fd, want->st_uid, want->st_gid) < 0)
        return -1;
    if (have->st_mode != want->st_mode && fchmod(fd, want->st_mode & ALLPERMS) < 0)
        return -1;
    return futimens(fd, times);
}

/* In the uppermost layer that has it. */
static int copy_open_source(CopyPlace *place, const TreeEntry *entry)
{
    int fd = -1;

    for (size_t i = 0; fd < 0 && i < REFLINK_LAYERS_MAX && place->layers[i].root_fd >= 0; i++)
        fd = tree_open(&place->layers[i], entry, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    return fd;
}

static Error *copy_file(CopyPlace *place, const TreeEntry *entry)
{
    struct stat want;
    struct stat have;
    AUTO_FD from = copy_open_source(place, entry);

    if (from < 0 || fstat(from, &want) < 0)
        return copy_error(entry->path);

    int dir_fd = tree_at(&place->to, entry);
    AUTO_FD to = openat(dir_fd, entry->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (to < 0 || fstat(to, &have) < 0 || ioctl(to, FICLONE, from) < 0 ||
        copy_access(to, &have, &want) < 0)
        return copy_error(entry->path);
    return NULL;
}

static Error *copy_link(CopyPlace *place, const TreeEntry *entry)
{
    char target[PATH_MAX];
    int from_fd = tree_at(&place->from, entry);
    int to_fd = tree_at(&place->to, entry);
    ssize_t n = readlinkat(from_fd, entry->path, target, sizeof(target) - 1);
    struct stat want;

    if (n < 0 || fstatat(from_fd, entry->path, &want, AT_SYMLINK_NOFOLLOW) < 0)
        return copy_error(entry->path);
    target[n] = '\0';
    if (symlinkat(target, to_fd, entry->path) < 0 ||
        fchownat(to_fd, entry->path, want.st_uid, want.st_gid, AT_SYMLINK_NOFOLLOW) < 0)
        return copy_error(entry->path);
    return NULL;
}

static Error *copy_entry(CopyPlace *place, const TreeEntry *entry)
{
    switch (entry->type) {
    case DT_REG:
        return copy_file(place, entry);
    case DT_LNK:
        return copy_link(place, entry);
    default:
        return NULL;
    }
}

static void *copy_worker(void *data)
{
    ReflinkCopy *copy = data;
    g_auto(CopyPlace) place = copy_place(copy);
    guint i;

    while ((i = (guint)g_atomic_int_add(&copy->next, 1)) < copy->entries->len &&
           !g_atomic_pointer_get(&copy->error)) {
        Error *e = copy_entry(&place, g_ptr_array_index(copy->entries, i));

        if (e && !g_atomic_pointer_compare_and_exchange(&copy->error, NULL, e))
            error_free(e);
    }
    return NULL;
}

static Error *copy_all_entries(ReflinkCopy *copy)
{
    GThread *helpers[COPY_THREADS - 1] = {NULL};

    for (int i = 0; i < COPY_THREADS - 1; i++) /* with fewer of them it only takes longer */
        error_free(thread_start("reflink", copy_worker, copy, &helpers[i]));
    copy_worker(copy);
    for (int i = 0; i < COPY_THREADS - 1; i++)
        if (helpers[i])
            g_thread_join(helpers[i]);
    return g_steal_pointer(&copy->error);
}

static Error *copy_make_dirs(const ReflinkCopy *copy)
{
    g_auto(CopyPlace) place = copy_place(copy);

    for (guint i = 0; i < copy->entries->len; i++) {
        const TreeEntry *entry = g_ptr_array_index(copy->entries, i);

        if (entry->type == DT_DIR && mkdirat(tree_at(&place.to, entry), entry->path, 0700) < 0)
            return copy_error(entry->path);
    }
    return NULL;
}

/* Takes the descriptors of a directory and its copy. */
static Error *copy_finish_dir(int from_taken, int to_taken, const char *path)
{
    AUTO_FD from = from_taken;
    AUTO_FD to = to_taken;
    struct stat want;
    struct stat have;

    if (from < 0 || to < 0 || fstat(from, &want) < 0 || fstat(to, &have) < 0 ||
        copy_access(to, &have, &want) < 0)
        return copy_error(path);
    return NULL;
}

static Error *copy_finish_dirs(const ReflinkCopy *copy)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
    g_auto(CopyPlace) place = copy_place(copy);

    for (guint i = 0; i < copy->entries->len; i++) {
        const TreeEntry *entry = g_ptr_array_index(copy->entries, i);

        if (entry->type == DT_DIR)
            TRY(copy_finish_dir(tree_open(&place.from, entry, flags),
                                tree_open(&place.to, entry, flags), entry->path));
    }
    return copy_finish_dir(fs_open_beneath(copy->from_fd, ".", flags),
                           fs_open_beneath(copy->to_fd, ".", flags), ".");
}

static void copy_close(ReflinkCopy *copy)
{
    for (size_t i = 0; i < REFLINK_LAYERS_MAX; i++)
        fs_close_fd(&copy->layer_fds[i]);
    fs_close_fd(&copy->from_fd);
    fs_close_fd(&copy->to_fd);
    if (copy->entries)
        g_ptr_array_unref(copy->entries);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ReflinkCopy, copy_close)

static Error *copy_open_dir(const char *path, int *ret_fd)
{
    *ret_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *ret_fd < 0 ? copy_error(path) : NULL;
}

static Error *copy_open(ReflinkCopy *copy, const char *from, const char *const *layers,
                        const char *to)
{
    TRY(copy_open_dir(from, &copy->from_fd));
    for (size_t i = 0; layers[i]; i++)
        TRY(copy_open_dir(layers[i], &copy->layer_fds[i]));
    if (mkdir(to, 0700) < 0)
        return errno == EEXIST ? error_new(ERR_CONFLICT, "\"%s\" exists", to) : copy_error(to);
    return copy_open_dir(to, &copy->to_fd);
}

Error *reflink_copy(const char *from, const char *const *layers, const char *to, mode_t root_mode)
{
    g_auto(ReflinkCopy) copy = {.from_fd = -1, .layer_fds = {-1, -1}, .to_fd = -1};

    TRY(copy_open(&copy, from, layers, to));
    TRY(tree_list(copy.from_fd, &copy.entries));
    TRY(copy_make_dirs(&copy));
    TRY(copy_all_entries(&copy));
    TRY(copy_finish_dirs(&copy));
    return fchmod(copy.to_fd, root_mode) < 0 ? copy_error(to) : NULL;
}

/*
 * Files by the system's own calls: GLib's keep neither owner, mode nor durability.
 */
#include "base/fs.h"
#include "base/outside.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define FS_CHUNK         8192
#define FS_PARENT_MODE   0755
#define FS_PASSWD_BUFFER 16384

/* Below something that is no directory, nothing exists either. */
static bool fs_is_missing(int err)
{
    return err == ENOENT || err == ENOTDIR;
}

static Error *fs_open_to_read(const char *path, int flags, int *ret_fd)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | flags);

    if (fd < 0 && fs_is_missing(errno))
        return error_new(ERR_NOT_FOUND, "file \"%s\" does not exist", path);
    if (fd < 0)
        return error_errno(errno, "could not open \"%s\"", path);
    *ret_fd = fd;
    return NULL;
}

static Error *fs_read_whole(int fd, const char *path, size_t max_bytes, char **ret_text,
                            size_t *ret_size)
{
    g_autoptr(GString) text = g_string_new(NULL);
    char chunk[FS_CHUNK];
    ssize_t n = 0;

    while ((n = read(fd, chunk, sizeof(chunk))) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_errno(errno, "could not read \"%s\"", path);
        g_string_append_len(text, chunk, n);
        if (text->len > max_bytes)
            return error_new(ERR_INVALID, "file \"%s\" is longer than %zu bytes", path, max_bytes);
    }
    *ret_size = text->len;
    *ret_text = g_string_free(g_steal_pointer(&text), FALSE);
    return NULL;
}

Error *fs_read_file(const char *path, size_t max_bytes, char **ret_text)
{
    AUTO_FD fd = -1;
    size_t size = 0;

    outside_call(__func__);
    TRY(fs_open_to_read(path, 0, &fd));
    return fs_read_whole(fd, path, max_bytes, ret_text, &size);
}

static Error *fs_open_plain(const char *path, int *ret_fd, struct stat *ret_st)
{
    AUTO_FD fd = -1;

    TRY(fs_open_to_read(path, O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, &fd));
    if (fstat(fd, ret_st) < 0 || !S_ISREG(ret_st->st_mode))
        return error_new(ERR_INVALID, "\"%s\" is not a plain file", path);
    *ret_fd = g_steal_fd(&fd);
    return NULL;
}

Error *fs_read_plain_bytes(const char *path, size_t max_bytes, char **ret_bytes, size_t *ret_size)
{
    AUTO_FD fd = -1;
    struct stat st;

    outside_call(__func__);
    TRY(fs_open_plain(path, &fd, &st));
    return fs_read_whole(fd, path, max_bytes, ret_bytes, ret_size);
}

Error *fs_read_plain_file(const char *path, size_t max_bytes, char **ret_text)
{
    size_t size = 0;

    outside_call(__func__);
    return fs_read_plain_bytes(path, max_bytes, ret_text, &size);
}

Error *fs_read_end(const char *path, size_t max_bytes, char **ret_text)
{
    g_autofree char *bytes = g_malloc0(max_bytes + 1);
    AUTO_FD fd = -1;
    struct stat st;
    size_t zeros = 0;

    outside_call(__func__);
    TRY(fs_open_plain(path, &fd, &st));

    ssize_t n = pread(fd, bytes, max_bytes, MAX(0, st.st_size - (off_t)max_bytes));

    if (n < 0)
        return error_errno(errno, "could not read \"%s\"", path);
    while (zeros < (size_t)n && bytes[zeros] == '\0')
        zeros++;
    *ret_text = g_strndup(bytes + zeros, (size_t)n - zeros);
    return NULL;
}

/* The parts of writing a file return 0, or -1 with errno, as the calls that they are made of. */
static int fs_write_all(int fd, const char *text)
{
    size_t left = strlen(text);

    while (left > 0) {
        ssize_t n = write(fd, text, left);

        if (n < 0 && errno != EINTR)
            return -1;
        if (n > 0) {
            text += n;
            left -= (size_t)n;
        }
    }
    return 0;
}

static int fs_set_access(int fd, mode_t mode, uid_t uid, gid_t gid)
{
    if (uid != (uid_t)-1 && fchown(fd, uid, gid) < 0)
        return -1;
    return fchmod(fd, mode); /* after fchown, which may clear bits */
}

static int fs_sync_dir_of(const char *path)
{
    g_autofree char *dir = g_path_get_dirname(path);
    AUTO_FD fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd < 0 ? -1 : fsync(fd);
}

static int fs_fill_and_rename(int fd, const char *temporary, const char *path, const char *text,
                              const FsWrite *how, uid_t uid, gid_t gid)
{
    if (fs_set_access(fd, how->mode ? how->mode : 0600, uid, gid) < 0)
        return -1;
    if (fs_write_all(fd, text) < 0)
        return -1;
    if (how->is_durable && fsync(fd) < 0)
        return -1;
    if (rename(temporary, path) < 0)
        return -1;
    return how->is_durable ? fs_sync_dir_of(path) : 0;
}

/* uid and gid of a user by name; -1, which fchown() leaves alone, for none. */
static Error *fs_find_owner(const char *user, uid_t *ret_uid, gid_t *ret_gid)
{
    *ret_uid = (uid_t)-1;
    *ret_gid = (gid_t)-1;
    return user ? fs_find_user(user, ret_uid, ret_gid) : NULL;
}

Error *fs_write_file(const char *path, const char *text, const FsWrite *how)
{
    static const FsWrite plain = {0};
    g_autofree char *temporary = g_strconcat(path, ".XXXXXX", NULL);
    uid_t uid;
    gid_t gid;

    outside_call(__func__);
    how = how ? how : &plain;
    TRY(fs_find_owner(how->user, &uid, &gid));

    AUTO_FD fd = mkostemp(temporary, O_CLOEXEC);

    if (fd < 0)
        return error_errno(errno, "could not write \"%s\"", path);
    if (fs_fill_and_rename(fd, temporary, path, text, how, uid, gid) < 0) {
        Error *e = error_errno(errno, "could not write \"%s\"", path);

        unlink(temporary); /* already renamed: nothing is there, and that is fine */
        return e;
    }
    return NULL;
}

Error *fs_make_dir(const char *path, mode_t mode, const char *user)
{
    g_autofree char *parent = g_path_get_dirname(path);
    uid_t uid;
    gid_t gid;

    outside_call(__func__);
    TRY(fs_find_owner(user, &uid, &gid));
    if (g_mkdir_with_parents(parent, FS_PARENT_MODE) < 0 ||
        (mkdir(path, mode) < 0 && errno != EEXIST))
        return error_errno(errno, "could not make directory \"%s\"", path);

    AUTO_FD fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || fs_set_access(fd, mode, uid, gid) < 0)
        return error_errno(errno, "could not prepare directory \"%s\"", path);
    return NULL;
}

Error *fs_remove(const char *path)
{
    if (remove(path) < 0 && !fs_is_missing(errno))
        return error_errno(errno, "could not remove \"%s\"", path);
    return NULL;
}

Error *fs_remove_dir(const char *path)
{
    outside_call(__func__);
    if (rmdir(path) < 0 && errno != ENOENT)
        return error_errno(errno, "could not remove directory \"%s\"", path);
    return NULL;
}

static bool fs_is_dot(const char *name)
{
    return g_str_equal(name, ".") || g_str_equal(name, "..");
}

static int fs_compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* An error is no end. Returns errno. */
static int fs_read_names(DIR *dir, GPtrArray *names)
{
    for (;;) {
        errno = 0;

        const struct dirent *entry = readdir(dir);

        if (!entry)
            return errno;
        if (!fs_is_dot(entry->d_name))
            g_ptr_array_add(names, g_strdup(entry->d_name));
    }
}

Error *fs_list_dir(const char *path, char ***ret_names)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

    outside_call(__func__);

    DIR *dir = opendir(path);
    int err = dir ? fs_read_names(dir, names) : fs_is_missing(errno) ? 0 : errno;

    if (dir)
        closedir(dir);
    if (err)
        return error_errno(err, "could not list \"%s\"", path);
    g_ptr_array_sort(names, fs_compare_names);
    g_ptr_array_add(names, NULL);
    *ret_names = (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
    return NULL;
}

bool fs_exists(const char *path)
{
    outside_call(__func__);
    return access(path, F_OK) == 0;
}

int fs_open_beneath(int dir_fd, const char *path, int flags)
{
    struct open_how how = {
        .flags = (unsigned)(flags | O_CLOEXEC),
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
    };

    return (int)syscall(SYS_openat2, dir_fd, path, &how, sizeof how); /* no wrapper in glibc 2.36 */
}

Error *fs_find_user(const char *name, uid_t *ret_uid, gid_t *ret_gid)
{
    g_autofree char *buffer = g_malloc(FS_PASSWD_BUFFER);
    struct passwd entry;
    struct passwd *found = NULL;
    int err = getpwnam_r(name, &entry, buffer, FS_PASSWD_BUFFER, &found);

    if (err != 0)
        return error_errno(err, "could not look up operating-system user \"%s\"", name);
    if (!found)
        return error_hint(
            error_new(ERR_NOT_FOUND, "operating-system user \"%s\" does not exist", name),
            "Create it, as in \"useradd --system %s\", or name another in the configuration.",
            name);
    *ret_uid = entry.pw_uid;
    *ret_gid = entry.pw_gid;
    return NULL;
}

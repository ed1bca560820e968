/*
 * ramet.db itself is never opened here: closing a descriptor of it would drop SQLite's locks.
 */
#include "store/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/fs.h"

#define WAL_BYTES (8 << 20) /* a checkpoint comes at 4 MiB */

static const char *const file_suffixes[] = {"", "-wal", "-shm"};
G_STATIC_ASSERT(G_N_ELEMENTS(file_suffixes) == G_N_ELEMENTS(((StoreFiles *)0)->marks));

static void files_stat(const char *path, size_t index, struct stat *ret_status)
{
    g_autofree char *name = g_strconcat(path, file_suffixes[index], NULL);

    if (lstat(name, ret_status) < 0)
        *ret_status = (struct stat){0};
}

void files_note(StoreFiles *files, const char *path)
{
    for (size_t i = 0; i < G_N_ELEMENTS(file_suffixes); i++) {
        struct stat now;

        files_stat(path, i, &now);
        files->marks[i].device = now.st_dev;
        files->marks[i].inode = now.st_ino;
    }
}

FilesState files_look(StoreFiles *files, const char *path)
{
    FilesState state = FILES_SAME;

    for (size_t i = 0; i < G_N_ELEMENTS(file_suffixes); i++) {
        struct stat now;

        files_stat(path, i, &now);
        if (files->marks[i].inode == 0) {
            files->marks[i].device = now.st_dev;
            files->marks[i].inode = now.st_ino;
        }
        if (now.st_ino == files->marks[i].inode && now.st_dev == files->marks[i].device)
            continue;
        if (i == 0 && now.st_ino != 0)
            return FILES_REPLACED;
        state = FILES_LOST;
    }
    return state;
}

void files_withdraw(const StoreFiles *files, const char *path)
{
    for (size_t i = 1; i < G_N_ELEMENTS(file_suffixes); i++) {
        g_autofree char *name = g_strconcat(path, file_suffixes[i], NULL);
        struct stat now;

        files_stat(path, i, &now);
        if (now.st_ino != 0 && now.st_ino == files->marks[i].inode &&
            now.st_dev == files->marks[i].device)
            error_free(fs_remove(name)); /* where it cannot be removed, nothing can be replaced */
    }
}

void files_preallocate(const char *path)
{
    g_autofree char *name = g_strconcat(path, "-wal", NULL);
    AUTO_FD fd = open(name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);

    if (fd >= 0)
        (void)!fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, WAL_BYTES);
}

static Error *files_sync_dir(const char *path)
{
    g_autofree char *dir = g_path_get_dirname(path);
    AUTO_FD fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd < 0 || fsync(fd) < 0 ? error_errno(errno, "could not sync \"%s\"", dir) : NULL;
}

Error *files_put(const char *saved, const char *path)
{
    for (size_t i = 1; i < G_N_ELEMENTS(file_suffixes); i++) {
        g_autofree char *name = g_strconcat(path, file_suffixes[i], NULL);

        TRY(fs_remove(name)); /* SQLite would read an older -wal into it */
    }
    if (rename(saved, path) < 0)
        return error_errno(errno, "could not rename \"%s\"", saved);
    return files_sync_dir(path);
}

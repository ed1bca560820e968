/*
 * Setting postgresql.auto.conf aside.
 */
#include "postgres/conf_auto.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/fs.h"

#define CONF_AUTO "postgresql.auto.conf"

static Error *auto_open_dir(const char *data_dir, int *ret_fd)
{
    *ret_fd = open(data_dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return *ret_fd < 0 ? error_errno(errno, "could not open \"%s\"", data_dir) : NULL;
}

Error *conf_set_auto_aside(const char *data_dir, bool *ret_is_aside)
{
    AUTO_FD dir = -1;

    TRY(auto_open_dir(data_dir, &dir));
    if (renameat(dir, CONF_AUTO, dir, CONF_AUTO_ASIDE) == 0) {
        *ret_is_aside = true;
        return NULL;
    }
    if (errno == ENOENT)
        return NULL;
    return error_errno(errno, "could not set %s aside", CONF_AUTO);
}

Error *conf_put_auto_back(const char *data_dir)
{
    AUTO_FD dir = -1;

    TRY(auto_open_dir(data_dir, &dir));
    if (renameat2(dir, CONF_AUTO_ASIDE, dir, CONF_AUTO, RENAME_NOREPLACE) == 0 || errno == ENOENT ||
        errno == EEXIST)
        return NULL;
    return error_errno(errno, "could not put %s back", CONF_AUTO);
}

bool conf_auto_is_aside(const char *data_dir)
{
    AUTO_FD dir = -1;
    struct stat status;
    g_autoptr(Error) e = auto_open_dir(data_dir, &dir);

    return !e && fstatat(dir, CONF_AUTO_ASIDE, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

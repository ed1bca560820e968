/*
 * The number has a fixed width: a write replaces all of the one before.
 */
#include "base/number_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fs.h"
#include "base/text.h"

#define NUMBER_FILE_MAX 64

Error *number_file_read(const char *path, int64_t *ret_number)
{
    g_autofree char *text = NULL;
    int64_t number = 0;
    Error *e = fs_read_plain_file(path, NUMBER_FILE_MAX, &text);

    if (e && e->code != ERR_NOT_FOUND)
        return e;
    error_free(e);
    if (text) {
        g_strchomp(text);
        TRY(error_wrap(text_parse_int(text, 0, INT64_MAX, &number), "\"%s\"", path));
    }
    *ret_number = number;
    return NULL;
}

Error *number_file_write(const char *path, int64_t number)
{
    g_autofree char *text = g_strdup_printf("%020" G_GINT64_FORMAT "\n", number);
    size_t length = strlen(text);
    AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0)
        return error_errno(errno, "could not open \"%s\"", path);

    ssize_t n = pwrite(fd, text, length, 0);

    if (n < 0)
        return error_errno(errno, "could not write \"%s\"", path);
    return (size_t)n == length ? NULL : error_errno(ENOSPC, "could not write \"%s\"", path);
}

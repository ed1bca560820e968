/*
 * Writers have the file open with O_APPEND, or, in a container of Docker's, can open it themselves. A
 * hostile one may do with it what it likes: what the file tells is not believed, only measured.
 */
#include "runtime/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"

#define LOG_BLOCK_BYTES  512                /* of st_blocks, stat(2) */
#define LOG_REWRITE_MAX  (INT64_C(1) << 20) /* what is kept when a log is written anew */
#define LOG_SIZE_MAX     (INT64_C(1) << 40) /* ext4 has files up to 16 TiB */
#define LOG_EXCESS       4 /* times max_bytes: XFS reserves past the end, at times twice the file */
#define LOG_WINDOW_BYTES (1 << 20)
#define LOG_BLOCK_MAX    (1 << 17) /* of any file system */
#define LOG_SETTLED_MS   1000      /* then no more of an unfinished line is to come */

/* Looked at before it is opened, too: to open a device may do something. */
static Error *log_open(const char *path, int flags, int *ret_fd, struct stat *ret_st)
{
    AUTO_FD fd = -1;

    if (lstat(path, ret_st) < 0)
        return errno == ENOENT ? error_new(ERR_NOT_FOUND, "the log does not exist")
                               : error_errno(errno, "could not look at the log");
    if (S_ISREG(ret_st->st_mode)) {
        fd = open(path, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, ret_st) < 0)
            return error_errno(errno, "could not open the log");
    }
    if (!S_ISREG(ret_st->st_mode))
        return error_hint(error_new(ERR_EXTERNAL, "the log is not a plain file"),
                          "A log is put in its place when the instance is started next: see "
                          "\"ramet clone reset\".");
    *ret_fd = g_steal_fd(&fd);
    return NULL;
}

static int64_t log_used_bytes(const struct stat *st)
{
    return (int64_t)st->st_blocks * LOG_BLOCK_BYTES;
}

/* The first offset, from one on, where there is data: block by block. The end when there is none. */
static int64_t log_data_start(int fd, int64_t from, int64_t size)
{
    off_t start = lseek(fd, from, SEEK_DATA);

    if (start >= 0)
        return start;
    return errno == ENXIO ? size : from;
}

Error *log_file_clear_place(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 && !S_ISREG(st.st_mode) ? fs_remove(path) : NULL;
}

/* --- trimming --- */

/* The first beginning of a line at an offset or after it; the offset when none is near. */
static int64_t log_next_line(int fd, int64_t offset)
{
    char bytes[LOG_LINE_MAX];
    ssize_t n = pread(fd, bytes, sizeof(bytes), offset);
    const char *newline = n > 0 ? memchr(bytes, '\n', (size_t)n) : NULL;

    return newline ? offset + (newline - bytes) + 1 : offset;
}

/* A hole ends with a block, and in the rest of the block are zero bytes. */
static bool log_is_punched(int fd, int64_t before, const struct stat *st)
{
    int64_t data = log_data_start(fd, 0, st->st_size);
    char last = '\0';

    return data >= before || (data + st->st_blksize >= before &&
                              pread(fd, &last, 1, before - 1) == 1 && last == '\0');
}

/* Not asked for again when it is done: that would be another change of the file to look at. */
static int log_punch(int fd, int64_t before, const struct stat *st)
{
    if (before <= 0 || log_is_punched(fd, before, st))
        return 0;
    return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, before);
}

static int log_write_all(int fd, const char *bytes, ssize_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, bytes, (size_t)size);

        if (n < 0 && errno != EINTR)
            return -1;
        bytes += MAX(n, 0);
        size -= MAX(n, 0);
    }
    return 0;
}

/* Emptied first: the disk may be full. */
static int log_rewrite(int fd, int64_t size, int64_t max_bytes, int64_t drop_before)
{
    int64_t from = MAX(size - MIN(max_bytes / 2, LOG_REWRITE_MAX), 0);
    g_autofree char *kept = NULL;
    ssize_t n;

    from = from > drop_before ? log_next_line(fd, from) : drop_before;
    from = MIN(log_data_start(fd, from, size), size);
    kept = g_malloc((size_t)MAX(size - from, 1));
    n = pread(fd, kept, (size_t)(size - from), from);
    if (ftruncate(fd, 0) < 0)
        return -1;
    return log_write_all(fd, kept, n);
}

/* True when punching was in vain. What was added meanwhile does not count. */
static bool log_is_excessive(const struct stat *before, const struct stat *after, int64_t max_bytes)
{
    int64_t added = MAX(after->st_size - before->st_size, 0);

    return after->st_size > LOG_SIZE_MAX ||
           log_used_bytes(after) - MIN(added, LOG_SIZE_MAX) > LOG_EXCESS * max_bytes;
}

Error *log_file_trim(const char *path, int64_t max_bytes, int64_t drop_before,
                     LogTrimmed *ret_trimmed)
{
    AUTO_FD fd = -1;
    struct stat before, after;
    bool is_punched;
    int64_t from;

    TRY(log_open(path, O_RDWR | O_APPEND, &fd, &before));
    after = before;
    *ret_trimmed = (LogTrimmed){.size = before.st_size};
    from = drop_before <= before.st_size ? drop_before : 0; /* it is not the log that it was */
    if (log_used_bytes(&before) > max_bytes)
        from = MAX(from, log_next_line(fd, MAX(before.st_size - max_bytes / 4 * 3, 0)));
    if (from <= 0 && before.st_size <= LOG_SIZE_MAX)
        return NULL;
    is_punched = log_punch(fd, from, &before) == 0;
    if (fstat(fd, &after) < 0)
        return error_errno(errno, "could not look at the log");
    if (is_punched && !log_is_excessive(&before, &after, max_bytes))
        return NULL;
    if (log_rewrite(fd, after.st_size, max_bytes, from) < 0 || fstat(fd, &after) < 0)
        return error_errno(errno, "could not shorten the log");
    *ret_trimmed = (LogTrimmed){.size = after.st_size, .is_restarted = true};
    return NULL;
}

/* --- reading --- */

void log_page_clear(LogPage *page)
{
    g_clear_pointer(&page->lines, g_ptr_array_unref);
}

/* A part of the file. */
typedef struct LogWindow {
    char *bytes;
    int64_t offset; /* of bytes, in the file */
    size_t size;
    bool is_at_end; /* of the file */
} LogWindow;

static void log_window_clear(LogWindow *window)
{
    g_free(window->bytes);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(LogWindow, log_window_clear)

static void log_window_move(LogWindow *window, size_t n)
{
    memmove(window->bytes, window->bytes + n, window->size - n);
    window->offset += (int64_t)n;
    window->size -= n;
}

/* A hole ends with a block, a line anywhere: the rest of the block is zero bytes. */
static size_t log_count_zeros(const LogWindow *window)
{
    size_t n = 0;

    while (n < window->size && window->bytes[n] == '\0')
        n++;
    return n < window->size || n < LOG_BLOCK_MAX ? n : 0; /* more was written by somebody */
}

static Error *log_read_window(int fd, const char *path, int64_t from, int64_t size,
                              LogWindow *window)
{
    ssize_t n;

    window->offset = log_data_start(fd, from, size);
    window->bytes = g_malloc(LOG_WINDOW_BYTES);
    n = pread(fd, window->bytes, LOG_WINDOW_BYTES, window->offset);
    if (n < 0)
        return error_errno(errno, "could not read the log");
    window->size = (size_t)n;
    window->is_at_end = n < LOG_WINDOW_BYTES || window->offset + n >= size;
    log_window_move(window, log_count_zeros(window));
    return NULL;
}

/* Of the last lines, what is before the first whole one. */
static void log_skip_partial_line(int fd, LogWindow *window)
{
    char before = '\n';
    const char *newline = memchr(window->bytes, '\n', window->size);

    if (window->offset > 0 && pread(fd, &before, 1, window->offset - 1) == 1 && before != '\n' &&
        before != '\0' && newline)
        log_window_move(window, (size_t)(newline + 1 - window->bytes));
}

static int64_t log_changed_ms(const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000;
}

/* Without a last line that is still being written, unless nothing else is there. */
static void log_cut_unfinished_line(int fd, LogWindow *window)
{
    struct stat st;
    const char *newline = memrchr(window->bytes, '\n', window->size);
    bool is_settled = window->is_at_end && fstat(fd, &st) == 0 &&
                      clock_now_ms() - log_changed_ms(&st) >= LOG_SETTLED_MS;

    if (is_settled || (!newline && window->size >= LOG_LINE_MAX))
        return;
    window->size = newline ? (size_t)(newline + 1 - window->bytes) : 0;
}

static char *log_line(const char *bytes, size_t size)
{
    size_t shown = MIN(size, LOG_LINE_MAX);
    g_autofree char *valid = NULL;

    while (shown < size && shown > 0 && ((unsigned char)bytes[shown] & 0xC0) == 0x80)
        shown--; /* never end inside a character */
    valid = g_utf8_make_valid(bytes, (gssize)shown);
    return shown < size ? g_strconcat(valid, "…", NULL) : g_steal_pointer(&valid);
}

/* At most max_lines from the beginning; *ret_end is behind the last of them. */
static GPtrArray *log_split(const LogWindow *window, unsigned max_lines, size_t *ret_end)
{
    GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
    size_t i = 0;

    while (i < window->size && lines->len < max_lines) {
        const char *line = window->bytes + i;
        const char *newline = memchr(line, '\n', window->size - i);
        size_t length = newline ? (size_t)(newline - line) : window->size - i;

        g_ptr_array_add(lines, log_line(line, length));
        i += length + (newline ? 1 : 0);
    }
    *ret_end = i;
    return lines;
}

Error *log_file_read(const char *path, const LogQuery *query, LogPage *ret_page)
{
    AUTO_FD fd = -1;
    struct stat st;
    g_auto(LogWindow) window = {0};
    bool is_tail = query->after < 0;
    int64_t from;
    size_t end = 0;

    TRY(log_open(path, O_RDONLY, &fd, &st));
    from = is_tail                     ? MAX(st.st_size - LOG_WINDOW_BYTES, 0)
           : query->after > st.st_size ? 0
                                       : query->after;
    TRY(log_read_window(fd, path, from, st.st_size, &window));
    ret_page->skipped_bytes = is_tail || from != query->after ? 0 : window.offset - from;
    if (is_tail)
        log_skip_partial_line(fd, &window);
    log_cut_unfinished_line(fd, &window);
    ret_page->lines = log_split(&window, is_tail ? UINT_MAX : query->max_lines, &end);
    ret_page->next_offset = window.offset + (int64_t)end;
    if (is_tail && ret_page->lines->len > query->max_lines)
        g_ptr_array_remove_range(ret_page->lines, 0, ret_page->lines->len - query->max_lines);
    return NULL;
}

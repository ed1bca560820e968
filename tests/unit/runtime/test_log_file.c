/*
 * Logs: trimmed while they are written to, and read by lines.
 */
#include "runtime/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"

#define KIB   1024
#define LIMIT (256 * KIB)

typedef struct Place {
    char *dir;
    char *path;
    int fd; /* a writer's */
} Place;

static void set_up(Place *place, gconstpointer unused)
{
    place->dir = g_dir_make_tmp("log-XXXXXX", NULL);
    place->path = g_build_filename(place->dir, "c1.log", NULL);
    place->fd = open(place->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    g_assert_cmpint(place->fd, >=, 0);
}

static void tear_down(Place *place, gconstpointer unused)
{
    close(place->fd);
    g_assert_null(fs_remove_tree(place->dir));
    g_free(place->path);
    g_free(place->dir);
}

static void put(const Place *place, const char *text)
{
    g_assert_cmpint(write(place->fd, text, strlen(text)), ==, (ssize_t)strlen(text));
}

/* "000017 xxxx…" of 100 bytes. */
static void put_numbered(const Place *place, int first, int count)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *fill = g_strnfill(92, 'x');

    for (int i = first; i < first + count; i++)
        g_string_append_printf(text, "%06d %s\n", i, fill);
    put(place, text->str);
}

static int64_t used_bytes(const Place *place)
{
    struct stat st;

    g_assert_cmpint(stat(place->path, &st), ==, 0);
    return (int64_t)st.st_blocks * 512;
}

static LogTrimmed trim(const Place *place, int64_t drop_before)
{
    LogTrimmed trimmed = {0};

    g_assert_null(log_file_trim(place->path, LIMIT, drop_before, &trimmed));
    return trimmed;
}

static LogPage read_page(const Place *place, int64_t after, unsigned max_lines)
{
    LogPage page = {0};

    g_assert_null(
        log_file_read(place->path, &(LogQuery){.after = after, .max_lines = max_lines}, &page));
    return page;
}

static const char *line_at(const LogPage *page, unsigned i)
{
    g_assert_cmpuint(i, <, page->lines->len);
    return page->lines->pdata[i];
}

/* What was written is over: a line without its end counts. */
static void settle(const Place *place)
{
    const struct timespec long_ago[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};

    g_assert_cmpint(utimensat(AT_FDCWD, place->path, long_ago, 0), ==, 0);
}

/* --- trimming --- */

static void test_small_is_left_alone(Place *place, gconstpointer unused)
{
    put(place, "one\ntwo\n");

    LogTrimmed trimmed = trim(place, 0);
    g_auto(LogPage) page = read_page(place, -1, 10);

    g_assert_cmpint(trimmed.size, ==, 8);
    g_assert_false(trimmed.is_restarted);
    g_assert_cmpuint(page.lines->len, ==, 2);
}

static void test_size(Place *place, gconstpointer unused)
{
    put_numbered(place, 0, 20000); /* 2 MB */

    LogTrimmed trimmed = trim(place, 0);
    g_auto(LogPage) all = read_page(place, 0, 20000);
    g_auto(LogPage) end = read_page(place, -1, 1);

    g_assert_cmpint(used_bytes(place), <=, LIMIT);
    g_assert_cmpint(used_bytes(place), >, LIMIT / 2);
    g_assert_cmpint(trimmed.size, ==, trimmed.is_restarted ? trimmed.size : 2000000);
    g_assert_true(g_str_has_prefix(line_at(&end, 0), "019999 "));
    for (unsigned i = 0; i < all.lines->len; i++) {
        int number = 20000 - (int)all.lines->len + (int)i;
        g_autofree char *prefix = g_strdup_printf("%06d xx", number);

        g_assert_true(g_str_has_prefix(line_at(&all, i), prefix));
        g_assert_cmpuint(strlen(line_at(&all, i)), ==, 99);
    }
    g_assert_cmpuint(all.lines->len, >, 1000);
    if (!trimmed.is_restarted)
        g_assert_cmpint(all.skipped_bytes, ==, 2000000 - 100 * (int64_t)all.lines->len);
}

/* What is done is not done again: it would be news about the file, and looked at without end. */
static void test_trimmed_is_left_alone(Place *place, gconstpointer unused)
{
    struct stat before, after;

    put_numbered(place, 0, 20000);
    trim(place, 0);
    settle(place);
    g_assert_cmpint(stat(place->path, &before), ==, 0);
    trim(place, 0);
    trim(place, 1000000);
    g_assert_cmpint(stat(place->path, &after), ==, 0);
    g_assert_cmpint(before.st_mtim.tv_sec, ==, after.st_mtim.tv_sec);
}

static void test_age(Place *place, gconstpointer unused)
{
    put_numbered(place, 0, 1000);
    trim(place, 50000);

    g_auto(LogPage) page = read_page(place, 0, 2000);

    g_assert_cmpuint(page.lines->len, ==, 500);
    g_assert_true(g_str_has_prefix(line_at(&page, 0), "000500 "));
    trim(place, 100000);

    g_auto(LogPage) nothing = read_page(place, 0, 2000);

    g_assert_cmpuint(nothing.lines->len, ==, 0);
    g_assert_cmpint(nothing.next_offset, ==, 100000);
    trim(place, 200000); /* of a log that was longer */
    put(place, "less than a block\n");
    trim(place, 100018);

    g_auto(LogPage) gone = read_page(place, 0, 2000);

    g_assert_cmpuint(gone.lines->len, ==, 0);
    put(place, "still here\n");

    g_auto(LogPage) more = read_page(place, nothing.next_offset, 10);

    g_assert_cmpstr(line_at(&more, 0), ==, "still here");
}

static void *write_on(void *data)
{
    const Place *place = data;

    for (int i = 0; i < 200; i++)
        put_numbered(place, i * 200, 200);
    return NULL;
}

/* A reader who follows misses nothing but what the log tells to be gone, and gets no line twice. */
static void test_trimmed_while_written(Place *place, gconstpointer unused)
{
    GThread *writer = g_thread_new("writer", write_on, place);
    int64_t next = 0;
    int expected = 0;

    while (expected < 40000) {
        g_assert_false(trim(place, 0).is_restarted);

        g_auto(LogPage) page = read_page(place, next, 500);

        expected += (int)(page.skipped_bytes / 100);
        for (unsigned i = 0; i < page.lines->len; i++) {
            int number = (int)g_ascii_strtoll(line_at(&page, i), NULL, 10);

            g_assert_cmpuint(strlen(line_at(&page, i)), ==, 99);
            g_assert_cmpint(number, >=, expected); /* a hole came in between */
            expected = number + 1;
        }
        next = page.next_offset;
    }
    g_thread_join(writer);
    trim(place, 0);
    g_assert_cmpint(used_bytes(place), <=, LIMIT);
}

/* A writer who takes its descriptor for other things than writing. */
static void test_reserved_past_the_end(Place *place, gconstpointer unused)
{
    put(place, "first\nlast\n");
    if (fallocate(place->fd, FALLOC_FL_KEEP_SIZE, 0, 64 * LIMIT) < 0) {
        g_test_skip("the file system of the temporary directory cannot reserve space");
        return;
    }
    g_assert_cmpint(used_bytes(place), >, LIMIT);
    trim(place, 0);
    g_assert_cmpint(used_bytes(place), <=, LIMIT);

    g_auto(LogPage) page = read_page(place, -1, 1);

    g_assert_cmpstr(line_at(&page, 0), ==, "last");
}

static void test_size_beyond_reason(Place *place, gconstpointer unused)
{
    put(place, "lost\n");
    if (ftruncate(place->fd, INT64_C(3) << 40) < 0) {
        g_test_skip("the file system of the temporary directory has no such sizes");
        return;
    }
    put(place, "kept\n");
    g_assert_true(trim(place, 0).is_restarted);

    g_auto(LogPage) page = read_page(place, INT64_C(3) << 40, 10);

    g_assert_cmpstr(line_at(&page, page.lines->len - 1), ==, "kept");
    g_assert_cmpint(page.next_offset, <, 2 << 20);
}

/* --- reading --- */

static void test_tail(Place *place, gconstpointer unused)
{
    put(place, "one\n\nthree\nbroken \xff line\n");

    g_auto(LogPage) two = read_page(place, -1, 2);
    g_auto(LogPage) all = read_page(place, -1, 100);
    g_auto(LogPage) none = read_page(place, -1, 0);

    g_assert_cmpuint(two.lines->len, ==, 2);
    g_assert_cmpstr(line_at(&two, 0), ==, "three");
    g_assert_cmpstr(line_at(&two, 1), ==, "broken \357\277\275 line");
    g_assert_cmpuint(all.lines->len, ==, 4);
    g_assert_cmpstr(line_at(&all, 1), ==, "");
    g_assert_cmpuint(none.lines->len, ==, 0);
    g_assert_cmpint(none.next_offset, ==, two.next_offset);
}

static void test_follow(Place *place, gconstpointer unused)
{
    put(place, "one\ntwo\nthree\nfour, unfini");

    g_auto(LogPage) first = read_page(place, 0, 2);

    g_assert_cmpint(first.next_offset, ==, 8);

    g_auto(LogPage) second = read_page(place, 8, 2);

    g_assert_cmpuint(second.lines->len, ==, 1);
    g_assert_cmpint(second.next_offset, ==, 14);
    put(place, "shed\n");

    g_auto(LogPage) third = read_page(place, 14, 2);

    g_assert_cmpstr(line_at(&third, 0), ==, "four, unfinished");
    put(place, "no end");
    settle(place);

    g_auto(LogPage) last = read_page(place, third.next_offset, 2);

    g_assert_cmpstr(line_at(&last, 0), ==, "no end");

    g_auto(LogPage) anew = read_page(place, 1000, 1);

    g_assert_cmpstr(line_at(&anew, 0), ==, "one");
    g_assert_cmpint(anew.skipped_bytes, ==, 0);
}

static void test_long_lines(Place *place, gconstpointer unused)
{
    g_autofree char *filler = g_strnfill(3 << 20, 'x');

    put(place, filler);
    put(place, "\nshort\n");

    g_auto(LogPage) page = read_page(place, 0, 10);
    g_auto(LogPage) end = read_page(place, -1, 10);

    g_assert_cmpuint(page.lines->len, ==, 1);
    g_assert_cmpuint(strlen(line_at(&page, 0)), ==, LOG_LINE_MAX + strlen("…"));
    g_assert_cmpint(page.next_offset, ==, 1 << 20);
    g_assert_cmpuint(end.lines->len, ==, 1); /* without the end of the long one */
    g_assert_cmpstr(line_at(&end, 0), ==, "short");
}

static void test_zero_bytes(Place *place, gconstpointer unused)
{
    g_assert_cmpint(write(place->fd, "a\0b\n", 4), ==, 4);

    g_auto(LogPage) page = read_page(place, -1, 10);

    g_assert_true(g_utf8_validate(line_at(&page, 0), -1, NULL));
    g_assert_true(g_str_has_suffix(line_at(&page, 0), "b"));
}

/* --- what is no log --- */

static void assert_refused(const Place *place, ErrorCode code, const char *part)
{
    LogTrimmed trimmed;
    LogPage page = {0};
    g_autoptr(Error) read = log_file_read(place->path, &(LogQuery){-1, 10}, &page);
    g_autoptr(Error) trimming = log_file_trim(place->path, LIMIT, 0, &trimmed);

    g_assert_nonnull(read);
    g_assert_nonnull(trimming);
    g_assert_cmpint(read->code, ==, code);
    g_assert_cmpint(trimming->code, ==, code);
    g_assert_nonnull(strstr(read->message, part));
}

static void test_no_plain_file(Place *place, gconstpointer unused)
{
    g_autofree char *target = g_build_filename(place->dir, "target", NULL);

    g_assert_null(fs_write_file(target, "secret\n", NULL));
    g_assert_cmpint(g_unlink(place->path), ==, 0);
    assert_refused(place, ERR_NOT_FOUND, "does not exist");
    g_assert_cmpint(symlink(target, place->path), ==, 0);
    assert_refused(place, ERR_EXTERNAL, "is not a plain file");
    g_assert_cmpint(g_unlink(place->path), ==, 0);
    g_assert_cmpint(mkfifo(place->path, 0600), ==, 0);
    assert_refused(place, ERR_EXTERNAL, "is not a plain file");
    g_assert_cmpint(g_unlink(place->path), ==, 0);
    g_assert_cmpint(g_mkdir(place->path, 0700), ==, 0);
    assert_refused(place, ERR_EXTERNAL, "is not a plain file");
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*test)(Place *place, gconstpointer unused);
    } tests[] = {
        {"/log_file/trim/small", test_small_is_left_alone},
        {"/log_file/trim/size", test_size},
        {"/log_file/trim/again", test_trimmed_is_left_alone},
        {"/log_file/trim/age", test_age},
        {"/log_file/trim/while_written", test_trimmed_while_written},
        {"/log_file/trim/reserved", test_reserved_past_the_end},
        {"/log_file/trim/beyond_reason", test_size_beyond_reason},
        {"/log_file/read/tail", test_tail},
        {"/log_file/read/follow", test_follow},
        {"/log_file/read/long_lines", test_long_lines},
        {"/log_file/read/zero_bytes", test_zero_bytes},
        {"/log_file/no_plain_file", test_no_plain_file},
    };

    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].name, Place, NULL, set_up, tests[i].test, tear_down);
    return g_test_run();
}

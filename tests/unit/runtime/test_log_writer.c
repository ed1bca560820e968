/*
 * The process between a container's output and its log.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "runtime/log_writer.h"

#define MAX_BYTES (INT64_C(64) * 1024)

typedef struct Fixture {
    char *dir;
    char *log;
    LogWriters *writers;
    int out;
} Fixture;

static void set_up(Fixture *f, const void *data)
{
    f->dir = g_dir_make_tmp("writer-XXXXXX", NULL);
    f->log = g_build_filename(f->dir, "log", NULL);
    f->writers = log_writers_new(MAX_BYTES, f->dir, NULL);
    g_assert_null(log_writers_start(f->writers, "a", f->log, &f->out));
}

static void tear_down(Fixture *f, const void *data)
{
    log_writers_free(f->writers);
    g_assert_null(fs_remove_tree(f->dir));
    g_free(f->log);
    g_free(f->dir);
}

static void say(Fixture *f, const char *text)
{
    g_assert_cmpint(write(f->out, text, strlen(text)), ==, (ssize_t)strlen(text));
}

static void end(Fixture *f)
{
    g_assert_cmpint(close(f->out), ==, 0);
    log_writers_finish(f->writers, "a");
}

static void test_all_is_there_at_the_end(Fixture *f, const void *data)
{
    g_autofree char *text = NULL;
    struct stat st;

    say(f, "first\n");
    say(f, "last words\n");
    end(f);
    g_assert_null(fs_read_file(f->log, 1024, &text));
    g_assert_cmpstr(text, ==, "first\nlast words\n");
    g_assert_cmpint(stat(f->log, &st), ==, 0);
    g_assert_cmpint(st.st_mode & 07777, ==, 0600);
    log_writers_finish(f->writers, "a"); /* again is nothing */
}

/* What a clone has is no file: it can take no space with it, and no line of it away. */
static void test_the_log_is_out_of_reach(Fixture *f, const void *data)
{
    struct stat st;

    say(f, "said\n");
    g_assert_cmpint(fallocate(f->out, 0, 0, 1 << 20), ==, -1);
    g_assert_cmpint(ftruncate(f->out, 0), ==, -1);
    g_assert_cmpint(lseek(f->out, 1 << 20, SEEK_SET), ==, -1);
    end(f);
    g_assert_cmpint(stat(f->log, &st), ==, 0);
    g_assert_cmpint(st.st_size, ==, strlen("said\n"));
}

static void test_a_flood_is_bounded(Fixture *f, const void *data)
{
    g_autofree char *line = g_strnfill(4095, 'x');
    g_autofree char *end_of_log = NULL;
    struct stat st;

    line[4094] = '\n';
    for (int i = 0; i < 1000; i++)
        say(f, line);
    say(f, "the end\n");
    end(f);
    g_assert_cmpint(stat(f->log, &st), ==, 0);
    g_assert_cmpint(st.st_size, ==, 1000 * 4095 + (int)strlen("the end\n"));
    g_assert_cmpint(st.st_blocks * 512, <=, 4 * MAX_BYTES);
    g_assert_null(fs_read_end(f->log, strlen("the end\n"), &end_of_log));
    g_assert_cmpstr(end_of_log, ==, "the end\n");
}

static void test_start_again(Fixture *f, const void *data)
{
    g_autofree char *text = NULL;

    say(f, "1\n");
    end(f);
    g_assert_null(log_writers_start(f->writers, "a", f->log, &f->out));
    say(f, "2\n");
    end(f);
    g_assert_null(fs_read_file(f->log, 1024, &text));
    g_assert_cmpstr(text, ==, "1\n2\n");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/log-writer/all-is-there", Fixture, NULL, set_up, test_all_is_there_at_the_end,
               tear_down);
    g_test_add("/log-writer/out-of-reach", Fixture, NULL, set_up, test_the_log_is_out_of_reach,
               tear_down);
    g_test_add("/log-writer/flood", Fixture, NULL, set_up, test_a_flood_is_bounded, tear_down);
    g_test_add("/log-writer/again", Fixture, NULL, set_up, test_start_again, tear_down);
    return g_test_run();
}

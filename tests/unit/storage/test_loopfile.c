/*
 * Which programs are started, and what is undone when one fails. The contract suite does it for
 * real.
 */
#include "storage/loopfile.h"

#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/proc.h"

static char *dir;
static char *image;
static GString *started;     /* one line for each program */
static const char *fails_at; /* a word of the line of the program that fails; NULL = none */
static const char *devices;  /* what "losetup --associated" prints, the first time */

static const char *answer_to(const char *line)
{
    const char *answer = "";

    if (strstr(line, "--show"))
        answer = "/dev/loop7\n";
    if (strstr(line, "--associated")) {
        answer = devices;
        devices = "";
    }
    return answer;
}

static Error *play_program(const ProcSpec *spec, ProcResult *ret_result)
{
    g_autofree char *line = g_strjoinv(" ", (char **)(uintptr_t)spec->argv);

    g_string_append_printf(started, "%s\n", line);
    g_assert_cmpint(spec->timeout_ms, >, 0);
    if (fails_at && strstr(line, fails_at))
        return error_new(ERR_EXTERNAL, "program \"%s\" failed with status 1", spec->argv[0]);
    if (ret_result)
        *ret_result = (ProcResult){.output = g_strdup(answer_to(line)), .errors = g_strdup("")};
    return NULL;
}

static void setup(void)
{
    dir = g_dir_make_tmp("ramet-test-XXXXXX", NULL);
    image = g_build_filename(dir, "pool.img", NULL);
    started = g_string_new(NULL);
    fails_at = NULL;
    devices = "";
    proc_run_hook = play_program;
}

static void teardown(void)
{
    g_assert_null(fs_remove_tree(dir));
    g_string_free(started, TRUE);
    g_free(image);
    g_free(dir);
    proc_run_hook = NULL;
}

/* Lines with "IMAGE" for the image's path. */
static void assert_started(const char *expected)
{
    g_string_replace(started, image, "IMAGE", 0);
    g_assert_cmpstr(started->str, ==, expected);
}

static void assert_fails(Error *e, int code)
{
    g_assert_nonnull(e);
    g_assert_cmpint((int)e->code, ==, code);
    error_free(e);
}

#define LIST "losetup --associated IMAGE --noheadings --output NAME,AUTOCLEAR\n"

static const char *const format_argv[] = {"mkfs.some", "-q", NULL};

static void test_create(void)
{
    struct stat status;

    setup();
    g_assert_null(loopfile_create(image, 64 << 20, format_argv));
    assert_started("mkfs.some -q IMAGE\n");
    g_assert_cmpint(stat(image, &status), ==, 0);
    g_assert_cmpint(status.st_size, ==, 64 << 20);
    g_assert_cmpint(status.st_blocks, ==, 0);
    g_assert_cmpuint(status.st_mode & ALLPERMS, ==, 0600);
    assert_fails(loopfile_create(image, 64 << 20, format_argv), ERR_CONFLICT);
    g_assert_true(fs_exists(image));
    teardown();
}

static void test_failed_format_leaves_nothing(void)
{
    setup();
    fails_at = "mkfs";
    assert_fails(loopfile_create(image, 64 << 20, format_argv), ERR_EXTERNAL);
    g_assert_false(fs_exists(image));
    teardown();
}

static void test_mount(void)
{
    setup();
    g_assert_null(fs_write_file(image, "", NULL));
    g_assert_null(loopfile_mount(image, "/mnt/p"));
    assert_started(LIST "losetup --find --show --nooverlap --direct-io=on IMAGE\n"
                        "mount -o noatime /dev/loop7 /mnt/p\n"
                        "losetup --detach /dev/loop7\n");
    teardown();
}

static void test_mount_without_direct_io(void)
{
    setup();
    fails_at = "--direct-io";
    g_assert_null(fs_write_file(image, "", NULL));
    g_assert_null(loopfile_mount(image, "/mnt/p"));
    assert_started(LIST "losetup --find --show --nooverlap --direct-io=on IMAGE\n"
                        "losetup --find --show --nooverlap IMAGE\n"
                        "mount -o noatime /dev/loop7 /mnt/p\n"
                        "losetup --detach /dev/loop7\n");
    teardown();
}

static void test_failed_mount_detaches(void)
{
    setup();
    fails_at = "mount -o";
    g_assert_null(fs_write_file(image, "", NULL));
    assert_fails(loopfile_mount(image, "/mnt/p"), ERR_EXTERNAL);
    g_assert_true(g_str_has_suffix(started->str, "losetup --detach /dev/loop7\n"));
    teardown();
}

static void test_detach_what_a_killed_run_left(void)
{
    setup();
    g_assert_null(loopfile_detach(image));
    assert_started("");
    g_assert_null(fs_write_file(image, "", NULL));
    devices = "/dev/loop7          0\n";
    g_assert_null(loopfile_detach(image));
    assert_started(LIST "losetup --detach /dev/loop7\n" LIST);
    teardown();
}

static void test_wait_for_what_goes_by_itself(void)
{
    setup();
    g_assert_null(fs_write_file(image, "", NULL));
    devices = "/dev/loop7          1\n";
    g_assert_null(loopfile_detach(image));
    assert_started(LIST LIST);
    teardown();
}

static void test_not_mounted(void)
{
    setup();
    g_assert_true(loopfile_is_mounted("/proc"));
    g_assert_false(loopfile_is_mounted("/proc/self"));
    g_assert_false(loopfile_is_mounted(dir));
    g_assert_false(loopfile_is_mounted(image));
    teardown();
}

/* An image that promises more than its disk has. */
static void test_missing_bytes(void)
{
    uint64_t bytes = 1;

    setup();
    g_assert_null(fs_write_file(image, "small", NULL));
    g_assert_null(loopfile_missing_bytes(image, &bytes));
    g_assert_cmpuint(bytes, ==, 0);
    g_assert_cmpint(truncate(image, INT64_C(8) << 40), ==, 0);
    g_assert_null(loopfile_missing_bytes(image, &bytes));
    g_assert_cmpuint(bytes, >, 0);
    g_assert_cmpuint(bytes, <, UINT64_C(8) << 40);
    teardown();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/storage/loopfile/create", test_create);
    g_test_add_func("/storage/loopfile/failed-format-leaves-nothing",
                    test_failed_format_leaves_nothing);
    g_test_add_func("/storage/loopfile/mount", test_mount);
    g_test_add_func("/storage/loopfile/mount-without-direct-io", test_mount_without_direct_io);
    g_test_add_func("/storage/loopfile/failed-mount-detaches", test_failed_mount_detaches);
    g_test_add_func("/storage/loopfile/detach-what-a-killed-run-left",
                    test_detach_what_a_killed_run_left);
    g_test_add_func("/storage/loopfile/wait-for-what-goes-by-itself",
                    test_wait_for_what_goes_by_itself);
    g_test_add_func("/storage/loopfile/not-mounted", test_not_mounted);
    g_test_add_func("/storage/loopfile/missing-bytes", test_missing_bytes);
    return g_test_run();
}

/*
 * Log lines, read back from stderr.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"

static int saved_stderr;

static void capture(void)
{
    AUTO_FD file = memfd_create("stderr", MFD_CLOEXEC);

    saved_stderr = dup(STDERR_FILENO);
    g_assert_cmpint(dup2(file, STDERR_FILENO), ==, STDERR_FILENO);
}

/* All that was written to stderr since capture(). Caller frees. */
static char *captured(void)
{
    off_t size = lseek(STDERR_FILENO, 0, SEEK_END);
    char *text = g_malloc0((gsize)size + 1);

    g_assert_cmpint(pread(STDERR_FILENO, text, (size_t)size, 0), ==, size);
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    return text;
}

/* One line, checked for its time; returns what comes after the time. */
static const char *after_time(const char *text)
{
    static const char shape[] = "0000-00-00T00:00:00.000Z ";
    const size_t length = sizeof(shape) - 1;

    g_assert_cmpuint(strlen(text), >, length);
    for (size_t i = 0; i < length; i++)
        if (shape[i] == '0')
            g_assert_true(g_ascii_isdigit(text[i]));
        else
            g_assert_cmpint(text[i], ==, shape[i]);
    return text + length;
}

static void test_line(void)
{
    capture();
    log_info("clone created", "clone", "c1", "port", "6000");

    g_autofree char *text = captured();

    g_assert_cmpstr(after_time(text), ==, "info clone created clone=c1 port=6000\n");
}

static void test_broken_stderr(void)
{
    AUTO_FD unwritable = open("/dev/null", O_RDONLY | O_CLOEXEC);

    capture();
    dup2(unwritable, STDERR_FILENO);
    errno = ENOENT;
    log_info("lost");

    int err = errno;

    g_free(captured());
    g_assert_cmpint(err, ==, ENOENT);
}

static void assert_value(const char *value, const char *expected)
{
    capture();
    log_warn("t", "k", value);

    g_autofree char *text = captured();
    g_autofree char *line = g_strdup_printf("warn t k=%s\n", expected);

    g_assert_cmpstr(after_time(text), ==, line);
}

static void test_quoting(void)
{
    assert_value("plain/path-1:2", "plain/path-1:2");
    assert_value(NULL, "-");
    assert_value("", "\"\"");
    assert_value("two words", "\"two words\"");
    assert_value("a=b", "\"a=b\"");
    assert_value("say \"x\"", "\"say \\\"x\\\"\"");
    assert_value("back\\slash", "\"back\\\\slash\"");
    assert_value("a\nlevel=error", "\"a\\nlevel=error\"");
    assert_value("\x1b[31m\r", "\"\\033[31m\\r\"");
    assert_value("grün", "grün");
    assert_value("grün ist", "\"grün ist\"");
    assert_value("%s%n", "%s%n");
}

static void test_invalid_utf8(void)
{
    capture();
    log_error("t", "k", "a\xff\n");

    g_autofree char *text = captured();

    g_assert_true(g_utf8_validate(text, -1, NULL));
    g_assert_true(strchr(text, '\n') == text + strlen(text) - 1);
}

static void test_levels(void)
{
    capture();
    log_debug("hidden");
    log_set_level(LOG_LEVEL_ERROR);
    log_warn("hidden too");
    log_error("shown");
    log_set_level(LOG_LEVEL_DEBUG);
    log_debug("also shown");
    log_set_level(LOG_LEVEL_INFO);

    g_autofree char *text = captured();
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    g_assert_cmpuint(g_strv_length(lines), ==, 3);
    g_assert_cmpstr(after_time(lines[0]), ==, "error shown");
    g_assert_cmpstr(after_time(lines[1]), ==, "debug also shown");
}

static void test_failure(void)
{
    g_autoptr(Error) e = error_new(ERR_EXTERNAL, "program \"zfs\" failed with status 1");

    e = error_hint(error_detail(g_steal_pointer(&e), "line 1\nline 2"), "Do it.");
    capture();
    log_failure(LOG_LEVEL_ERROR, e, "clone failed", "clone", "c1", NULL);

    g_autofree char *text = captured();

    g_assert_cmpstr(after_time(text), ==,
                    "error clone failed clone=c1 code=EXTERNAL "
                    "error=\"program \\\"zfs\\\" failed with status 1\" "
                    "detail=\"line 1\\nline 2\" hint=\"Do it.\"\n");
}

static void test_ignored_error(void)
{
    capture();
    error_ignore(error_new(ERR_BUSY, "busy"), "tried again later");
    error_ignore(NULL, "nothing");

    g_autofree char *text = captured();

    g_assert_cmpstr(after_time(text), ==,
                    "warn error ignored why=\"tried again later\" code=BUSY error=busy\n");
}

static void test_secrets(void)
{
    log_add_secret("s3cr3t");
    log_add_secret("s3cr3t-and-longer");
    log_add_secret("s3cr3t");
    log_add_secret("quo\"te me");
    log_add_secret("abc"); /* too short to hide */
    log_add_secret("");
    log_add_secret(NULL);
    assert_value("s3cr3t", "********");
    assert_value("url=s3cr3t-and-longer@s3cr3t", "\"url=********@********\"");
    assert_value("quo\"te me", "********");
    assert_value("abc", "abc");

    g_autoptr(Error) e = error_detail(error_new(ERR_DENIED, "m s3cr3t"), "d s3cr3t");

    capture();
    log_failure(LOG_LEVEL_ERROR, e, "t", NULL);

    g_autofree char *text = captured();

    g_assert_null(strstr(text, "s3cr3t"));
}

static gpointer write_many(gpointer letter)
{
    g_autofree char *value = g_strnfill(200, (char)GPOINTER_TO_INT(letter));

    for (int i = 0; i < 500; i++)
        log_info("t", "k", value);
    return NULL;
}

static void test_threads(void)
{
    GThread *threads[4];

    capture();
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("log", write_many, GINT_TO_POINTER((int)("abcd"[i])));
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);

    g_autofree char *text = captured();
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    g_assert_cmpuint(g_strv_length(lines), ==, 4 * 500 + 1);
    for (size_t i = 0; i < 4 * 500; i++) {
        const char *value = strstr(after_time(lines[i]), "k=") + 2;
        const char letter[] = {*value, '\0'};

        g_assert_cmpuint(strlen(value), ==, 200);
        g_assert_cmpuint(strspn(value, letter), ==, 200);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/log/line", test_line);
    g_test_add_func("/log/broken-stderr", test_broken_stderr);
    g_test_add_func("/log/quoting", test_quoting);
    g_test_add_func("/log/invalid-utf8", test_invalid_utf8);
    g_test_add_func("/log/levels", test_levels);
    g_test_add_func("/log/failure", test_failure);
    g_test_add_func("/log/ignored-error", test_ignored_error);
    g_test_add_func("/log/secrets", test_secrets);
    g_test_add_func("/log/threads", test_threads);
    return g_test_run();
}

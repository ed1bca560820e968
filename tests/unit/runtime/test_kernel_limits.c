/*
 * What one container could take for all.
 */
#include "runtime/kernel_limits.h"

#include "base/fs.h"

#define MEMORY (UINT64_C(24) << 30)

typedef struct Fixture {
    char *proc_sys;
} Fixture;

static void must(Error *e)
{
    if (e)
        g_error("%s", e->message);
}

static void set(Fixture *f, const char *file, const char *text)
{
    g_autofree char *path = g_build_filename(f->proc_sys, file, NULL);
    g_autofree char *dir = g_path_get_dirname(path);

    must(fs_make_dir(dir, 0700, NULL));
    must(fs_write_file(path, text, NULL));
}

static void set_up(Fixture *f, const void *unused)
{
    f->proc_sys = g_dir_make_tmp("ramet-kernel-XXXXXX", NULL);
    set(f, "fs/file-max", "9223372036854775807\n");
    set(f, "fs/pipe-user-pages-hard", "0\n");
}

static void tear_down(Fixture *f, const void *unused)
{
    must(fs_remove_tree(f->proc_sys));
    g_free(f->proc_sys);
}

/* "name=needed …" of those that are low. */
static char *low(Fixture *f)
{
    g_autoptr(GPtrArray) limits = kernel_limits_low(f->proc_sys, MEMORY);
    GString *text = g_string_new("");

    for (unsigned i = 0; i < limits->len; i++) {
        const KernelLimit *limit = limits->pdata[i];

        g_assert_cmpuint(limit->value, <, limit->needed);
        g_string_append_printf(text, "%s=%" G_GUINT64_FORMAT " ", limit->name, limit->needed);
    }
    return g_string_free(text, FALSE);
}

typedef struct Case {
    const char *name, *file, *text, *low;
} Case;

static const Case cases[] = {
    {"missing", "fs/other", "1\n", ""},
    {"no-number", "fs/epoll/max_user_watches", "many\n", ""},
    /* 4 % of 24 GiB, as the kernel sets it */
    {"as-it-comes", "fs/epoll/max_user_watches", "5491489\n",
     "fs.epoll.max_user_watches=201326592 "},
    {"one-less", "fs/epoll/max_user_watches", "201326591\n",
     "fs.epoll.max_user_watches=201326592 "},
    {"enough", "fs/epoll/max_user_watches", "201326592\n", ""},
    {"all", "fs/epoll/max_user_watches", "9223372036854775807\n", ""},
    {"files", "fs/file-max", "2466160\n", "fs.file-max=201326592 "},
    {"old-files", "fs/file-max", "18446744073709551615\n", ""},
    {"pipes", "fs/pipe-user-pages-hard", "16384\n", "fs.pipe-user-pages-hard=6291456 "},
};

static void test_case(Fixture *f, const void *data)
{
    const Case *test = data;

    set(f, test->file, test->text);
    g_autofree char *found = low(f);
    g_assert_cmpstr(found, ==, test->low);
}

/* What is installed is enough for any machine. */
static void test_installed(Fixture *f, const void *unused)
{
    g_autofree char *text = NULL;

    must(fs_read_file(g_getenv("RAMET_SYSCTL_FILE"), 65536, &text));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        g_auto(GStrv) sides = g_strsplit(*line, " = ", 2);

        if (**line == '#' || g_strv_length(sides) != 2)
            continue;
        g_autofree char *file = g_strdelimit(g_strdup(sides[0]), ".", '/');
        set(f, file, sides[1]);
    }
    g_autoptr(GPtrArray) limits = kernel_limits_low(f->proc_sys, UINT64_C(1) << 60);
    g_assert_cmpuint(limits->len, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strconcat("/kernel-limits/", cases[i].name, NULL);
        g_test_add(path, Fixture, &cases[i], set_up, test_case, tear_down);
    }
    g_test_add("/kernel-limits/installed", Fixture, NULL, set_up, test_installed, tear_down);
    return g_test_run();
}

/*
 * What a container of an image says about the PostgreSQL in it.
 */
#include "postgres/image_probe.h"

#include <string.h>

#include "postgres/installation.h"

static void test_two_majors(void)
{
    static const char text[] = "bin /usr/lib/postgresql/16/bin\n"
                               "version postgres (PostgreSQL) 16.4 (Debian 16.4-1)\n"
                               "extension hypopg\n"
                               "bin /usr/local/bin\n"
                               "version postgres (PostgreSQL) 15.2\n";
    g_autoptr(GPtrArray) list = NULL;
    g_autoptr(Installation) found = NULL;

    g_assert_null(image_probe_parse("an/image:1", text, &list));
    g_assert_cmpuint(list->len, ==, 2);
    g_assert_cmpint(((Installation *)list->pdata[0])->major, ==, 15);
    g_assert_null(installation_choose(list, 16, false, &found));
    g_assert_cmpstr(found->bin_dir, ==, "/usr/lib/postgresql/16/bin");
    g_assert_cmpstr(found->image, ==, "an/image:1");
    g_assert_true(installation_has_extension(found, "hypopg"));
    g_assert_false(installation_has_extension(found, "postgis"));
}

static void test_missing_major(void)
{
    g_autoptr(GPtrArray) list = NULL;
    g_autoptr(Installation) found = NULL;

    g_assert_null(image_probe_parse("an/image:1",
                                    "bin /usr/bin\nversion postgres (PostgreSQL) 15.2\n", &list));

    g_autoptr(Error) e = installation_choose(list, 17, true, &found);

    g_assert_cmpint(e->code, ==, ERR_NOT_FOUND);
    g_assert_cmpstr(e->message, ==, "PostgreSQL 17 or newer is not in image \"an/image:1\"");
    g_assert_nonnull(strstr(e->detail, "15 in /usr/bin"));
}

static void test_refused(void)
{
    static const struct {
        const char *text;
        ErrorCode code;
        const char *words;
    } cases[] = {
        {"", ERR_NOT_FOUND, "no PostgreSQL is in image \"i\""},
        {"sh: not found\n", ERR_EXTERNAL, "sh: not found"},
        {"version postgres (PostgreSQL) 15.2\n", ERR_EXTERNAL, "it said"},
        {"bin /b\nversion \n", ERR_EXTERNAL, "it tells no version"},
        {"bin /b\nversion postgres (PostgreSQL) 8.4\n", ERR_INVALID, "not supported"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GPtrArray) list = NULL;
        g_autoptr(Error) e = image_probe_parse("i", cases[i].text, &list);

        g_assert_nonnull(e);
        g_assert_cmpint(e->code, ==, cases[i].code);
        g_assert_nonnull(strstr(e->message, cases[i].words));
        g_assert_null(list);
    }
}

/* It is a script for any shell: it runs here as it does in an image. */
static void test_script(void)
{
    g_autoptr(GPtrArray) list = NULL;
    g_auto(ProcResult) result = {0};
    const ProcSpec spec = {.argv = image_probe_argv, .timeout_ms = 60000};

    g_assert_null(proc_run(&spec, &result));
    if (!*result.output) {
        g_test_skip("no PostgreSQL is installed here");
        return;
    }
    g_assert_null(image_probe_parse("here", result.output, &list));
    g_assert_cmpuint(list->len, >, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/image-probe/two-majors", test_two_majors);
    g_test_add_func("/image-probe/missing-major", test_missing_major);
    g_test_add_func("/image-probe/refused", test_refused);
    g_test_add_func("/image-probe/script", test_script);
    return g_test_run();
}

/*
 * docs/configuration.md is what the table says today.
 */
#include <glib.h>
#include <string.h>

#include "config/options.h"
#include "config/read.h"

static void test_file_is_fresh(void)
{
    g_autofree char *path = g_build_filename(SOURCE_DIR, "docs", "configuration.md", NULL);
    g_autofree char *reference = config_reference();
    g_autofree char *file = NULL;
    g_autoptr(GError) failure = NULL;

    g_file_get_contents(path, &file, NULL, &failure);
    g_assert_no_error(failure);
    if (strcmp(file, reference) != 0)
        g_error("docs/configuration.md is stale: rametd --config-reference > "
                "docs/configuration.md");
}

static void test_every_option_is_there(void)
{
    g_autofree char *reference = config_reference();

    for (size_t i = 0; i < options_count; i++) {
        g_autofree char *row = g_strdup_printf("\n| `%s` |", options_table[i].path);
        g_autofree char *heading = g_strdup_printf("\n## %s\n", options_table[i].path);
        g_test_message("%s", options_table[i].path);
        g_assert_true(strstr(reference, row) || strstr(reference, heading));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/config/reference/fresh", test_file_is_fresh);
    g_test_add_func("/config/reference/complete", test_every_option_is_there);
    return g_test_run();
}

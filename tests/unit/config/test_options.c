/*
 * The table is sound: every row says what it is, and every field of Config has one row.
 */
#include "config/options.h"

#include <glib.h>
#include <string.h>

#include "config/config.h"
#include "config/scalar.h"

static const size_t type_sizes[] = {
    [OPTION_STRING] = sizeof(char *),
    [OPTION_INT] = sizeof(int64_t),
    [OPTION_BOOL] = sizeof(bool),
    [OPTION_LIST] = sizeof(json_t *),
    [OPTION_MAP] = sizeof(json_t *),
    [OPTION_DATABASES] = sizeof(json_t *),
    [OPTION_SECTION] = 0,
    [OPTION_ANYTHING] = 0,
};

static void test_rows(void)
{
    for (size_t i = 0; i < options_count; i++) {
        const Option *option = &options_table[i];
        bool is_number = option->type == OPTION_INT;

        g_test_message("%s", option->path);
        g_assert_nonnull(option->help);
        g_assert_cmpuint(strlen(option->help), >, 8);
        g_assert_true(g_str_has_suffix(option->help, "."));
        g_assert_true(options_find(option->path) == option); /* no path twice */
        g_assert_cmpint(is_number, ==, option->min < option->max);
        g_assert_true(is_number || !option->unit);
        g_assert_true(option->type == OPTION_STRING || !option->choices);
        g_assert_true(option->type == OPTION_STRING || !(option->flags & OPTION_EXPANDS));
    }
}

/* Every default would be accepted from the file. */
static void test_defaults(void)
{
    for (size_t i = 0; i < options_count; i++) {
        const Option *option = &options_table[i];
        const char *fallback = option->fallback;

        g_test_message("%s", option->path);
        if (option->type == OPTION_INT) {
            json_auto_t *value = scalar_to_json(fallback ? fallback : "0", true);
            g_assert_true(json_is_integer(value));
            g_assert_cmpint(json_integer_value(value), >=, option->min);
            g_assert_cmpint(json_integer_value(value), <=, option->max);
        } else if (option->type != OPTION_STRING) {
            g_assert_null(fallback);
        } else if (option->choices && fallback) {
            g_assert_true(g_strv_contains(option->choices, fallback));
        }
    }
}

/*
 * Types themselves are checked by the compiler; here: within Config, and no two rows on one field.
 */
static void test_offsets(void)
{
    bool is_taken[sizeof(Config)] = {false};

    for (size_t i = 0; i < options_count; i++) {
        const Option *option = &options_table[i];
        if (option->offset == OPTION_NOT_STORED)
            continue;
        g_test_message("%s", option->path);
        g_assert_cmpuint(type_sizes[option->type], >, 0);
        g_assert_cmpuint(option->offset + type_sizes[option->type], <=, sizeof(Config));
        for (size_t byte = 0; byte < type_sizes[option->type]; byte++) {
            g_assert_false(is_taken[option->offset + byte]);
            is_taken[option->offset + byte] = true;
        }
    }
}

static void test_secrets(void)
{
    static const char *const paths[] = {
        "server.verificationToken",
        "platform.accessToken",
        "platform.orgKey",
        "webhooks.hooks[].secret",
        "retrieval.spec.logicalDump.options.source.connection.password",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++)
        g_assert_true(options_find(paths[i])->flags & OPTION_SECRET);
}

static void test_built(void)
{
    g_assert_true(options_is_built(options_find("server.port")));
    g_assert_false(options_is_built(options_find("platform.url")));
    g_assert_false(options_is_built(options_find("webhooks.hooks[].url")));
    g_assert_false(options_is_built(options_find("provision.useSudo")));
    g_assert_false(
        options_is_built(options_find("retrieval.spec.physicalRestore.options.walg.backupName")));
    g_assert_true(
        options_is_built(options_find("retrieval.spec.logicalRestore.options.parallelJobs")));
}

static void test_names(void)
{
    g_auto(GStrv) top = options_names("");
    g_auto(GStrv) server = options_names("server");

    g_assert_true(g_strv_contains((const char *const *)top, "poolManager"));
    g_assert_true(g_strv_contains((const char *const *)server, "port"));
    g_assert_false(g_strv_contains((const char *const *)server, "from"));
    g_assert_true(options_has_parts("webhooks.hooks", "[]"));
    g_assert_false(options_has_parts("server.port", "."));
    g_assert_null(options_find("server.nothing"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/config/options/rows", test_rows);
    g_test_add_func("/config/options/defaults", test_defaults);
    g_test_add_func("/config/options/offsets", test_offsets);
    g_test_add_func("/config/options/secrets", test_secrets);
    g_test_add_func("/config/options/built", test_built);
    g_test_add_func("/config/options/names", test_names);
    return g_test_run();
}

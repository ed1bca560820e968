/*
 * The table of commands against its own rules, and the texts made from it.
 */
#include <glib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/completion.h"
#include "cli/help.h"

static void test_rows(void)
{
    for (const Command *command = commands; command->name; command++) {
        g_assert_true(command_find(command->name) == command); /* each name once */
        g_assert_nonnull(command->summary);
        g_assert_cmpint(command->argument_kind == ARGUMENT_NONE, ==, command->argument == NULL);
        if (strchr(command->name, ' ')) {
            g_autofree char *group =
                g_strndup(command->name, (size_t)(strchr(command->name, ' ') - command->name));

            g_assert_nonnull(command_find(group));
            g_assert_true(command_is_group(command_find(group)));
        }
    }
}

/* An option of one name takes a value everywhere or nowhere: completion counts on it. */
static void test_options_agree(void)
{
    for (const Command *command = commands; command->name; command++) {
        for (const Option *option = command->options; option && option->name; option++) {
            const Option *global = option_find(NULL, option->name);

            g_assert_nonnull(option->help);
            g_assert_cmpint(option_has_value(option), ==, option->value_name != NULL);
            for (const Command *other = commands; other->name; other++) {
                const Option *same = option_find(other, option->name);

                g_assert_true(!same || same->kind == option->kind);
            }
            if (global)
                g_assert_cmpint(global->letter, ==, option->letter);
        }
    }
}

static void test_usage(void)
{
    static const struct {
        const char *name;
        const char *usage;
    } rows[] = {
        {"clone", "clone COMMAND [options]"},
        {"clone list", "clone list [options]"},
        {"clone reset", "clone reset [options] CLONE_ID"},
        {"config view", "config view [options] [ENVIRONMENT_ID]"},
        {"help", "help [options] [COMMAND...]"},
        {"psql", "psql [options] CLONE_ID [-- PSQL_ARGUMENT...]"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *usage = command_usage(command_find(rows[i].name));

        g_assert_cmpstr(usage, ==, rows[i].usage);
    }
}

static void assert_contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        g_test_message("missing \"%s\" in:\n%s", part, text);
    g_assert_nonnull(strstr(text, part));
}

static void test_help(void)
{
    g_autofree char *root = help_format(NULL);
    g_autofree char *group = help_format(command_find("snapshot"));
    g_autofree char *leaf = help_format(command_find("clone create"));

    assert_contains(root, "Usage: ramet [options] COMMAND");
    assert_contains(root, "  doctor      ");
    assert_contains(root, "-o, --output json|table");
    g_assert_null(strstr(root, "  ids "));
    assert_contains(group, "Usage: ramet snapshot COMMAND");
    assert_contains(group, "  delete  delete a snapshot\n");
    assert_contains(leaf, "Usage: ramet clone create [options]");
    assert_contains(leaf, "-p, --protected[=TIME]");
}

static void test_markdown(void)
{
    g_autofree char *page = help_format_markdown();

    for (const Command *command = commands; command->name; command++) {
        g_autofree char *title = g_strdup_printf("\n### ramet %s\n", command->name);
        bool is_there = strstr(page, title) != NULL;

        g_assert_cmpint(is_there, ==, !command->is_hidden && !command_is_group(command));
    }
    assert_contains(page, "| 3 | the clone, snapshot,");
    g_assert_null(strstr(page, "--markdown` |"));
}

static void test_completion(void)
{
    static const char *const shells[] = {"bash", "zsh"};

    for (size_t i = 0; i < G_N_ELEMENTS(shells); i++) {
        g_autofree char *script = NULL;
        Error *e = completion_format(shells[i], &script);

        g_assert_null(e);
        for (const Command *command = commands; command->name; command++) {
            g_autofree char *name = g_strdup_printf("\"%s\"", command->name);

            if (command_find("help") != command)
                assert_contains(script, name);
        }
        assert_contains(script, "--extra-config");
        assert_contains(script, "ramet ids snapshots");
        g_assert_null(strstr(script, "--markdown"));
    }
}

static void test_completion_unknown_shell(void)
{
    char *script = NULL;
    g_autoptr(Error) e = completion_format("fish", &script);

    g_assert_nonnull(e);
    g_assert_cmpint(e->code, ==, ERR_INVALID);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/commands/rows", test_rows);
    g_test_add_func("/commands/options_agree", test_options_agree);
    g_test_add_func("/commands/usage", test_usage);
    g_test_add_func("/commands/help", test_help);
    g_test_add_func("/commands/markdown", test_markdown);
    g_test_add_func("/commands/completion", test_completion);
    g_test_add_func("/commands/completion_unknown_shell", test_completion_unknown_shell);
    return g_test_run();
}

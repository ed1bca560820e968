/*
 * The parser of command lines, against the real table of commands.
 */
#include <glib.h>

#include "cli/args.h"

/* Parses "clone create --id x" split at blanks. */
static Error *parse_line(const char *line, Args **ret_args)
{
    g_auto(GStrv) words = g_strsplit(line, " ", -1);

    if (*line == '\0')
        g_clear_pointer(&words[0], g_free);
    return args_parse((const char *const *)words, ret_args);
}

static Args *parse_good(const char *line)
{
    Args *args = NULL;
    g_autoptr(Error) e = parse_line(line, &args);

    if (e)
        g_test_message("%s: %s", line, e->message);
    g_assert_null(e);
    return args;
}

static void assert_refused(const char *line, const char *message, const char *hint)
{
    Args *args = NULL;
    g_autoptr(Error) e = parse_line(line, &args);

    g_assert_nonnull(e);
    g_assert_null(args);
    g_assert_cmpint(e->code, ==, ERR_INVALID);
    g_assert_cmpstr(e->message, ==, message);
    if (hint)
        g_assert_cmpstr(e->hint, ==, hint);
}

static void test_command(void)
{
    g_autoptr(Args) leaf = parse_good("clone list");
    g_autoptr(Args) group = parse_good("clone");
    g_autoptr(Args) nothing = parse_good("");

    g_assert_cmpstr(leaf->command->name, ==, "clone list");
    g_assert_true(command_is_group(group->command));
    g_assert_null(nothing->command);
}

static void test_unknown_command(void)
{
    assert_refused("clon list", "command \"clon\" not found", "Did you mean \"clone\"?");
    assert_refused("clone stauts", "command \"clone stauts\" not found",
                   "Did you mean \"clone status\"?");
    assert_refused("frobnicate", "command \"frobnicate\" not found", "See \"ramet help\".");
}

static void test_options_anywhere(void)
{
    static const char *const lines[] = {
        "clone reset c1 --snapshot-id s --async", "clone reset --snapshot-id=s -a c1",
        "clone reset --async=true c1 -snapshot-id s", "clone reset -a --snapshot-id s -- c1"};

    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autoptr(Args) args = parse_good(lines[i]);

        g_assert_cmpstr(args_argument(args), ==, "c1");
        g_assert_cmpstr(args_text(args, "snapshot-id"), ==, "s");
        g_assert_true(args_flag(args, "async"));
        g_assert_false(args_flag(args, "latest"));
    }
}

static void test_global_before_command(void)
{
    g_autoptr(Args) args = parse_good("--url u --token t clone list -o json");

    g_assert_cmpstr(args_text(args, "url"), ==, "u");
    g_assert_cmpstr(args_text(args, "token"), ==, "t");
    g_assert_cmpstr(args_text(args, "output"), ==, "json");
}

static void test_unknown_option(void)
{
    assert_refused("clone list --tokem x", "unknown option \"--tokem\"",
                   "Did you mean \"--token\"?");
    assert_refused("clone list --async", "unknown option \"--async\"", NULL);
    assert_refused("psql c1 -c x", "unknown option \"-c\"", "Put psql's own options after \"--\".");
}

static void test_bad_values(void)
{
    assert_refused("clone list --url", "option \"--url\" needs a value", NULL);
    assert_refused("clone list -o yaml", "option \"--output\": it must be one of json|table", NULL);
    assert_refused("clone destroy c1 --async=maybe",
                   "option \"--async\": \"maybe\" is neither true nor false", NULL);
}

static void test_arguments(void)
{
    assert_refused("clone status", "CLONE_ID argument is required",
                   "See \"ramet help clone status\".");
    assert_refused("snapshot delete", "SNAPSHOT_ID argument is required", NULL);
    assert_refused("config switch", "ENVIRONMENT_ID argument is required", NULL);
    assert_refused("clone status a b", "unexpected argument \"b\"", NULL);
    assert_refused("clone list a", "unexpected argument \"a\"", NULL);
    assert_refused("clone create", "required option \"--username\" is not set",
                   "See \"ramet help clone create\".");
}

/* The value may be left out, and does not swallow the clone's id. */
static void test_protection(void)
{
    static const struct {
        const char *line;
        const char *value;
    } rows[] = {
        {"clone update --protected c1", "true"},
        {"clone update c1 --protected", "true"},
        {"clone update --protected false c1", "false"},
        {"clone update -p 2h c1", "2h"},
        {"clone update c1 -p 30", "30"},
        {"clone update c1 -p=7d", "7d"},
        {"clone update --protected= c1", ""},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Args) args = parse_good(rows[i].line);

        g_assert_cmpstr(args_argument(args), ==, "c1");
        g_assert_cmpstr(args_text(args, "protected"), ==, rows[i].value);
    }
    assert_refused("clone create --username u --protected soon",
                   "invalid --protected value: \"soon\" (use 'true', 'false', minutes, or duration "
                   "like 30m/2h/7d)",
                   NULL);
}

static void test_lists(void)
{
    g_autoptr(Args) args =
        parse_good("clone create --username u --extra-config a=1 --extra-config b=2,c=3");
    const GPtrArray *list = args_list(args, "extra-config");

    g_assert_cmpuint(list->len, ==, 2);
    g_assert_cmpstr(list->pdata[0], ==, "a=1");
    g_assert_cmpstr(list->pdata[1], ==, "b=2,c=3");
}

static void test_passthrough(void)
{
    g_autoptr(Args) args = parse_good("psql c1 -- -c select --url");

    g_assert_cmpstr(args_argument(args), ==, "c1");
    g_assert_cmpuint(args->passthrough->len, ==, 3);
    g_assert_cmpstr(args->passthrough->pdata[2], ==, "--url");
    g_assert_null(args_text(args, "url"));
}

static void test_help(void)
{
    g_autoptr(Args) option = parse_good("clone create --help");
    g_autoptr(Args) word = parse_good("clone help create");

    g_assert_true(option->wants_help);
    g_assert_true(word->wants_help);
    g_assert_cmpstr(word->command->name, ==, "clone create");
}

static void test_environment(void)
{
    g_setenv("DBLAB_INSTANCE_URL", "theirs", TRUE);
    g_setenv("DBLAB_VERIFICATION_TOKEN", "token", TRUE);
    g_setenv("RAMET_INSTANCE_URL", "ours", TRUE);
    {
        g_autoptr(Args) args = parse_good("clone list");
        g_autoptr(Args) given = parse_good("clone list --url given");

        g_assert_cmpstr(args_text(args, "url"), ==, "ours");
        g_assert_cmpstr(args_text(args, "token"), ==, "token");
        g_assert_cmpstr(args_text(given, "url"), ==, "given");
    }
    /* init writes what it is told, not what happens to be set */
    assert_refused("init --environment-id e", "required option \"--url\" is not set", NULL);
    g_unsetenv("DBLAB_INSTANCE_URL");
    g_unsetenv("DBLAB_VERIFICATION_TOKEN");
    g_unsetenv("RAMET_INSTANCE_URL");
}

static void test_bad_environment(void)
{
    g_setenv("DBLAB_INSECURE_SKIP_VERIFY", "perhaps", TRUE);
    assert_refused("clone list",
                   "environment variable \"DBLAB_INSECURE_SKIP_VERIFY\": option \"--insecure\": "
                   "\"perhaps\" is neither true nor false",
                   NULL);
    g_unsetenv("DBLAB_INSECURE_SKIP_VERIFY");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/args/command", test_command);
    g_test_add_func("/args/unknown_command", test_unknown_command);
    g_test_add_func("/args/options_anywhere", test_options_anywhere);
    g_test_add_func("/args/global_before_command", test_global_before_command);
    g_test_add_func("/args/unknown_option", test_unknown_option);
    g_test_add_func("/args/bad_values", test_bad_values);
    g_test_add_func("/args/arguments", test_arguments);
    g_test_add_func("/args/protection", test_protection);
    g_test_add_func("/args/lists", test_lists);
    g_test_add_func("/args/passthrough", test_passthrough);
    g_test_add_func("/args/help", test_help);
    g_test_add_func("/args/environment", test_environment);
    g_test_add_func("/args/bad_environment", test_bad_environment);
    return g_test_run();
}

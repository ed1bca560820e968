/*
 * The command line of rametd: which command a line means, and what is said of a wrong one.
 */
#include "server/options.h"

#include <string.h>

#include "server/commands.h"

/* --- the commands, which nobody runs here --- */

#define A_COMMAND(name)                                                                            \
    Error *name(const Config *config, const ServerOptions *options)                                \
    {                                                                                              \
        return error_new(ERR_BUG, #name);                                                          \
    }

A_COMMAND(command_pool_create)
A_COMMAND(command_pool_list)
A_COMMAND(command_pool_check)
A_COMMAND(command_pool_grow)
A_COMMAND(command_pool_destroy)
A_COMMAND(command_store_accept)
A_COMMAND(command_doctor)
A_COMMAND(command_check_config)
A_COMMAND(command_config_reference)
A_COMMAND(command_version)

static Error *read_line(const char *line, ServerOptions *options)
{
    g_autofree char *whole = g_strconcat("rametd ", line, NULL);
    g_auto(GStrv) words = g_strsplit(whole, " ", -1);
    g_autofree char **argv = g_memdup2(words, (g_strv_length(words) + 1) * sizeof *words);
    char **left = argv;
    int argc = (int)g_strv_length(words);

    if (!*line)
        argc = 1;
    return options_read(&argc, &left, options);
}

static void test_commands(void)
{
    static const struct {
        const char *line;
        ServerCommand command;
        bool needs_config;
    } cases[] = {
        {"", NULL, true},
        {"-c x.yml", NULL, true},
        {"--doctor", command_doctor, true},
        {"--check-config", command_check_config, true},
        {"--config-reference", command_config_reference, false},
        {"--version", command_version, false},
        {"pool create p --driver btrfs --image i --size 10G", command_pool_create, true},
        {"pool list -o json", command_pool_list, true},
        {"pool check p", command_pool_check, true},
        {"pool grow p --size 20G", command_pool_grow, true},
        {"pool destroy p --force", command_pool_destroy, true},
        {"--config x.yml store accept", command_store_accept, true},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(ServerOptions) options = {0};
        g_autoptr(Error) e = read_line(cases[i].line, &options);

        g_assert_null(e);
        g_assert_true(options.command == cases[i].command);
        g_assert_cmpint(options.needs_config, ==, cases[i].needs_config);
    }
}

static void test_values(void)
{
    g_auto(ServerOptions) options = {0};
    g_auto(ServerOptions) plain = {0};
    g_autoptr(Error) e =
        read_line("-c x.yml pool create p --driver lvm --device d --force -o json", &options);
    g_autoptr(Error) other = read_line("", &plain);

    g_assert_null(e);
    g_assert_null(other);
    g_assert_cmpstr(options.config_path, ==, "x.yml");
    g_assert_cmpstr(options.words[2], ==, "p");
    g_assert_cmpstr(options.driver, ==, "lvm");
    g_assert_cmpstr(options.device, ==, "d");
    g_assert_cmpstr(options.output, ==, "json");
    g_assert_true(options.force);
    g_assert_cmpstr(plain.config_path, ==, "/etc/ramet/server.yml");
    g_assert_null(plain.driver);
}

static void test_wrong(void)
{
    static const struct {
        const char *line, *message, *hint;
    } cases[] = {
        {"--nonsense", "--nonsense", "rametd --help"},
        {"--config", "--config", "rametd --help"},
        {"serve", "unknown command \"serve\"", "pool create NAME"},
        {"pool", "unknown command \"pool\"", "pool list"},
        {"pool paint", "unknown command \"pool paint\"", "pool grow"},
        {"store", "unknown command \"store\"", "store accept"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(ServerOptions) options = {0};
        g_autoptr(Error) e = read_line(cases[i].line, &options);

        g_test_message("%s", cases[i].line);
        g_assert_nonnull(e);
        g_assert_cmpint(e->code, ==, ERR_INVALID);
        g_assert_nonnull(strstr(e->message, cases[i].message));
        g_assert_nonnull(strstr(e->hint, cases[i].hint));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/options/commands", test_commands);
    g_test_add_func("/options/values", test_values);
    g_test_add_func("/options/wrong", test_wrong);
    return g_test_run();
}

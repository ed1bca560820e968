/*
 * The command line of rametd: options by GLib, commands by a table.
 */
#include "server/options.h"

#include "server/commands.h"

typedef struct CommandRow {
    const char *words[2];
    ServerCommand command;
    const char *help;
} CommandRow;

static const CommandRow command_rows[] = {
    {{"pool", "create"},
     command_pool_create,
     "pool create NAME --driver btrfs|lvm|overlay|reflink|zfs "
     "[--image FILE --size 10G | --device DEVICE]"},
    {{"pool", "list"}, command_pool_list, "pool list [-o json]"},
    {{"pool", "check"}, command_pool_check, "pool check NAME"},
    {{"pool", "grow"}, command_pool_grow, "pool grow NAME --size 20G"},
    {{"pool", "destroy"}, command_pool_destroy, "pool destroy NAME [--force]"},
    {{"store", "accept"}, command_store_accept, "store accept"},
};

void server_options_clear(ServerOptions *options)
{
    g_free(options->config_path);
    g_strfreev(options->words);
    g_free(options->driver);
    g_free(options->image);
    g_free(options->device);
    g_free(options->size);
    g_free(options->output);
}

static char *options_command_lines(void)
{
    GString *lines = g_string_new("Commands, beside the server itself:\n");

    for (size_t i = 0; i < G_N_ELEMENTS(command_rows); i++)
        g_string_append_printf(lines, "  rametd %s\n", command_rows[i].help);
    return g_string_free(lines, FALSE);
}

static Error *options_find_command(ServerOptions *options)
{
    g_autoptr(GString) known = g_string_new(NULL);

    if (!options->words || !options->words[0])
        return NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(command_rows); i++) {
        const CommandRow *row = &command_rows[i];
        if (g_str_equal(options->words[0], row->words[0]) &&
            g_strcmp0(options->words[1], row->words[1]) == 0) {
            options->command = row->command;
            return NULL;
        }
        g_string_append_printf(known, "%srametd --config FILE %s", i ? "; " : "", row->help);
    }
    return error_hint(error_new(ERR_INVALID, "unknown command \"%s%s%s\"", options->words[0],
                                options->words[1] ? " " : "",
                                options->words[1] ? options->words[1] : ""),
                      "Known: %s.", known->str);
}

static Error *options_parse(int *argc, char ***argv, ServerOptions *options, int *flags)
{
    GOptionEntry entries[] = {
        {"config", 'c', 0, G_OPTION_ARG_FILENAME, &options->config_path,
         "Configuration (default: /etc/ramet/server.yml)", "FILE"},
        {"doctor", 0, 0, G_OPTION_ARG_NONE, &flags[0],
         "Compare the store with what exists; exit 1 when something is wrong", NULL},
        {"check-config", 0, 0, G_OPTION_ARG_NONE, &flags[1],
         "Read the configuration, print every problem, and exit", NULL},
        {"config-reference", 0, 0, G_OPTION_ARG_NONE, &flags[2],
         "Print all options of the configuration as Markdown", NULL},
        {"version", 0, 0, G_OPTION_ARG_NONE, &flags[3], "Print the version", NULL},
        {"driver", 0, 0, G_OPTION_ARG_STRING, &options->driver, "pool create: storage driver",
         "NAME"},
        {"image", 0, 0, G_OPTION_ARG_FILENAME, &options->image,
         "pool create: make an image file and mount it", "FILE"},
        {"device", 0, 0, G_OPTION_ARG_FILENAME, &options->device,
         "pool create: format an empty block device and mount it", "DEVICE"},
        {"size", 0, 0, G_OPTION_ARG_STRING, &options->size,
         "pool create, pool grow: size of the image, 10G", "SIZE"},
        {"output", 'o', 0, G_OPTION_ARG_STRING, &options->output, "pool list: json", "FORMAT"},
        {"force", 0, 0, G_OPTION_ARG_NONE, &options->force, "pool destroy: with everything in it",
         NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->words, NULL, "[COMMAND]"},
        {0},
    };
    g_autoptr(GOptionContext) context =
        g_option_context_new("- thin clones of PostgreSQL: the server");
    g_autofree char *commands = options_command_lines();
    g_autoptr(GError) problem = NULL;

    g_option_context_add_main_entries(context, entries, NULL);
    g_option_context_set_description(context, commands);
    if (g_option_context_parse(context, argc, argv, &problem))
        return NULL;
    return error_hint(error_new(ERR_INVALID, "%s", problem->message),
                      "rametd --help lists the options.");
}

Error *options_read(int *argc, char ***argv, ServerOptions *ret_options)
{
    static const ServerCommand flag_commands[] = {command_doctor, command_check_config,
                                                  command_config_reference, command_version};
    int flags[G_N_ELEMENTS(flag_commands)] = {0};

    TRY(options_parse(argc, argv, ret_options, flags));
    if (!ret_options->config_path)
        ret_options->config_path = g_strdup("/etc/ramet/server.yml");
    TRY(options_find_command(ret_options));
    for (size_t i = 0; i < G_N_ELEMENTS(flag_commands); i++)
        if (flags[i])
            ret_options->command = flag_commands[i];
    ret_options->needs_config =
        ret_options->command != command_config_reference && ret_options->command != command_version;
    return NULL;
}

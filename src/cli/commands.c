/*
 * The table of commands and options, and how to look into it.
 */
#include "cli/commands.h"

#include <string.h>

const Option global_options[] = {
    {"url", 0, OPTION_TEXT, "URL", "INSTANCE_URL", "address of the server; http:// is assumed"},
    {"token", 0, OPTION_TEXT, "TOKEN", "VERIFICATION_TOKEN",
     "verification token; better in the variable, where other users of this machine cannot see it"},
    {"insecure", 'k', OPTION_FLAG, NULL, "INSECURE_SKIP_VERIFY",
     "do not check the server's TLS certificate"},
    {"request-timeout", 0, OPTION_DURATION, "DURATION", "REQUEST_TIMEOUT",
     "how long to wait for work to finish (default 60s)"},
    {"output", 'o', OPTION_CHOICE, "json|table", NULL,
     "form of the output (default: table at a terminal, json otherwise)"},
    {"forwarding-server-url", 0, OPTION_TEXT, "URL", "CLI_FORWARDING_SERVER_URL",
     "SSH server through which the server is reached"},
    {"forwarding-local-port", 0, OPTION_TEXT, "PORT", "CLI_FORWARDING_LOCAL_PORT",
     "local end of the SSH tunnel; replaces the port of the URL"},
    {"identity-file", 0, OPTION_TEXT, "FILE", "CLI_IDENTITY_FILE",
     "private key for the SSH server"},
    {"current-branch", 0, OPTION_TEXT, "BRANCH", "CLI_CURRENT_BRANCH",
     "branch to work on (default main)"},
    {"debug", 0, OPTION_FLAG, NULL, "CLI_DEBUG",
     "print failed requests and their answers to stderr"},
    {"help", 'h', OPTION_FLAG, NULL, NULL, "print help and exit"},
    {"version", 'v', OPTION_FLAG, NULL, NULL, "print the version and exit"},
    {0},
};

#define ENVIRONMENT_OPTIONS(is_url_required)                                                       \
    {"url", 0, OPTION_TEXT, "URL", NULL, "address of the server", .is_required = is_url_required}, \
        {"token", 0,    OPTION_TEXT,                                                               \
         "TOKEN", NULL, "verification token; ${NAME} in it is replaced by that variable on use"},  \
        {"insecure", 'k', OPTION_FLAG, NULL, NULL, "do not check the server's TLS certificate"},   \
        {"request-timeout", 0,    OPTION_DURATION,                                                 \
         "DURATION",        NULL, "how long to wait for work to finish"},                          \
        {"forwarding-server-url", 0, OPTION_TEXT, "URL", NULL, "SSH server"},                      \
        {"forwarding-local-port", 0, OPTION_TEXT, "PORT", NULL, "local end of the SSH tunnel"},    \
        {"identity-file", 0, OPTION_TEXT, "FILE", NULL, "private key for the SSH server"},         \
    {                                                                                              \
        "current-branch", 0, OPTION_TEXT, "BRANCH", NULL, "branch to work on"                      \
    }

static const Option init_options[] = {
    {"environment-id", 0, OPTION_TEXT, "NAME", NULL, "name of the environment, free to choose",
     .is_required = true},
    ENVIRONMENT_OPTIONS(true),
    {0},
};

static const Option config_create_options[] = {ENVIRONMENT_OPTIONS(true), {0}};

static const Option config_update_options[] = {ENVIRONMENT_OPTIONS(false), {0}};

static const Option config_set_global_options[] = {
    {"tz", 0, OPTION_TEXT, "ZONE", NULL,
     "time zone for the times that are shown, like Europe/Berlin"},
    {0},
};

static const Option clone_create_options[] = {
    {"username", 0, OPTION_TEXT, "NAME", NULL, "database user to create", .is_required = true},
    {"password", 0, OPTION_TEXT, "PASSWORD", "CLONE_PASSWORD",
     "its password; better in the variable or a file. Asked for at a terminal when not given"},
    {"password-file", 0, OPTION_TEXT, "FILE", NULL,
     "read the password from the first line of a file; - is stdin"},
    {"restricted", 0, OPTION_FLAG, NULL, NULL, "the user is no superuser"},
    {"db-name", 0, OPTION_TEXT, "NAME", NULL, "database to connect to"},
    {"id", 0, OPTION_TEXT, "ID", NULL, "id of the clone (default: made by the server)"},
    {"snapshot-id", 0, OPTION_TEXT, "SNAPSHOT_ID", NULL,
     "snapshot to clone (default: the branch's newest copy of the source, see DEFAULT in \"ramet "
     "snapshot list\")"},
    {"branch", 0, OPTION_TEXT, "BRANCH", NULL, "branch to clone (default: the current branch)"},
    {"protected", 'p', OPTION_PROTECTION, "TIME", NULL,
     "refuse deletion: true, false, minutes, 30m, 2h, 7d, 0 = for ever (default false)"},
    {"limit", 0, OPTION_LIST, "NAME=VALUE", NULL,
     "what it may use: cpus, memory, disk, shm-size, pids-limit, ulimit"},
    {"extra-config", 0, OPTION_LIST, "NAME=VALUE", NULL,
     "PostgreSQL setting of the clone; may be repeated"},
    {"async", 'a', OPTION_FLAG, NULL, NULL, "do not wait until the clone is ready"},
    {0},
};

static const Option clone_update_options[] = {
    {"protected", 'p', OPTION_PROTECTION, "TIME", NULL,
     "refuse deletion: true, false, minutes, 30m, 2h, 7d, 0 = for ever (default false)"},
    {"limit", 0, OPTION_LIST, "NAME=VALUE", NULL,
     "what it may use from now on, in place of all its own limits; \"\" = the server's"},
    {0},
};

static const Option clone_reset_options[] = {
    {"async", 'a', OPTION_FLAG, NULL, NULL, "do not wait until the clone is reset"},
    {"latest", 0, OPTION_FLAG, NULL, NULL, "reset to the newest copy of the source"},
    {"snapshot-id", 0, OPTION_TEXT, "SNAPSHOT_ID", NULL,
     "reset to this snapshot (default: the clone's own)"},
    {0},
};

static const Option clone_destroy_options[] = {
    {"async", 'a', OPTION_FLAG, NULL, NULL, "do not wait until the clone is gone"},
    {0},
};

static const Option clone_logs_options[] = {
    {"follow", 'f', OPTION_FLAG, NULL, NULL, "go on with what is logged from now on"},
    {"tail", 0, OPTION_TEXT, "LINES", NULL, "begin with so many of the last lines (default 200)"},
    {0},
};

static const Option snapshot_list_options[] = {
    {"branch", 0, OPTION_TEXT, "BRANCH", NULL, "only snapshots of this branch"},
    {"dataset", 0, OPTION_TEXT, "NAME", NULL, "only snapshots of this pool"},
    {0},
};

static const Option snapshot_create_options[] = {
    {"pool", 0, OPTION_TEXT, "NAME", NULL, "pool whose data is taken (default: the first)"},
    {"clone-id", 0, OPTION_TEXT, "CLONE_ID", NULL, "take the snapshot of this clone instead"},
    {"message", 'm', OPTION_TEXT, "TEXT", NULL, "what the snapshot is for"},
    {0},
};

static const Option snapshot_update_options[] = {
    {"protected", 'p', OPTION_PROTECTION, "TIME", NULL,
     "refuse deletion: true, false, minutes, 30m, 2h, 7d, 0 = for ever"},
    {"delete-at", 0, OPTION_TEXT, "INSTANT", NULL,
     "delete it then, like 2026-07-01T09:00:00Z; ends its protection"},
    {0},
};

static const Option snapshot_delete_options[] = {
    {"force", 0, OPTION_FLAG, NULL, NULL, "also delete the clones made from it"},
    {0},
};

static const Option refresh_options[] = {
    {"watch", 0, OPTION_FLAG, NULL, NULL, "show the progress and wait for the end"},
    {0},
};

static const Option help_options[] = {
    {"markdown", 0, OPTION_FLAG, NULL, NULL, "print the reference page", .is_hidden = true},
    {0},
};

const Command commands[] = {
    {"init", "create the config file with a first environment", .options = init_options,
     .run = cmd_init},

    {"clone", "make, look at and remove clones"},
    {"clone list", "list the clones", .needs_server = true, .run = cmd_clone_list},
    {"clone status", "show one clone", NULL, ARGUMENT_REQUIRED, "CLONE_ID", .needs_server = true,
     .run = cmd_clone_status},
    {"clone create", "create a clone and wait until it is ready",
     "Prints how to connect at a terminal, and the clone as JSON otherwise.\n"
     "Several settings may share one --extra-config, separated by commas.",
     .options = clone_create_options, .needs_server = true, .run = cmd_clone_create},
    {"clone update", "set or end the protection of a clone, or change its limits",
     "Without --protected the protection ends, unless --limit is given.", ARGUMENT_REQUIRED,
     "CLONE_ID", .options = clone_update_options, .needs_server = true, .run = cmd_clone_update},
    {"clone reset", "throw away a clone's changes and wait until it is ready again",
     "The clone keeps its id, port, user and password.", ARGUMENT_REQUIRED, "CLONE_ID",
     .options = clone_reset_options, .needs_server = true, .run = cmd_clone_reset},
    {"clone destroy", "destroy a clone and wait until it is gone", NULL, ARGUMENT_REQUIRED,
     "CLONE_ID", .options = clone_destroy_options, .needs_server = true, .run = cmd_clone_destroy},
    {"clone logs", "show what the PostgreSQL of a clone has logged",
     "Control characters are shown as \\x1b. With --follow it ends with the clone.",
     ARGUMENT_REQUIRED, "CLONE_ID", .options = clone_logs_options, .needs_server = true,
     .run = cmd_clone_logs},

    {"psql", "open psql in a clone",
     "The password is taken from PGPASSWORD or ~/.pgpass, or psql asks for it. When the\n"
     "clone's host is localhost and the server is another machine, that one is connected to.\n"
     "The exit status is psql's own.",
     ARGUMENT_REQUIRED, "CLONE_ID", "PSQL_ARGUMENT", .needs_server = true, .run = cmd_psql},

    {"snapshot", "make, look at and remove snapshots"},
    {"snapshot list", "list the snapshots",
     "DEFAULT is the one that \"ramet clone create\" takes: the newest copy of the source. "
     "Snapshots\n"
     "of clones are taken by their id alone.",
     .options = snapshot_list_options, .needs_server = true, .run = cmd_snapshot_list},
    {"snapshot create", "take a snapshot of a pool's data or of a clone",
     .options = snapshot_create_options, .needs_server = true, .run = cmd_snapshot_create},
    {"snapshot update", "protect a snapshot or schedule its deletion", NULL, ARGUMENT_REQUIRED,
     "SNAPSHOT_ID", .options = snapshot_update_options, .needs_server = true,
     .run = cmd_snapshot_update},
    {"snapshot delete", "delete a snapshot", NULL, ARGUMENT_REQUIRED, "SNAPSHOT_ID",
     .options = snapshot_delete_options, .needs_server = true, .run = cmd_snapshot_delete},

    {"instance", "look at the server"},
    {"instance status", "show the server with its pools, clones and data retrieval",
     .needs_server = true, .run = cmd_instance_status},
    {"instance version", "show the server's version", .needs_server = true,
     .run = cmd_instance_version},
    {"instance full-refresh", "start copying the source database anew", .needs_server = true,
     .run = cmd_instance_full_refresh},

    {"refresh", "start copying the source database anew, and watch it",
     "With --watch a refresh that is already under way is watched.", .options = refresh_options,
     .needs_server = true, .run = cmd_refresh},
    {"doctor", "check that the server's records agree with what really exists",
     "Ends with status 1 when something was found.", .needs_server = true, .run = cmd_doctor},

    {"config", "manage the environments in the config file"},
    {"config create", "add an environment and switch to it", NULL, ARGUMENT_REQUIRED,
     "ENVIRONMENT_ID", .options = config_create_options, .run = cmd_config_create},
    {"config update", "change an environment and switch to it", NULL, ARGUMENT_REQUIRED,
     "ENVIRONMENT_ID", .options = config_update_options, .run = cmd_config_update},
    {"config view", "show an environment (default: the current one)", NULL, ARGUMENT_OPTIONAL,
     "ENVIRONMENT_ID", .run = cmd_config_view},
    {"config list", "list the environments", .run = cmd_config_list},
    {"config switch", "make another environment the current one", NULL, ARGUMENT_REQUIRED,
     "ENVIRONMENT_ID", .run = cmd_config_switch},
    {"config remove", "remove an environment", NULL, ARGUMENT_REQUIRED, "ENVIRONMENT_ID",
     .run = cmd_config_remove},
    {"config show-global", "show the settings that hold for all environments",
     .run = cmd_config_show_global},
    {"config set-global", "change the settings that hold for all environments",
     .options = config_set_global_options, .run = cmd_config_set_global},

    {"completion", "print the completion script for a shell",
     "For bash, and for zsh into a directory of $fpath:\n\n"
     "    ramet completion bash > ~/.local/share/bash-completion/completions/ramet\n"
     "    ramet completion zsh > ~/.zfunc/_ramet",
     ARGUMENT_REQUIRED, "bash|zsh", .run = cmd_completion},
    {"help", "print help for a command", NULL, ARGUMENT_ANY, "COMMAND", .options = help_options,
     .run = cmd_help},
    {"ids", "print the ids that completion offers", NULL, ARGUMENT_REQUIRED,
     "clones|snapshots|environments", .is_hidden = true, .run = cmd_ids},
    {0},
};

const Command *command_find(const char *name)
{
    for (const Command *command = commands; command->name; command++)
        if (strcmp(command->name, name) == 0)
            return command;
    return NULL;
}

bool command_is_group(const Command *command)
{
    return !command->run;
}

bool command_is_child(const Command *command, const Command *group)
{
    const char *word = command->name;

    if (group) {
        size_t length = strlen(group->name);

        if (strncmp(word, group->name, length) != 0 || word[length] != ' ')
            return false;
        word += length + 1;
    }
    return !strchr(word, ' ');
}

const char *command_word(const Command *command)
{
    const char *blank = strrchr(command->name, ' ');

    return blank ? blank + 1 : command->name;
}

char *command_usage(const Command *command)
{
    GString *usage = g_string_new(command->name);

    if (command_is_group(command))
        g_string_append(usage, " COMMAND");
    g_string_append(usage, " [options]");
    if (command->argument_kind == ARGUMENT_REQUIRED)
        g_string_append_printf(usage, " %s", command->argument);
    if (command->argument_kind == ARGUMENT_OPTIONAL)
        g_string_append_printf(usage, " [%s]", command->argument);
    if (command->argument_kind == ARGUMENT_ANY)
        g_string_append_printf(usage, " [%s...]", command->argument);
    if (command->passthrough)
        g_string_append_printf(usage, " [-- %s...]", command->passthrough);
    return g_string_free(usage, FALSE);
}

static const Option *option_find_in(const Option *options, const char *name, char letter)
{
    for (; options && options->name; options++)
        if (name ? strcmp(options->name, name) == 0 : options->letter == letter)
            return options;
    return NULL;
}

const Option *option_find(const Command *command, const char *name)
{
    const Option *own = command ? option_find_in(command->options, name, 0) : NULL;

    return own ? own : option_find_in(global_options, name, 0);
}

const Option *option_find_letter(const Command *command, char letter)
{
    const Option *own = command ? option_find_in(command->options, NULL, letter) : NULL;

    return own ? own : option_find_in(global_options, NULL, letter);
}

bool option_has_value(const Option *option)
{
    return option->kind != OPTION_FLAG;
}

/*
 * The reference page docs/cli.md, made from the table of commands. What is not in the table is a
 * text here.
 */

#include "cli/exit_status.h"
#include "cli/help.h"

static const char help_markdown_intro[] =
    "<!-- Made by `ramet help --markdown` from the table in src/cli/commands.c. Do not edit. -->\n"
    "# ramet: the command-line client\n"
    "\n"
    "`ramet` speaks HTTP to a Ramet server, and to a DBLab server just as well.\n"
    "\n"
    "    ramet [options] COMMAND [options] [arguments]\n"
    "\n"
    "Options may stand before and after the command and its arguments, as `--name value` or\n"
    "`--name=value`; what follows `--` is no option. `ramet help COMMAND` prints what is\n"
    "below.\n";

static const char help_markdown_config[] =
    "\n"
    "## Configuration\n"
    "\n"
    "A setting is taken from its option, else from its environment variable (`RAMET_…`\n"
    "before `DBLAB_…`), else from the current environment in the config file.\n"
    "\n"
    "The config file is `~/.ramet/cli.yml`, readable for its owner only. Where there is\n"
    "none, the DBLab client's `~/.dblab/cli/cli.yml` is read in its place; changes then go\n"
    "to our own file, and the other stays as it is.\n"
    "\n"
    "```yaml\n"
    "current_environment: \"dev\"\n"
    "environments:\n"
    "  dev:\n"
    "    url: \"http://127.0.0.1:2345\"\n"
    "    token: \"${DEV_TOKEN}\"          # the variable is read on use\n"
    "    insecure: false\n"
    "    request_timeout: \"1m\"\n"
    "    forwarding:\n"
    "      server_url: \"\"\n"
    "      local_port: \"\"\n"
    "      identity_file: \"\"\n"
    "    branching:\n"
    "      current_branch: \"main\"\n"
    "settings:\n"
    "  tz: \"Europe/Berlin\"             # zone of the times that are shown, unless TZ is set\n"
    "```\n"
    "\n"
    "When both an SSH server and a local port are set, the local port replaces the port of\n"
    "the URL.\n";

static const char help_markdown_output[] =
    "\n"
    "## Output\n"
    "\n"
    "At a terminal `ramet` prints tables, otherwise JSON, indented by 4; `-o json` and `-o\n"
    "table` choose. Sizes are shown as `1.2 GiB`. Commands that only do something print one\n"
    "line of text; with `-o json` it is `{\"status\": \"OK\", \"message\": …}`. `clone create`\n"
    "prints at a terminal\n"
    "\n"
    "```\n"
    "ID:                 c1\n"
    "Branch:             main\n"
    "Snapshot:           pool@snapshot_20240101000000\n"
    "Connection string:  host=localhost port=6000 user=u dbname=postgres\n"
    "```\n"
    "\n"
    "Errors go to stderr: the message, then `detail: …` and `hint: …` where there is more\n"
    "to say. `--debug` adds the failed request and the server's answer, without token and\n"
    "passwords.\n";

static void help_markdown_option(GString *out, const Option *option)
{
    g_autofree char *env = option->env ? g_strdup_printf("`RAMET_%s`", option->env) : g_strdup("");
    g_auto(GStrv) choices = option->value_name ? g_strsplit(option->value_name, "|", -1) : NULL;
    g_autofree char *value = choices ? g_strjoinv("\\|", choices) : NULL;

    if (option->is_hidden)
        return;
    g_string_append_printf(out, "| `--%s`", option->name);
    if (option->letter)
        g_string_append_printf(out, ", `-%c`", option->letter);
    if (value)
        g_string_append_printf(out, option->kind == OPTION_PROTECTION ? " [%s]" : " %s", value);
    g_string_append_printf(out, " | %s%s | %s |\n", option->help,
                           option->is_required ? " (required)" : "", env);
}

static void help_markdown_options(GString *out, const Option *options)
{
    g_autoptr(GString) rows = g_string_new(NULL);

    for (; options && options->name; options++)
        help_markdown_option(rows, options);
    if (rows->len > 0)
        g_string_append_printf(out, "\n| Option | Meaning | Variable |\n|---|---|---|\n%s",
                               rows->str);
}

static void help_markdown_command(GString *out, const Command *command)
{
    g_autofree char *usage = command_usage(command);

    if (command->is_hidden || command_is_group(command))
        return;
    g_string_append_printf(out, "\n### ramet %s\n\n%c%s.\n\n    ramet %s\n", command->name,
                           g_ascii_toupper(*command->summary), command->summary + 1, usage);
    if (command->details)
        g_string_append_printf(out, "\n%s\n", command->details);
    help_markdown_options(out, command->options);
}

static void help_markdown_statuses(GString *out)
{
    g_string_append(out, "\n## Exit status\n\n| Status | Meaning |\n|---|---|\n");
    for (const ExitStatusRow *row = exit_status_rows; row->meaning; row++)
        g_string_append_printf(out, "| %d | %s |\n", row->status, row->meaning);
}

char *help_format_markdown(void)
{
    GString *out = g_string_new(help_markdown_intro);

    g_string_append(out, "\n## Options for all commands\n");
    help_markdown_options(out, global_options);
    g_string_append(out, "\n## Commands\n");
    for (const Command *command = commands; command->name; command++)
        help_markdown_command(out, command);
    g_string_append(out, help_markdown_config);
    g_string_append(out, help_markdown_output);
    help_markdown_statuses(out);
    return g_string_free(out, FALSE);
}

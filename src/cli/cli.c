/*
 * One run of the client: parse, look up, connect if need be, run the command, report how it ended.
 */
#include "cli/cli.h"

#include <stdio.h>
#include <unistd.h>

#include "cli/help.h"
#include "cli/json_path.h"
#include "cli/view.h"

static void cli_clear(Cli *cli)
{
    client_free(cli->client);
    settings_free(cli->settings);
    profile_free(cli->profile);
    args_free(cli->args);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Cli, cli_clear)

/* --- output --- */

static void cli_put(char *text_take)
{
    g_autofree char *text = text_take;

    fputs(text, stdout);
}

void cli_show_raw(const Cli *cli, const Column *columns, const json_t *answer)
{
    if (cli->format == OUTPUT_JSON || !columns)
        cli_put(print_format_json(answer));
    else if (json_is_array(answer))
        cli_put(print_format_rows(columns, answer));
    else
        cli_put(print_format_fields(columns, answer));
}

void cli_show(const Cli *cli, const Column *columns, json_t *answer)
{
    view_localize(answer);
    cli_show_raw(cli, columns, answer);
}

void cli_say(const Cli *cli, const char *fmt, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, fmt);
    text = g_strdup_vprintf(fmt, args);
    va_end(args);
    if (cli->is_format_chosen && cli->format == OUTPUT_JSON) {
        g_autoptr(json_t) answer = json_pack("{s:s, s:s}", "status", "OK", "message", text);

        cli_put(print_format_json(answer));
    } else {
        print_text(stdout, "%s\n", text);
    }
}

static void cli_report(const Error *e)
{
    g_autofree char *detail = g_strchomp(g_strdup(e->detail ? e->detail : ""));

    print_text(stderr, "%s%s\n", e->code == ERR_INVALID ? "[ERROR]: " : "", e->message);
    if (*detail)
        print_text(stderr, "detail: %s\n", detail);
    if (e->hint && *e->hint)
        print_text(stderr, "hint: %s\n", e->hint);
}

/* --- running --- */

/* A broken config file must not keep options and variables from working. */
static void cli_load_profile(Cli *cli)
{
    Error *e = profile_load(&cli->profile);

    if (!e)
        return;
    print_text(stderr, "warning: %s; going on without it\n", e->message);
    error_free(e);
    cli->profile = profile_new();
}

static void cli_apply_zone(const Profile *profile)
{
    const char *zone = json_text_at(profile->root, "settings.tz");

    if (*zone)
        g_setenv("TZ", zone, FALSE);
}

Error *cli_connect(Cli *cli)
{
    cli_load_profile(cli);
    cli_apply_zone(cli->profile);
    TRY(settings_resolve(cli->args, cli->profile, &cli->settings));
    cli->client = client_new(cli->settings);
    return NULL;
}

static void cli_choose_format(Cli *cli)
{
    const char *chosen = args_text(cli->args, "output");

    cli->is_format_chosen = chosen != NULL;
    if (chosen)
        cli->format = g_str_equal(chosen, "json") ? OUTPUT_JSON : OUTPUT_TABLE;
    else
        cli->format = isatty(STDOUT_FILENO) ? OUTPUT_TABLE : OUTPUT_JSON;
}

static Error *cli_dispatch(Cli *cli, const char *const *words)
{
    const Command *command = NULL;

    TRY(args_parse(words, &cli->args));
    command = cli->args->command;
    cli_choose_format(cli);
    if (args_flag(cli->args, "version")) {
        printf("ramet version %s\n", RAMET_VERSION);
        return NULL;
    }
    if (!command || command_is_group(command) || cli->args->wants_help) {
        cli_put(help_format(command));
        return NULL;
    }
    if (command->needs_server)
        TRY(cli_connect(cli));
    return command->run(cli);
}

static Error *cli_flush(void)
{
    if (fflush(stdout) != 0 || ferror(stdout))
        return error_new(ERR_EXTERNAL, "could not write the output");
    return NULL;
}

ExitStatus cli_run(const char *const *argv)
{
    g_auto(Cli) cli = {0};
    g_autoptr(Error) e = cli_dispatch(&cli, argv[0] ? argv + 1 : argv);

    if (!e)
        e = cli_flush();
    if (!e)
        return cli.status;
    fflush(stdout);
    cli_report(e);
    return exit_status_of(e);
}

/*
 * ramet help, completion and ids: the client about itself.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/completion.h"
#include "cli/help.h"
#include "cli/json_path.h"

Error *cmd_help(Cli *cli)
{
    g_autoptr(Args) args = NULL;
    g_autofree char *text = NULL;

    /* The words after "help" name a command just as those of a command line do. */
    g_ptr_array_add(cli->args->arguments, g_strdup("--help"));
    g_ptr_array_add(cli->args->arguments, NULL);
    TRY(args_parse((const char *const *)cli->args->arguments->pdata, &args));
    text = args_flag(cli->args, "markdown") ? help_format_markdown() : help_format(args->command);
    fputs(text, stdout);
    return NULL;
}

Error *cmd_completion(Cli *cli)
{
    g_autofree char *script = NULL;

    TRY(completion_format(args_argument(cli->args), &script));
    fputs(script, stdout);
    return NULL;
}

/* They end in a command line: what a shell would take for more than a word is not offered. */
static void ids_print_one(const char *id)
{
    if (g_regex_match_simple("^[A-Za-z0-9_][A-Za-z0-9_.@/:+-]*$", id, G_REGEX_DOLLAR_ENDONLY, 0))
        printf("%s\n", id);
}

static Error *ids_print(Cli *cli, const char *path)
{
    g_autoptr(json_t) list = NULL;
    size_t i = 0;
    json_t *item = NULL;

    TRY(cli_connect(cli));
    TRY(client_call(cli->client, &(ApiCall){.method = "GET", .path = path}, &list));
    json_array_foreach (list, i, item)
        ids_print_one(json_text_at(item, "id"));
    return NULL;
}

static Error *ids_print_environments(Cli *cli)
{
    const char *id = NULL;
    json_t *environment = NULL;

    TRY(profile_load(&cli->profile));
    json_object_foreach (profile_environments(cli->profile), id, environment)
        ids_print_one(id);
    return NULL;
}

Error *cmd_ids(Cli *cli)
{
    const char *kind = args_argument(cli->args);

    if (strcmp(kind, "environments") == 0)
        return ids_print_environments(cli);
    if (strcmp(kind, "clones") == 0)
        return ids_print(cli, "/clones");
    if (strcmp(kind, "snapshots") == 0)
        return ids_print(cli, "/snapshots");
    return error_new(ERR_INVALID, "no ids of kind \"%s\"", kind);
}

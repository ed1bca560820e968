/*
 * ramet snapshot: make, look at and remove snapshots.
 */
#include "cli/cli.h"
#include "cli/interrupt.h"
#include "cli/json_path.h"
#include "cli/protection.h"

static const Column snapshot_list_columns[] = {
    {"ID", "id"},
    {"DEFAULT", "default"},
    {"DATA STATE AT", "dataStateAt"},
    {"CREATED", "createdAt"},
    {"POOL", "pool"},
    {"BRANCH", "branch"},
    {"SIZE", "physicalSize"},
    {"LOGICAL SIZE", "logicalSize"},
    {"CLONES", "numClones"},
    {"PROTECTED", "protected"},
    {"MESSAGE", "message"},
    {0},
};

static const Column snapshot_columns[] = {
    {"ID", "id"},
    {"Data state at", "dataStateAt"},
    {"Created at", "createdAt"},
    {"Pool", "pool"},
    {"Branch", "branch"},
    {"Message", "message"},
    {"Clones", "clones"},
    {"Protected", "protected"},
    {"Protected till", "protectedTill"},
    {"Delete at", "deleteAt"},
    {0},
};

/* The server answers when the work is done, and does it also when nobody waits. */
static Error *snapshot_send(Cli *cli, const ApiCall *call, json_t **ret_answer)
{
    Error *e = NULL;

    interrupt_set_notice("The server goes on: see \"ramet snapshot list\".");
    e = client_call(cli->client, call, ret_answer);
    interrupt_set_notice(NULL);
    return e;
}

static Error *snapshot_call(Cli *cli, const char *method, const char *after, json_t *body,
                            json_t **ret_answer)
{
    g_autofree char *path = NULL;

    TRY(client_path("/snapshot/", args_argument(cli->args), after, &path));
    return snapshot_send(
        cli, &(ApiCall){.method = method, .path = path, .body = body, .is_slow = true}, ret_answer);
}

/* "?branch=a&dataset=b", as far as they are given. */
static char *snapshot_list_path(const Args *args)
{
    static const char *const filters[] = {"branch", "dataset"};
    GString *path = g_string_new("/snapshots");
    char joint = '?';

    for (size_t i = 0; i < G_N_ELEMENTS(filters); i++) {
        const char *value = args_text(args, filters[i]);

        if (!value)
            continue;
        g_string_append_printf(path, "%c%s=", joint, filters[i]);
        g_string_append_uri_escaped(path, value, NULL, FALSE);
        joint = '&';
    }
    return g_string_free(path, FALSE);
}

Error *cmd_snapshot_list(Cli *cli)
{
    g_autofree char *path = snapshot_list_path(cli->args);
    g_autoptr(json_t) snapshots = NULL;

    TRY(client_call(cli->client, &(ApiCall){.method = "GET", .path = path}, &snapshots));
    cli_show(cli, snapshot_list_columns, snapshots);
    return NULL;
}

static void snapshot_put_option(const Args *args, const char *option, const char *key, json_t *body)
{
    const char *value = args_text(args, option);

    if (value)
        json_object_set_new(body, key, json_string(value));
}

/* Shown with its sizes as numbers, as the DBLab client does it in this one place. */
Error *cmd_snapshot_create(Cli *cli)
{
    bool is_of_clone = args_text(cli->args, "clone-id") != NULL;
    g_autoptr(json_t) request = json_object();
    g_autoptr(json_t) snapshot = NULL;

    snapshot_put_option(cli->args, "pool", "poolName", request);
    snapshot_put_option(cli->args, "clone-id", "cloneID", request);
    snapshot_put_option(cli->args, "message", "message", request);
    TRY(snapshot_send(cli,
                      &(ApiCall){.method = "POST",
                                 .path = is_of_clone ? "/snapshot/clone" : "/snapshot",
                                 .body = request,
                                 .is_slow = true},
                      &snapshot));
    cli_show_raw(cli, snapshot_columns, snapshot);
    return NULL;
}

Error *cmd_snapshot_update(Cli *cli)
{
    const char *text = args_text(cli->args, "protected");
    Protection protection = {0};
    g_autoptr(json_t) request = json_object();
    g_autoptr(json_t) snapshot = NULL;

    if (text) {
        TRY(protection_parse(text, &protection));
        protection_put(&protection, request);
    }
    snapshot_put_option(cli->args, "delete-at", "deleteAt", request);
    TRY(snapshot_call(cli, "PATCH", "", request, &snapshot));
    cli_show(cli, snapshot_columns, snapshot);
    return NULL;
}

Error *cmd_snapshot_delete(Cli *cli)
{
    bool is_forced = args_flag(cli->args, "force");

    TRY(snapshot_call(cli, "DELETE", is_forced ? "?force=true" : "", NULL, NULL));
    cli_say(cli, "Deleted snapshot '%s'", args_argument(cli->args));
    return NULL;
}

/*
 * ramet instance: look at the server.
 */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/json_path.h"

static const Column instance_columns[] = {
    {"Status", "status.code"},
    {"Message", "status.message"},
    {"Version", "engine.version"},
    {"Instance", "engine.instanceID"},
    {"Started at", "engine.startedAt"},
    {"Clones", "cloning.numClones"},
    {"Expected cloning time, s", "cloning.expectedCloningTime"},
    {"Data retrieval", "retrieving.status"},
    {"Retrieval mode", "retrieving.mode"},
    {"Last refresh", "retrieving.lastRefresh"},
    {"Next refresh", "retrieving.nextRefresh"},
    {"Refresh failed", "retrieving.alerts.refresh_failed.message"},
    {"Refresh skipped", "retrieving.alerts.refresh_skipped.message"},
    {0},
};

static const Column instance_pool_columns[] = {
    {"POOL", "name"},
    {"MODE", "mode"},
    {"STATUS", "status"},
    {"DATA STATE AT", "dataStateAt"},
    {"SIZE", "fileSystem.size"},
    {"FREE", "fileSystem.free"},
    {"USED", "fileSystem.used"},
    {"BY SNAPSHOTS", "fileSystem.usedBySnapshots"},
    {"BY CLONES", "fileSystem.usedByClones"},
    {"CLONES", "cloneList"},
    {0},
};

static const Column instance_version_columns[] = {
    {"Version", "version"},
    {"Edition", "edition"},
    {"Instance", "instanceID"},
    {0},
};

Error *cmd_instance_status(Cli *cli)
{
    g_autoptr(json_t) status = NULL;

    TRY(client_call(cli->client, &(ApiCall){.method = "GET", .path = "/status"}, &status));
    cli_show(cli, instance_columns, status);
    if (cli->format == OUTPUT_TABLE && json_array_size(json_at(status, "pools")) > 0) {
        printf("\n");
        cli_show_raw(cli, instance_pool_columns, json_at(status, "pools"));
    }
    return NULL;
}

Error *cmd_instance_version(Cli *cli)
{
    g_autoptr(json_t) engine = NULL;

    TRY(client_call(cli->client, &(ApiCall){.method = "GET", .path = "/healthz"}, &engine));
    cli_show_raw(cli, instance_version_columns, engine);
    return NULL;
}

Error *cmd_instance_full_refresh(Cli *cli)
{
    g_autoptr(json_t) answer = NULL;

    TRY(client_call(cli->client, &(ApiCall){.method = "POST", .path = "/full-refresh"}, &answer));
    cli_say(cli, "%s", json_text_at(answer, "message"));
    return NULL;
}

/*
 * ramet clone: make, look at and remove clones.
 */
#include <string.h>

#include "cli/cli.h"
#include "cli/clone_request.h"
#include "cli/json_path.h"
#include "cli/protection.h"

static const Column clone_list_columns[] = {
    {"ID", "id"},
    {"STATUS", "status.code"},
    {"BRANCH", "branch"},
    {"SNAPSHOT", "snapshot.id"},
    {"PORT", "db.port"},
    {"USER", "db.username"},
    {"DATABASE", "db.dbName"},
    {"DIFF", "metadata.cloneDiffSize"},
    {"PROTECTED", "protected"},
    {"CREATED", "createdAt"},
    {0},
};

static const Column clone_columns[] = {
    {"ID", "id"},
    {"Status", "status.code"},
    {"Message", "status.message"},
    {"Branch", "branch"},
    {"Snapshot", "snapshot.id"},
    {"Data state at", "snapshot.dataStateAt"},
    {"Created at", "createdAt"},
    {"Protected", "protected"},
    {"Protected till", "protectedTill"},
    {"Limits", "limits"},
    {"Connection string", "db.connStr"},
    {"Diff size", "metadata.cloneDiffSize"},
    {"Cloning time, s", "metadata.cloningTime"},
    {0},
};

static const Column clone_created_columns[] = {
    {"ID", "id"},
    {"Branch", "branch"},
    {"Snapshot", "snapshot.id"},
    {"Connection string", "db.connStr"},
    {0},
};

static Error *clone_call(Cli *cli, const char *method, const char *after, json_t *body,
                         json_t **ret_answer)
{
    g_autofree char *path = NULL;

    TRY(client_path("/clone/", args_argument(cli->args), after, &path));
    return client_call(cli->client, &(ApiCall){.method = method, .path = path, .body = body},
                       ret_answer);
}

/* What kept a clone from becoming what was asked for: "created", "reset", "destroyed". */
static Error *clone_failed(const json_t *clone, const char *done)
{
    const char *reason = json_text_at(clone, "status.message");

    return error_new(ERR_EXTERNAL, "clone \"%s\" could not be %s: %s", json_text_at(clone, "id"),
                     done, *reason ? reason : json_text_at(clone, "status.code"));
}

/* Its PostgreSQL may have said why. */
static Error *clone_hint_logs(Error *e, const json_t *clone, const char *cure)
{
    return error_hint(e, "\"ramet clone logs %s\" shows what its PostgreSQL has logged. %s",
                      json_text_at(clone, "id"), cure);
}

/* --- looking --- */

Error *cmd_clone_list(Cli *cli)
{
    g_autoptr(json_t) status = NULL;
    g_autoptr(json_t) none = json_array();
    json_t *clones = NULL;

    /* Of /status, as ever: whoever lets the DBLab client through lets this one through. */
    TRY(client_call(cli->client, &(ApiCall){.method = "GET", .path = "/status"}, &status));
    clones = json_at(status, "cloning.clones");
    if (!json_at(status, "cloning"))
        return error_hint(error_new(ERR_EXTERNAL, "the answer says nothing about clones"),
                          "Is there a Ramet server at %s?", cli->settings->url);
    cli_show(cli, clone_list_columns, json_is_array(clones) ? clones : none);
    return NULL;
}

Error *cmd_clone_status(Cli *cli)
{
    g_autoptr(json_t) clone = NULL;

    TRY(clone_call(cli, "GET", "", NULL, &clone));
    cli_show(cli, clone_columns, clone);
    return NULL;
}

/* --- changing --- */

/* Replaces *clone, which is being created, by what it is in the end. */
static Error *clone_wait_created(Cli *cli, json_t **clone)
{
    json_t *ready = NULL;

    if (strcmp(json_text_at(*clone, "status.code"), "CREATING") == 0) {
        TRY(client_wait_clone(cli->client, json_text_at(*clone, "id"), "CREATING", &ready));
        json_decref(*clone);
        *clone = ready;
    }
    if (strcmp(json_text_at(*clone, "status.code"), "OK") != 0)
        return clone_hint_logs(clone_failed(*clone, "created"), *clone,
                               "Destroying it gives its id and port free.");
    return NULL;
}

Error *cmd_clone_create(Cli *cli)
{
    g_autoptr(json_t) request = NULL;
    g_autoptr(json_t) clone = NULL;

    TRY(clone_request_build(cli->args, cli->settings->branch, &request));
    TRY(client_call(cli->client, &(ApiCall){.method = "POST", .path = "/clone", .body = request},
                    &clone));
    if (!args_flag(cli->args, "async"))
        TRY(clone_wait_created(cli, &clone));
    cli_show(cli, clone_created_columns, clone);
    if (cli->format == OUTPUT_TABLE)
        cli_say(cli, "%s", "");
    return NULL;
}

/*
 * Without --protected it is unprotected: that is what the same command of the DBLab client does. Not
 * so where only limits are changed, which that client does not know.
 */
Error *cmd_clone_update(Cli *cli)
{
    const char *text = args_text(cli->args, "protected");
    Protection protection = {0};
    g_autoptr(json_t) request = json_object();
    g_autoptr(json_t) clone = NULL;

    if (text)
        TRY(protection_parse(text, &protection));
    TRY(clone_request_add_limits(cli->args, request));
    if (text || !json_object_get(request, "limits"))
        protection_put(&protection, request);
    TRY(clone_call(cli, "PATCH", "", request, &clone));
    cli_show(cli, clone_columns, clone);
    return NULL;
}

/* FATAL also when the previous data serves on. */
static Error *clone_check_reset(const json_t *clone)
{
    if (strcmp(json_text_at(clone, "status.code"), "OK") != 0)
        return clone_hint_logs(clone_failed(clone, "reset"), clone, "It can be reset again.");
    return NULL;
}

Error *cmd_clone_reset(Cli *cli)
{
    const char *id = args_argument(cli->args);
    const char *snapshot = args_text(cli->args, "snapshot-id");
    bool is_latest = args_flag(cli->args, "latest");
    g_autoptr(json_t) request = json_object();
    g_autoptr(json_t) clone = NULL;

    if (is_latest && snapshot)
        return error_new(ERR_INVALID, "--latest and --snapshot-id must not be specified together");
    json_object_set_new(request, "snapshotID", json_string(snapshot ? snapshot : ""));
    json_object_set_new(request, "latest", json_boolean(is_latest));
    TRY(clone_call(cli, "POST", "/reset", request, NULL));
    if (!args_flag(cli->args, "async")) {
        TRY(client_wait_clone(cli->client, id, "RESETTING", &clone));
        TRY(clone_check_reset(clone));
    }
    cli_say(cli, "The clone has been successfully reset: %s", id);
    return NULL;
}

/* The clone is gone when the server no longer knows it. */
static Error *clone_wait_destroyed(Cli *cli, const char *id)
{
    g_autoptr(json_t) clone = NULL;
    Error *e = client_wait_clone(cli->client, id, "DELETING", &clone);

    if (!e)
        return error_hint(clone_failed(clone, "destroyed"), "See \"ramet clone status %s\".", id);
    if (e->code != ERR_NOT_FOUND)
        return e;
    error_free(e);
    return NULL;
}

Error *cmd_clone_destroy(Cli *cli)
{
    const char *id = args_argument(cli->args);

    TRY(clone_call(cli, "DELETE", "", NULL, NULL));
    if (!args_flag(cli->args, "async"))
        TRY(clone_wait_destroyed(cli, id));
    cli_say(cli, "The clone has been successfully destroyed: %s", id);
    return NULL;
}

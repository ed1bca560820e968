/*
 * ramet init and ramet config: the environments in the config file.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/json_path.h"

/* Options that are settings of an environment, and where they are kept. */
static const struct {
    const char *option;
    const char *path;
} config_settings[] = {
    {"url", "url"},
    {"token", "token"},
    {"insecure", "insecure"},
    {"request-timeout", "request_timeout"},
    {"forwarding-server-url", "forwarding.server_url"},
    {"forwarding-local-port", "forwarding.local_port"},
    {"identity-file", "forwarding.identity_file"},
    {"current-branch", "branching.current_branch"},
};

static const Column config_columns[] = {
    {"Environment", "environment_id"},
    {"URL", "url"},
    {"Token", "token"},
    {"Insecure", "insecure"},
    {"Request timeout", "request_timeout"},
    {"Forwarding server URL", "forwarding.server_url"},
    {"Forwarding local port", "forwarding.local_port"},
    {"Identity file", "forwarding.identity_file"},
    {"Current branch", "branching.current_branch"},
    {0},
};

static const Column config_list_columns[] = {
    {"ENV", "env"},
    {"URL", "url"},
    {"Forwarding server URL", "forwarding.server_url"},
    {"Forwarding local port", "forwarding.local_port"},
    {0},
};

static const Column config_global_columns[] = {{"Time zone", "tz"}, {0}};

/* --- pieces --- */

static Error *config_load(Cli *cli)
{
    return profile_load(&cli->profile);
}

static Error *config_load_to_change(Cli *cli)
{
    return profile_load_to_change(&cli->profile);
}

static Error *config_unknown(const char *id)
{
    return error_hint(error_new(ERR_NOT_FOUND, "environment \"%s\" not found", id),
                      "See \"ramet config list\".");
}

static Error *config_find(const Cli *cli, const char *id, json_t **ret_environment)
{
    json_t *environment = profile_environment(cli->profile, id);

    if (!environment)
        return config_unknown(id);
    *ret_environment = environment;
    return NULL;
}

static json_t *config_new_environment(void)
{
    json_t *environment = json_object();

    json_put_at(environment, "url", json_string(""));
    json_put_at(environment, "token", json_string(""));
    json_put_at(environment, "insecure", json_false());
    json_put_at(environment, "forwarding.server_url", json_string(""));
    json_put_at(environment, "forwarding.local_port", json_string(""));
    json_put_at(environment, "forwarding.identity_file", json_string(""));
    json_put_at(environment, "branching.current_branch", json_string("main"));
    return environment;
}

/* Returns how many settings were given; *ret_changed how many of them are new. */
static int config_apply_options(const Args *args, json_t *environment, int *ret_changed)
{
    int given = 0;

    *ret_changed = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(config_settings); i++) {
        const char *text = args_text(args, config_settings[i].option);
        bool is_flag = strcmp(config_settings[i].option, "insecure") == 0;
        g_autoptr(json_t) value = NULL;

        if (!text)
            continue;
        value = is_flag ? json_boolean(args_flag(args, "insecure")) : json_string(text);
        given++;
        if (json_equal(json_at(environment, config_settings[i].path), value))
            continue;
        json_put_at(environment, config_settings[i].path, json_incref(value));
        (*ret_changed)++;
    }
    return given;
}

/* An address that cannot work is refused now rather than by each later command. */
static Error *config_check_url(const Args *args)
{
    const char *url = args_text(args, "url");
    g_autofree char *parsed = NULL;

    return url ? settings_parse_url(url, NULL, &parsed) : NULL;
}

static Error *config_add(Cli *cli, const char *id)
{
    json_t *environment = NULL;
    int changed = 0;

    if (!*id)
        return error_new(ERR_INVALID, "environment_id must not be empty");
    TRY(config_check_url(cli->args));
    if (profile_environment(cli->profile, id))
        return error_hint(error_new(ERR_CONFLICT, "environment \"%s\" is already initialized", id),
                          "\"ramet config update %s\" changes it.", id);
    environment = config_new_environment();
    config_apply_options(cli->args, environment, &changed);
    json_object_set_new(profile_environments(cli->profile), id, environment);
    profile_set_current_id(cli->profile, id);
    return profile_save(cli->profile);
}

/* --- commands --- */

Error *cmd_init(Cli *cli)
{
    const char *id = args_text(cli->args, "environment-id");

    TRY(config_load_to_change(cli));
    TRY(config_add(cli, id));
    cli_say(cli, "Database Lab CLI is successfully initialized. Environment \"%s\" is created.",
            id);
    return NULL;
}

Error *cmd_config_create(Cli *cli)
{
    const char *id = args_argument(cli->args);

    TRY(config_load_to_change(cli));
    if (!cli->profile->exists)
        return error_hint(error_new(ERR_NOT_FOUND, "there is no config file yet"),
                          "\"ramet init\" creates it with a first environment.");
    TRY(config_add(cli, id));
    cli_say(cli, "The \"%s\" environment is successfully created.", id);
    return NULL;
}

Error *cmd_config_update(Cli *cli)
{
    const char *id = args_argument(cli->args);
    json_t *environment = NULL;
    int changed = 0;

    TRY(config_load_to_change(cli));
    TRY(config_find(cli, id, &environment));
    TRY(config_check_url(cli->args));
    if (config_apply_options(cli->args, environment, &changed) == 0) {
        cli_say(cli, "config unchanged. Set options to update.");
        return NULL;
    }
    if (changed == 0) {
        cli_say(cli, "config unchanged. Set different option values to update.");
        return NULL;
    }
    profile_set_current_id(cli->profile, id);
    TRY(profile_save(cli->profile));
    cli_say(cli, "The \"%s\" environment is successfully updated.", id);
    return NULL;
}

Error *cmd_config_view(Cli *cli)
{
    const char *id = args_argument(cli->args);
    json_t *environment = NULL;
    g_autoptr(json_t) view = json_object();

    TRY(config_load(cli));
    if (!id)
        id = profile_current_id(cli->profile);
    environment = profile_environment(cli->profile, id);
    if (!environment)
        return error_hint(
            error_new(ERR_NOT_FOUND, "Configuration of environment \"%s\" not found.", id),
            "See \"ramet config list\".");
    json_object_set_new(view, "environment_id", json_string(id));
    json_object_update_missing(view, environment);
    cli_show_raw(cli, config_columns, view);
    return NULL;
}

static json_t *config_list_row(const char *id, json_t *environment, bool is_current)
{
    json_t *row = json_copy(environment);
    g_autofree char *marked = g_strdup_printf("[%s] %s", is_current ? "*" : " ", id);

    json_object_set_new(row, "env", json_string(marked));
    return row;
}

/* A table for everyone, as ever; JSON only where it is asked for. */
Error *cmd_config_list(Cli *cli)
{
    g_autoptr(json_t) rows = json_array();
    g_autofree char *table = NULL;
    const char *id = NULL;
    json_t *environment = NULL;

    TRY(config_load(cli));
    if (cli->is_format_chosen && cli->format == OUTPUT_JSON) {
        cli_show_raw(cli, NULL, profile_environments(cli->profile));
        return NULL;
    }
    json_object_foreach (profile_environments(cli->profile), id, environment) {
        bool is_current = strcmp(id, profile_current_id(cli->profile)) == 0;

        json_array_append_new(rows, config_list_row(id, environment, is_current));
    }
    table = print_format_rows(config_list_columns, rows);
    printf("Available CLI environments:\n%s", table);
    return NULL;
}

Error *cmd_config_switch(Cli *cli)
{
    const char *id = args_argument(cli->args);
    json_t *environment = NULL;

    TRY(config_load_to_change(cli));
    TRY(config_find(cli, id, &environment));
    profile_set_current_id(cli->profile, id);
    TRY(profile_save(cli->profile));
    cli_say(cli, "The CLI environment is successfully switched to \"%s\".", id);
    return NULL;
}

Error *cmd_config_remove(Cli *cli)
{
    const char *id = args_argument(cli->args);
    json_t *environment = NULL;

    TRY(config_load_to_change(cli));
    TRY(config_find(cli, id, &environment));
    json_object_del(profile_environments(cli->profile), id);
    if (!profile_current(cli->profile)) {
        void *first = json_object_iter(profile_environments(cli->profile));

        profile_set_current_id(cli->profile, first ? json_object_iter_key(first) : "");
    }
    TRY(profile_save(cli->profile));
    cli_say(cli, "Environment \"%s\" is successfully removed.\nThe current environment is \"%s\".",
            id, profile_current_id(cli->profile));
    return NULL;
}

Error *cmd_config_show_global(Cli *cli)
{
    g_autoptr(json_t) view = NULL;

    TRY(config_load(cli));
    view = json_pack("{s:s}", "tz", json_text_at(cli->profile->root, "settings.tz"));
    cli_show_raw(cli, config_global_columns, view);
    return NULL;
}

Error *cmd_config_set_global(Cli *cli)
{
    const char *zone = args_text(cli->args, "tz");

    TRY(config_load_to_change(cli));
    if (!zone) {
        cli_say(cli, "config unchanged. Set options to update");
        return NULL;
    }
    if (*zone) {
        g_autoptr(GTimeZone) known = g_time_zone_new_identifier(zone);

        if (!known)
            return error_hint(error_new(ERR_INVALID, "unknown time zone \"%s\"", zone),
                              "A zone is named like Europe/Berlin or UTC.");
    }
    json_put_at(cli->profile->root, "settings.tz", json_string(zone));
    TRY(profile_save(cli->profile));
    cli_say(cli, "CLI settings has been successfully updated.");
    return NULL;
}

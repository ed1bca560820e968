/*
 * The body of POST /clone, from the options of "ramet clone create".
 */
#include "cli/clone_request.h"

#include <string.h>

#include "cli/json_path.h"
#include "cli/password.h"
#include "cli/protection.h"

/* NAME=VALUE into an object; the example shows the option's use. */
static Error *clone_request_add_pair(const char *option, const char *text, const char *example,
                                     json_t *object)
{
    const char *equals = strchr(text, '=');
    g_autofree char *name = equals ? g_strndup(text, (size_t)(equals - text)) : g_strdup("");

    if (*g_strstrip(name) == '\0')
        return error_hint(
            error_new(ERR_INVALID, "option \"--%s\": \"%s\" is no NAME=VALUE", option, text),
            "For example: --%s %s", option, example);
    json_object_set_new(object, name, json_string(equals + 1));
    return NULL;
}

static Error *clone_request_add_setting(const char *text, json_t *settings)
{
    return clone_request_add_pair("extra-config", text, "work_mem=64MB", settings);
}

Error *clone_request_add_settings(const char *text, json_t *settings)
{
    g_auto(GStrv) parts = g_regex_split_simple(",(?=\\s*[A-Za-z_][\\w.]*\\s*=)", text, 0, 0);

    for (char **part = parts; *part; part++)
        TRY(clone_request_add_setting(*part, settings));
    return *parts ? NULL : clone_request_add_setting("", settings);
}

static Error *clone_request_password(const Args *args, char **ret_password)
{
    const char *file = args_text(args, "password-file");
    const char *password = args_text(args, "password");

    if (file)
        return password_read_file(file, ret_password);
    if (!password)
        return password_ask("Password for the clone: ", ret_password);
    *ret_password = g_strdup(password);
    return NULL;
}

static Error *clone_request_db(const Args *args, json_t **ret_db)
{
    g_autofree char *password = NULL;
    const char *database = args_text(args, "db-name");
    json_t *db = NULL;

    TRY(clone_request_password(args, &password));
    if (!g_utf8_validate(password, -1, NULL))
        return error_new(ERR_INVALID, "the password is not valid UTF-8");
    db = json_object();
    json_object_set_new(db, "username", json_string(args_text(args, "username")));
    json_object_set_new(db, "password", json_string(password));
    json_object_set_new(db, "restricted", json_boolean(args_flag(args, "restricted")));
    json_object_set_new(db, "db_name", json_string(database ? database : ""));
    *ret_db = db;
    return NULL;
}

static void clone_request_add_source(const Args *args, const char *current_branch, json_t *request)
{
    const char *snapshot = args_text(args, "snapshot-id");
    const char *branch = args_text(args, "branch");

    /* The server's own default is left unsaid. */
    if (!branch && !snapshot && strcmp(current_branch, "main") != 0)
        branch = current_branch;
    if (branch)
        json_object_set_new(request, "branch", json_string(branch));
    json_object_set_new(request, "snapshot",
                        snapshot ? json_pack("{s:s}", "id", snapshot) : json_null());
}

static Error *clone_request_add_all_settings(const Args *args, json_t *request)
{
    const GPtrArray *texts = args_list(args, "extra-config");
    json_t *settings = json_object();

    json_object_set_new(request, "extra_conf", settings);
    for (guint i = 0; texts && i < texts->len; i++)
        TRY(clone_request_add_settings(texts->pdata[i], settings));
    return NULL;
}

Error *clone_request_add_limits(const Args *args, json_t *request)
{
    const GPtrArray *texts = args_list(args, "limit");
    json_t *limits;

    if (!texts || texts->len == 0)
        return NULL;
    limits = json_object();
    json_object_set_new(request, "limits", limits);
    for (guint i = 0; i < texts->len; i++)
        if (*(const char *)texts->pdata[i] != '\0')
            TRY(clone_request_add_pair("limit", texts->pdata[i], "memory=1gb", limits));
    return NULL;
}

Error *clone_request_build(const Args *args, const char *branch, json_t **ret_request)
{
    g_autoptr(json_t) request = json_object();
    const char *id = args_text(args, "id");
    const char *protected_text = args_text(args, "protected");
    Protection protection = {0};
    json_t *db = NULL;

    if (protected_text)
        TRY(protection_parse(protected_text, &protection));
    json_object_set_new(request, "id", json_string(id ? id : ""));
    protection_put(&protection, request);
    clone_request_add_source(args, branch, request);
    TRY(clone_request_add_all_settings(args, request));
    TRY(clone_request_add_limits(args, request));
    TRY(clone_request_db(args, &db)); /* last: it may ask a person */
    json_object_set_new(request, "db", db);
    *ret_request = g_steal_pointer(&request);
    return NULL;
}

/*
 * Which settings a clone may bring: the rules that need no server.
 */
#include "postgres/conf_name.h"

#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "postgres/conf.h"

#define SETTINGS_MAX    200
#define NAME_MAX_BYTES  127
#define VALUE_MAX_BYTES 4096

/* Settings that are not a clone's to choose, and why. */
static const struct {
    const char *name;
    const char *why;
} reserved_settings[] = {
    {"config_file", "Ramet places a clone's files."},
    {"data_directory", "Ramet places a clone's files."},
    {"external_pid_file", "Ramet places a clone's files."},
    {"hba_file", "Ramet decides who may connect to a clone."},
    {"ident_file", "Ramet decides who may connect to a clone."},
    {"include", "A setting cannot bring other files."},
    {"include_dir", "A setting cannot bring other files."},
    {"include_if_exists", "A setting cannot bring other files."},
    {"listen_addresses", "Ramet decides where a clone listens; see cloneAccessAddresses."},
    {"log_directory", "Logs stay in the clone's data directory."},
    {"log_filename", "Logs stay in the clone's data directory."},
    {"port", "Ramet takes a clone's port from portPool."},
    {"stats_temp_directory", "Ramet places a clone's files."},
    {"unix_socket_directories", "Ramet decides where a clone listens."},
    {"unix_socket_group", "Ramet decides who may connect to a clone."},
    {"unix_socket_permissions", "Ramet decides who may connect to a clone."},
    {"archive_cleanup_command", "A setting cannot run programs on the server."},
    {"archive_command", "A setting cannot run programs on the server."},
    {"recovery_end_command", "A setting cannot run programs on the server."},
    {"restore_command", "A setting cannot run programs on the server."},
    {"ssl_passphrase_command", "A setting cannot run programs on the server."},
};

bool conf_name_is_valid(const char *name)
{
    static const char form[] = "^[A-Za-z_][A-Za-z0-9_$]*(\\.[A-Za-z_][A-Za-z0-9_$]*)?\\z";

    return strlen(name) <= NAME_MAX_BYTES &&
           g_regex_match_simple(form, name, G_REGEX_DEFAULT, G_REGEX_MATCH_DEFAULT);
}

char *conf_value_text(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        return g_strdup(json_string_value(value));
    case JSON_TRUE:
        return g_strdup("on");
    case JSON_FALSE:
        return g_strdup("off");
    case JSON_INTEGER:
    case JSON_REAL:
        return json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    default:
        return NULL;
    }
}

static const char *conf_reserved_why(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(reserved_settings); i++)
        if (g_ascii_strcasecmp(reserved_settings[i].name, name) == 0)
            return reserved_settings[i].why;
    return NULL;
}

static bool text_has_control(const char *text)
{
    for (; *text; text++)
        if (g_ascii_iscntrl(*text))
            return true;
    return false;
}

static Error *conf_check_name(const char *name)
{
    g_autofree char *shown = text_printable(name, NAME_MAX_BYTES);
    const char *why = conf_reserved_why(name);

    if (!conf_name_is_valid(name))
        return error_hint(error_new(ERR_INVALID, "invalid setting: \"%s\" is not a name", shown),
                          "A name is made of letters, digits and \"_\", as in \"work_mem\" or "
                          "\"auto_explain.log_timing\".");
    if (why)
        return error_hint(
            error_new(ERR_INVALID, "invalid setting: \"%s\" cannot be set for a clone", shown),
            "%s", why);
    return NULL;
}

static Error *conf_check_value(const char *name, const json_t *value)
{
    g_autofree char *text = conf_value_text(value);

    if (text == NULL)
        return error_hint(
            error_new(ERR_INVALID, "invalid setting: value of \"%s\" is not a scalar", name),
            "Give a string, a number, true or false.");
    if (strlen(text) > VALUE_MAX_BYTES)
        return error_new(ERR_INVALID, "invalid setting: value of \"%s\" is longer than %d bytes",
                         name, VALUE_MAX_BYTES);
    if (text_has_control(text) || !g_utf8_validate(text, -1, NULL))
        return error_new(ERR_INVALID,
                         "invalid setting: value of \"%s\" has a line break or a control character",
                         name);
    return NULL;
}

Error *conf_check_names(const json_t *settings)
{
    json_t *borrowed = (json_t *)(uintptr_t)settings; /* jansson's iterators are not const */

    if (settings && !json_is_object(settings))
        return error_new(ERR_INVALID, "invalid settings: not an object of names and values");
    if (json_object_size(settings) > SETTINGS_MAX)
        return error_new(ERR_INVALID, "invalid settings: more than %d of them", SETTINGS_MAX);

    for (void *at = json_object_iter(borrowed); at; at = json_object_iter_next(borrowed, at)) {
        TRY(conf_check_name(json_object_iter_key(at)));
        TRY(conf_check_value(json_object_iter_key(at), json_object_iter_value(at)));
    }
    return NULL;
}

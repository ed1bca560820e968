/*
 * How to reach the server. Each setting has one name on the command line and one path in the config
 * file.
 */
#include "cli/settings.h"

#include <string.h>

#include "base/text.h"
#include "cli/json_path.h"

#define SETTINGS_TIMEOUT_MS (60 * 1000)

/* The text of a setting; NULL when nobody says anything. Borrowed from one of the two. */
static const char *settings_text(const Args *args, const json_t *environment, const char *option,
                                 const char *path)
{
    const char *given = args_text(args, option);
    const char *configured = environment ? json_text_at(environment, path) : "";

    if (given)
        return given;
    return *configured ? configured : NULL;
}

static Error *settings_bad_url(const char *text, const char *why)
{
    return error_hint(error_new(ERR_INVALID, "invalid URL \"%s\": %s", text, why),
                      "A URL looks like http://127.0.0.1:2345 or https://ramet.example.com.");
}

Error *settings_parse_url(const char *text, const char *port, char **ret_url)
{
    g_autofree char *whole =
        strstr(text, "://") ? g_strdup(text) : g_strconcat("http://", text, NULL);
    g_autoptr(GUri) uri = g_uri_parse(whole, G_URI_FLAGS_ENCODED, NULL);
    g_autoptr(GUri) base = NULL;
    g_autofree char *path = NULL;
    int64_t port_number = 0;

    if (!uri || !g_uri_get_host(uri) || *g_uri_get_host(uri) == '\0')
        return settings_bad_url(text, "it has no host");
    if (strcmp(g_uri_get_scheme(uri), "http") != 0 && strcmp(g_uri_get_scheme(uri), "https") != 0)
        return settings_bad_url(text, "its scheme is neither http nor https");
    port_number = g_uri_get_port(uri);
    if (port)
        TRY(text_parse_int(port, 1, 65535, &port_number));
    path = g_strdup(g_uri_get_path(uri));
    for (size_t end = strlen(path); end > 0 && path[end - 1] == '/'; end--)
        path[end - 1] = '\0';
    base = g_uri_build(G_URI_FLAGS_ENCODED, g_uri_get_scheme(uri), g_uri_get_userinfo(uri),
                       g_uri_get_host(uri), (int)port_number, path, NULL, NULL);
    *ret_url = g_uri_to_string(base);
    return NULL;
}

Error *settings_expand(const char *text, char **ret_text)
{
    g_autoptr(GRegex) pattern = g_regex_new("\\$(?:\\{(\\w+)\\}|(\\w+))", 0, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL;
    g_autoptr(GString) out = g_string_new(NULL);
    int copied = 0;

    for (g_regex_match(pattern, text, 0, &match); g_match_info_matches(match);
         g_match_info_next(match, NULL)) {
        g_autofree char *braced = g_match_info_fetch(match, 1);
        g_autofree char *bare = g_match_info_fetch(match, 2);
        const char *name = *braced ? braced : bare;
        int start = 0;
        int end = 0;

        if (!g_getenv(name))
            return error_new(ERR_INVALID, "environment variable \"%s\" is not set", name);
        g_match_info_fetch_pos(match, 0, &start, &end);
        g_string_append_len(out, text + copied, start - copied);
        g_string_append(out, g_getenv(name));
        copied = end;
    }
    g_string_append(out, text + copied);
    *ret_text = g_string_free(g_steal_pointer(&out), FALSE);
    return NULL;
}

static Error *settings_read_url(const Args *args, const json_t *environment, Settings *settings)
{
    const char *url = settings_text(args, environment, "url", "url");
    const char *ssh =
        settings_text(args, environment, "forwarding-server-url", "forwarding.server_url");
    const char *port =
        settings_text(args, environment, "forwarding-local-port", "forwarding.local_port");
    Error *e = NULL;

    if (!url)
        return error_hint(error_new(ERR_INVALID, "the URL of the server is not known"),
                          "Use --url, set RAMET_INSTANCE_URL, or run \"ramet init\" once.");
    settings->is_forwarded = ssh && port;
    e = settings_parse_url(url, settings->is_forwarded ? port : NULL, &settings->url);
    return e ? error_wrap(e, "address of the server") : NULL;
}

static Error *settings_read_token(const Args *args, const json_t *environment, Settings *settings)
{
    const char *token = args_text(args, "token");

    if (!token)
        return settings_expand(environment ? json_text_at(environment, "token") : "",
                               &settings->token);
    settings->token = g_strdup(token);
    return NULL;
}

static Error *settings_read_timeout(const Args *args, const json_t *environment, Settings *settings)
{
    const char *text = settings_text(args, environment, "request-timeout", "request_timeout");

    settings->timeout_ms = 0;
    if (text && strcmp(text, "0") != 0)
        TRY(text_parse_duration(text, &settings->timeout_ms));
    if (settings->timeout_ms == 0)
        settings->timeout_ms = SETTINGS_TIMEOUT_MS;
    return NULL;
}

Error *settings_resolve(const Args *args, const Profile *profile, Settings **ret_settings)
{
    g_autoptr(Settings) settings = g_new0(Settings, 1);
    const json_t *environment = profile_current(profile);
    const char *branch =
        settings_text(args, environment, "current-branch", "branching.current_branch");

    TRY(settings_read_url(args, environment, settings));
    TRY(settings_read_token(args, environment, settings));
    TRY(settings_read_timeout(args, environment, settings));
    settings->is_insecure = args_text(args, "insecure")
                                ? args_flag(args, "insecure")
                                : environment && json_flag_at(environment, "insecure");
    settings->is_debug = args_flag(args, "debug");
    settings->branch = g_strdup(branch ? branch : "main");
    *ret_settings = g_steal_pointer(&settings);
    return NULL;
}

void settings_free(Settings *settings)
{
    if (!settings)
        return;
    g_free(settings->url);
    g_free(settings->token);
    g_free(settings->branch);
    g_free(settings);
}

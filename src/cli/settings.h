/*
 * How to reach the server, put together from the command line, the environment and the config file.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cli/args.h"
#include "cli/profile.h"

typedef struct Settings {
    char *url;   /* with scheme, without trailing slash, its port already that of the tunnel */
    char *token; /* "" = none */
    bool is_insecure;
    bool is_debug;
    bool is_forwarded; /* through an SSH tunnel */
    int64_t timeout_ms;
    char *branch; /* the current branch; "main" when nothing says otherwise */
} Settings;

/*
 * settings_resolve - option, else variable, else the current environment of the config file.
 *
 * Errors: ERR_INVALID no URL or a bad one (hint), a bad timeout, or a variable in the file's token
 *         is not set.
 */
MUST_CHECK Error *settings_resolve(const Args *args, const Profile *profile,
                                   Settings **ret_settings);
void settings_free(Settings *settings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Settings, settings_free)

/*
 * "127.0.0.1:2345" → "http://127.0.0.1:2345", caller frees. port replaces that of the URL; NULL
 * keeps it. ERR_INVALID (hint).
 */
MUST_CHECK Error *settings_parse_url(const char *text, const char *port, char **ret_url);

/* Replaces $NAME and ${NAME} by environment variables; caller frees. ERR_INVALID one is not set. */
MUST_CHECK Error *settings_expand(const char *text, char **ret_text);

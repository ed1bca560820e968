/*
 * The command line of rametd.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "config/config.h"

typedef struct ServerOptions ServerOptions;

/* NULL error: exit status 0. config is NULL for commands that need none. */
typedef Error *(*ServerCommand)(const Config *config, const ServerOptions *options);

struct ServerOptions {
    char *config_path;
    bool needs_config;
    ServerCommand command; /* NULL = run the server */
    char **words;          /* "pool", "create", NAME */
    char *driver;
    char *image;
    char *device;
    char *size;
    char *output;
    int force;
};

void server_options_clear(ServerOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ServerOptions, server_options_clear)

/* Errors: ERR_INVALID unknown option or command (hint). */
MUST_CHECK Error *options_read(int *argc, char ***argv, ServerOptions *ret_options);

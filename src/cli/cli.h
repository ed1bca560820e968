/*
 * One run of the client: what every command gets.
 */
#pragma once

#include <stdbool.h>

#include "cli/args.h"
#include "cli/client.h"
#include "cli/exit_status.h"
#include "cli/print.h"
#include "cli/profile.h"
#include "cli/settings.h"

typedef enum OutputFormat {
    OUTPUT_TABLE,
    OUTPUT_JSON,
} OutputFormat;

struct Cli {
    Args *args;
    Profile *profile;
    Settings *settings; /* NULL before cli_connect() */
    Client *client;     /* NULL before cli_connect() */
    OutputFormat format;
    bool is_format_chosen; /* by --output */
    ExitStatus status;     /* of a run that ends without an error */
};

/*
 * cli_run - the whole client, from the command line to the exit status. Errors go to stderr: the
 * message, then "detail: …" and "hint: …" lines.
 *
 *   argv   with the program's name first; NULL-terminated
 */
ExitStatus cli_run(const char *const *argv);

/* Reads the settings and makes the client; nothing is sent yet. Called for needs_server. */
MUST_CHECK Error *cli_connect(Cli *cli);

/*
 * cli_show - print what the server answered: an array as rows, an object as fields, or all of it as
 * JSON. Sizes and times are made readable, in place.
 */
void cli_show(const Cli *cli, const Column *columns, json_t *answer);

/* The same without touching sizes and times. */
void cli_show_raw(const Cli *cli, const Column *columns, const json_t *answer);

/* One line that says what was done; {"status", "message"} where JSON was asked for by --output. */
void cli_say(const Cli *cli, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

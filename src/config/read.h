/*
 * From server.yml to a Config, with all problems at once.
 */
#pragma once

#include "base/error.h"
#include "config/config.h"

typedef struct ConfigProblem {
    bool is_warning;
    int line; /* 1-based; 0 = the file as a whole */
    char *path;
    char *message;
    char *hint; /* or NULL */
} ConfigProblem;

/*
 * config_read - read, expand and check a whole configuration file.
 *
 *   path           file name, as it is printed in problems
 *   ret_problems   every problem found, warnings too, in the order of lines: GPtrArray of
 *                  ConfigProblem *; set in success and failure alike; caller unrefs
 *   ret_config     a reference, the caller's; set only without errors
 *
 * Errors: ERR_NOT_FOUND no such file; ERR_INVALID `configuration "server.yml" has 5 errors`
 *         (detail: one line each, "server.yml:12: cloning.maxIdleMinutes: …").
 */
MUST_CHECK Error *config_read(const char *path, GPtrArray **ret_problems, Config **ret_config);

/*
 * config_reload - what holds after a reload.
 *
 *   now       what holds until then
 *   fresh     of config_read(), and nobody has it yet: what may not be reloaded is set back to now's
 *   changed   gets the paths of options that change; constant text
 *   waiting   gets those whose change waits for a restart
 */
void config_reload(const Config *now, Config *fresh, GPtrArray *changed, GPtrArray *waiting);

/* "server.yml:12: path: message (hint)". Caller frees. */
char *config_problem_text(const char *file, const ConfigProblem *problem);

/* Markdown reference of all options, from the table: docs/configuration.md. Caller frees. */
char *config_reference(void);

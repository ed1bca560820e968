/*
 * Serving.
 */
#pragma once

#include "config/config.h"
#include "server/options.h"

/*
 * server_run - open the parts, recover, serve until SIGTERM or SIGINT; then close them in reverse.
 * Clones run on. SIGHUP has the configuration read again, and pools looked for.
 *
 * Errors: those of the part that could not be opened; what was opened before it is closed.
 */
MUST_CHECK Error *server_run(const Config *config, const ServerOptions *options);

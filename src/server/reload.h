/*
 * SIGHUP: the configuration is read again.
 */
#pragma once

#include "engine/engine.h"
#include "server/options.h"

/*
 * What the table calls reloadable holds for all that begins from now on; what else has changed waits
 * for a restart. Both are told in the log by name. A file with errors changes nothing.
 */
void server_reload(Engine *engine, const ServerOptions *options);

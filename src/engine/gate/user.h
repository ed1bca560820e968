/*
 * Whom the gateway runs as.
 */
#pragma once

#include "config/config.h"

/*
 * gate_user - the operating-system user of runtime.gatewayUser. The default one is made when it is
 * missing: its programs are nobody else's, so that none can take the gateway's connections. Where it
 * cannot be made, "nobody" does, with a warning. Caller frees. Cost: a look; useradd(8) the first
 * time.
 */
char *gate_user(const Config *config);

/* The same of any name, configured or not. */
char *gate_user_made(const char *name);

/*
 * The doctor compares what the store knows with what really exists: rows ⇔ volumes ⇔ instances ⇔
 * ports ⇔ sockets. It lists what it finds. It never repairs and never destroys.
 */
#pragma once

#include "engine/engine.h"

typedef struct Finding {
    bool is_error;    /* something is wrong; else a leftover, or a clone that is FATAL */
    const char *kind; /* "clone", "snapshot", "volume", "instance", "socket directory", … */
    char *name;
    char *message;
    char *hint;
} Finding;

/*
 * engine_examine - look for disagreements. Things that an operation under way touches are left out.
 *
 *   ret_findings   GPtrArray of Finding *, empty when all is well; caller unrefs
 */
MUST_CHECK Error *engine_examine(Engine *engine, GPtrArray **ret_findings);

/*
 * engine_examine_machine - settings of the machine with which one clone can stop others. They are
 * notices: the store and what exists agree all the same. None where the runtime does not isolate.
 *
 * Returns a GPtrArray of Finding *, of kind "machine"; caller unrefs.
 */
GPtrArray *engine_examine_machine(const Engine *engine);

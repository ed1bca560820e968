/*
 * The doctor compares what the store knows with what really exists: rows ⇔ volumes ⇔ instances ⇔
 * ports ⇔ sockets. It lists; it never mends and never destroys.
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
 * engine_examine - look for disagreements. What operations under way touch is left out.
 *
 *   ret_findings   GPtrArray of Finding *, empty when all is well; caller unrefs
 */
MUST_CHECK Error *engine_examine(Engine *engine, GPtrArray **ret_findings);

/*
 * Settings of the machine with which one clone can stop others: GPtrArray of Finding *, of kind
 * "machine"; caller unrefs. With them nothing on record is amiss.
 */
GPtrArray *engine_examine_machine(const Engine *engine);

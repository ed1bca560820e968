/*
 * What a clone may use: the configuration's limits, and narrower ones of its own.
 */
#pragma once

#include <jansson.h>

#include "engine/engine.h"
#include "runtime/runtime.h"
#include "store/clone.h"

/*
 * clone_limits_check - limits that a client asks for: known, sensible, within the configuration's
 * and the machine's.
 *
 *   own   as limits_parse(); NULL = none
 *
 * Errors: ERR_INVALID; ERR_BUSY the memory promised to all clones would be more than
 *         runtime.memoryPercent of the machine's (hint: who has most).
 */
MUST_CHECK Error *clone_limits_check(Engine *engine, const json_t *own, const char *uid);

/* What an instance gets. own: JSON text of its clone, NULL = no clone's. */
MUST_CHECK Error *clone_limits_effective(const Engine *engine, const char *own,
                                         InstanceLimits *ret_limits);

/* Can the pool hold a clone to what its disk limit would be? own as above. ERR_INVALID (hint). */
MUST_CHECK Error *clone_limits_check_disk(const Engine *engine, const json_t *own,
                                          const Pool *pool);

/*
 * clone_limits_set_disk - what its volume may hold.
 *
 *   own      JSON text of the clone
 *   is_new   nobody has limited the volume yet
 *
 * Errors: those of storage_limit_volume().
 */
MUST_CHECK Error *clone_limits_set_disk(const Engine *engine, const char *own, Pool *pool,
                                        const char *volume, bool is_new);

/*
 * engine_limit_clone - change a clone's own limits; what runs gets them at once, but for shared
 * memory and open files, which hold from its next start.
 *
 *   ret_clone   as it is now; caller frees
 *
 * Errors: those of clone_limits_check() and storage_limit_volume(); ERR_NOT_FOUND;
 *         ERR_CONFLICT another request changes them; ERR_EXTERNAL the runtime refused.
 */
MUST_CHECK Error *engine_limit_clone(Engine *engine, const char *id, const json_t *own,
                                     Clone **ret_clone);

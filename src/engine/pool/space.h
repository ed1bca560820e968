/*
 * The space of pools: what may still be taken, who holds it, and the watch that warns early of what
 * the gauge measures.
 */
#pragma once

#include "engine/engine.h"
#include "storage/measure.h"

typedef enum SpaceLevel {
    SPACE_OK,
    SPACE_WARNING, /* poolManager.warnPercent of the pool is used          */
    SPACE_ALARM,   /* poolManager.alarmPercent, or only the reserve is left */
} SpaceLevel;

/* "OK", "WARNING", "ALARM". */
const char *space_level_name(SpaceLevel level);

SpaceLevel space_level(const Config *config, const SpaceUsage *usage);

/* Bytes of a pool that creates and refreshes leave alone: poolManager.reserve. */
uint64_t space_reserve_bytes(const Config *config, const SpaceUsage *usage);

/*
 * space_check - may so much more be taken from the pool?
 *
 *   needed_bytes   what is to be written, as far as one knows; 0 = a clone's first pages
 *
 * Errors: ERR_NO_SPACE when less than that would be left beside the reserve; the hint says who holds
 *         the space. Those of storage_usage().
 */
MUST_CHECK Error *space_check(Engine *engine, Pool *pool, uint64_t needed_bytes);

/* What the log was told of pools: a line when one reaches a level, and one when it is below again. */
typedef struct SpaceWatch SpaceWatch;
SpaceWatch *space_watch_new(Engine *engine);
void space_watch_free(SpaceWatch *watch); /* NULL is fine */

/* Takes note of what a pool holds now. Threads of several pools may call it at once. */
void space_watch_note(SpaceWatch *watch, const char *pool, const SpaceUsage *usage);

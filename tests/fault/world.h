/*
 * The world outside: volumes, snapshots, instances and ports, as far as the engine can tell. It
 * takes the place of storage, runtime, gateway and PostgreSQL; the store is the real one. Each
 * effect can be made to fail, before it is done or after, or to be the last one before a crash:
 * from then on nothing reaches world or store until plan_revive().
 */
#pragma once

#include "engine/engine.h"

void world_open(void);
void world_close(void);

void world_add_snapshot(const char *uid);
void world_stop_instances(void); /* as a reboot does */
void world_count_stops(void);
int world_stops(void); /* how often an instance was stopped since world_count_stops() */

/* What is there that nobody needs, or is missing; NULL = nothing. Caller frees. */
char *world_compare(Store *store);

/*
 * The world outside: volumes, snapshots, instances and ports, as far as the engine can tell. It
 * takes the place of storage, runtime, gateway and PostgreSQL; the store is the real one. Each
 * effect can be made to fail, before it is done or after, or to be the last one before a crash:
 * from then on nothing reaches world or store until plan_revive().
 *
 * What it takes the place of is a file each: world_storage.c, world_instance.c, world_postgres.c,
 * world_source.c, and world_engine.c for those parts of the engine that only lead there. A second passes with each
 * look at the clock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

void world_open(void);
void world_close(void);

void world_add_snapshot(const char *uid);
void world_remove_snapshot(const char *uid);
bool world_has_volume(const char *name);
void world_stop_instances(void); /* as a reboot does */
void world_break(void);      /* no data that is there now starts any more, as its users left it */
void world_take_ports(void); /* another program listens on all of them */
void world_free_ports(void);
void world_take_snapshots_at_once(bool can); /* of what runs: the storage can */

/* Called where the engine asks for a pool: between its look at the store and what it records. */
extern void (*world_meanwhile)(void);

/* Of CHECKPOINT; and how long it was given. */
extern bool world_checkpointer_is_stopped;
extern int64_t world_checkpoint_ms;

int world_failed_starts(void); /* that the supervisor was told of */

void world_count_stops(void);
int world_stops(void); /* how often an instance was stopped since world_count_stops() */

/* Where an instance runs, and whether its door is "open" or "held"; NULL = nowhere. Caller frees. */
char *world_instance_data(const char *id);
char *world_door(const char *id);

/*
 * What the files of this folder share: the sets of what there is, and the two ways to an effect.
 */
#pragma once

#include <glib.h>

#include "base/error.h"
#include "world.h"

#define WORLD_MAJOR 17 /* of every PostgreSQL */

typedef struct WorldTables {
    GMutex lock;             /* for all below */
    GHashTable *volumes;     /* → what it was made of */
    GHashTable *snapshots;   /* → the volume */
    GHashTable *instances;   /* id → data directory */
    GHashTable *doors;       /* id → "open" or "held" */
    GHashTable *ports;       /* port → id, for each door there ever was */
    GHashTable *directories; /* id of an instance that has run and is not forgotten */
    GHashTable *marks;       /* volume or snapshot → uid of the operation that makes it */
    GHashTable *broken;      /* volumes */
    char *dir;               /* where sockets are */
    bool is_atomic, ports_are_taken;
    int n_stops, n_failed_starts;
} WorldTables;

extern WorldTables world;

/* Of world's tables. NULL as the value removes; what world_get() returns is the caller's. */
void world_set(GHashTable *table, const char *key, const char *value);
char *world_get(GHashTable *table, const char *key);
bool world_has(GHashTable *table, const char *key);
bool world_runs_on(const char *volume);

/* An effect: a change of a table, or of what nobody keeps. what: its name, for the plan. */
MUST_CHECK Error *world_change_as(const char *what, GHashTable *table, const char *key,
                                  const char *value);
MUST_CHECK Error *world_touch_as(const char *what);

#define world_change(table, key, value) world_change_as(__func__, table, key, value)
#define world_touch()                   world_touch_as(__func__)

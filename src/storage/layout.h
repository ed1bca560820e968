/*
 * Names of the directories of a pool: see storage.h for what is where.
 */
#pragma once

#define LAYOUT_VOLUMES   "volumes"
#define LAYOUT_SNAPSHOTS "snapshots"
#define LAYOUT_PRIVATE   ".ramet" /* in the pool, and in each volume and snapshot */

/*
 * A server with one clone, "c".
 */
#pragma once

#include "engine/engine.h"
#include "server.h"
#include "store/clone.h"

typedef Server WorldFixture;

void world_set_up(WorldFixture *f, const void *unused);
void world_tear_down(WorldFixture *f, const void *unused);

void make_clone(WorldFixture *f);    /* "c", and waits for it */
void destroy_clone(WorldFixture *f); /* likewise */
Clone *the_clone(WorldFixture *f);   /* as it is now; caller frees */

void settle(WorldFixture *f); /* until nothing is under way */

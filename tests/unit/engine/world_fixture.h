/*
 * The engine over a real store and the world of tests/fault, in which nothing fails: with the clone
 * "c" that serves, made of "s1". "s2" is there, too.
 */
#pragma once

#include "engine/engine.h"
#include "store/clone.h"
#include "world.h"

typedef struct WorldFixture {
    char *dir;
    Engine engine;
    Config config;
} WorldFixture;

void world_set_up(WorldFixture *f, const void *unused);
void world_tear_down(WorldFixture *f, const void *unused);

void must(Error *e);

void make_clone(WorldFixture *f);    /* "c", and waits for it */
void destroy_clone(WorldFixture *f); /* likewise */
Clone *the_clone(WorldFixture *f);   /* as it is now; caller frees */

void settle(WorldFixture *f); /* until nothing is under way */

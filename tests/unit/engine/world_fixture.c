/*
 * One clone, and its life.
 */
#include "world_fixture.h"

#include "engine/clone/clone.h"

void settle(WorldFixture *f)
{
    server_settle(f);
}

void make_clone(WorldFixture *f)
{
    must(server_create_clone(f, ""));
    settle(f);
}

void destroy_clone(WorldFixture *f)
{
    must(engine_destroy_clone(&f->engine, "c"));
    settle(f);
}

Clone *the_clone(WorldFixture *f)
{
    Clone *clone = NULL;

    must(store_get_clone(f->engine.store, "c", &clone));
    return clone;
}

void world_set_up(WorldFixture *f, const void *unused)
{
    server_open(f);
    make_clone(f);
}

void world_tear_down(WorldFixture *f, const void *unused)
{
    server_close(f);
}

/*
 * Snapshots of clones that their users have broken, and of one whose checkpointer does not answer.
 */
#include "engine/snapshot/snapshot.h"

#include <string.h>

#include "engine/clone/clone.h"
#include "operation/operation.h"
#include "world_fixture.h"

static void take_snapshot(WorldFixture *f)
{
    g_autoptr(Snapshot) snapshot = NULL;

    must(engine_snapshot_clone(&f->engine, "c", "", NULL, NULL, &snapshot));
}

static unsigned count_snapshots(WorldFixture *f)
{
    g_autoptr(GPtrArray) snapshots = NULL;

    must(store_list_snapshots(f->engine.store, &snapshots));
    return snapshots->len;
}

/* Stopped for it, the clone does not start again: nothing is owed for that, and a reset makes it anew. */
static void test_of_broken_data(WorldFixture *f, const void *unused)
{
    world_break();
    take_snapshot(f);
    settle(f);
    g_autoptr(Clone) left = the_clone(f);

    g_assert_cmpint(left->state, ==, CLONE_FATAL);
    g_assert_nonnull(strstr(left->message, "does not start again"));
    g_assert_nonnull(strstr(left->message, "is broken"));
    g_assert_cmpint(world_failed_starts(), ==, 1);
    g_assert_cmpuint(count_snapshots(f), ==, 2);
    must(engine_reset_clone(&f->engine, "c", "", false));
    settle(f);
    g_autoptr(Clone) anew = the_clone(f);
    g_autofree char *problems = server_problems(f);
    g_assert_cmpint(anew->state, ==, CLONE_OK);
    g_assert_cmpstr(problems, ==, NULL);
}

/* It keeps the recovery of later clones short, and that is all. */
static void test_without_checkpoint(WorldFixture *f, const void *unused)
{
    world_take_snapshots_at_once(true);
    world_checkpointer_is_stopped = true;
    take_snapshot(f);
    settle(f);
    g_autoptr(Clone) clone = the_clone(f);

    g_assert_cmpint(clone->state, ==, CLONE_OK);
    g_assert_cmpuint(count_snapshots(f), ==, 3);
    g_assert_cmpint(world_checkpoint_ms, >, 0);
    g_assert_cmpint(world_checkpoint_ms, <=, 60000);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/snapshot-clone/of-broken-data", WorldFixture, NULL, world_set_up,
               test_of_broken_data, world_tear_down);
    g_test_add("/snapshot-clone/without-checkpoint", WorldFixture, NULL, world_set_up,
               test_without_checkpoint, world_tear_down);
    return g_test_run();
}

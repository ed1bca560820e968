/*
 * What background work has seen, and is not so any more when it is recorded: the clone is another by then,
 * though its id is the same, or its user has thought of it.
 */
#include <glib.h>

#include "base/clock.h"
#include "engine/clone/clone.h"
#include "engine/clone/start.h"
#include "engine/instance/idle.h"
#include "engine/kinds.h"
#include "engine/snapshot/snapshot.h"
#include "world_fixture.h"

static WorldFixture *the_fixture;

static Snapshot *take_snapshot(WorldFixture *f)
{
    Snapshot *snapshot = NULL;

    must(engine_snapshot_clone(&f->engine, "c", "", NULL, NULL, &snapshot));
    settle(f);
    return snapshot;
}

/* --- what happens meanwhile --- */

static void another_has_its_id(void)
{
    destroy_clone(the_fixture);
    make_clone(the_fixture);
}

static void it_is_gone(void)
{
    destroy_clone(the_fixture);
}

static void it_is_protected(void)
{
    g_autoptr(Clone) clone = NULL;

    must(engine_protect_clone(&the_fixture->engine, "c", true, true, 0, &clone));
}

static void it_has_a_snapshot(void)
{
    g_autoptr(Snapshot) snapshot = take_snapshot(the_fixture);
}

static void it_is_reset(void)
{
    g_usleep(2000); /* two starts within a millisecond are one */
    must(engine_reset_clone(&the_fixture->engine, "c", "s2", false));
    while (operations_is_busy(the_fixture->engine.operations, clone_reset_kind.name, NULL))
        g_thread_yield();
}

/* --- the idle --- */

typedef struct Case {
    const char *name;
    void (*meanwhile)(void);
    bool is_destroyed; /* the one that was seen */
} Case;

static const Case idle_cases[] = {
    {"nothing", NULL, true},
    {"same-id", another_has_its_id, true},
    {"gone", it_is_gone, true},
    {"protected", it_is_protected, false},
    {"snapshot", it_has_a_snapshot, false},
    {"reset", it_is_reset, false},
};

static bool is_there(WorldFixture *f, const char *uid)
{
    g_autoptr(Clone) clone = NULL;
    g_autoptr(Error) e = store_get_clone_by_uid(f->engine.store, uid, &clone);

    return !e;
}

static void test_idle(WorldFixture *f, const void *data)
{
    const Case *test = data;
    g_autoptr(Clone) seen = the_clone(f);
    bool is_begun = true;

    the_fixture = f;
    world_meanwhile = test->meanwhile;
    g_autoptr(Error) e =
        engine_destroy_clone_if(&f->engine, seen->uid, idle_is_still, seen, &is_begun);
    settle(f);
    g_assert_null(e);
    g_assert_cmpint(is_begun, ==, test->meanwhile == NULL);
    g_assert_cmpint(is_there(f, seen->uid), ==, !test->is_destroyed);
    if (test->meanwhile != another_has_its_id)
        return;
    g_autoptr(Clone) other = the_clone(f);
    g_assert_cmpint(other->state, ==, CLONE_OK);
}

/* --- the snapshot whose time has come --- */

static void its_time_is_taken_back(void)
{
    const SnapshotUpdate never = {.has_delete_at = true};
    g_autoptr(GPtrArray) snapshots = NULL;

    must(store_list_snapshots(the_fixture->engine.store, &snapshots));
    for (unsigned i = 0; i < snapshots->len; i++) {
        const Snapshot *snapshot = snapshots->pdata[i];
        if (*snapshot->clone_id)
            must(store_set_snapshot_lease(the_fixture->engine.store, snapshot->uid, false, 0,
                                          never.delete_at_ms));
    }
}

static bool is_offered(WorldFixture *f, const char *uid)
{
    g_autoptr(Snapshot) snapshot = NULL;
    g_autoptr(Error) e = store_get_snapshot_by_uid(f->engine.store, uid, &snapshot);

    return !e && snapshot->is_ready;
}

static void test_due(WorldFixture *f, const void *data)
{
    const Case *test = data;
    g_autoptr(Snapshot) taken = take_snapshot(f);
    g_autoptr(Snapshot) seen = NULL;
    bool is_begun = false;

    the_fixture = f;
    must(store_set_snapshot_lease(f->engine.store, taken->uid, false, 0, 1000));
    must(store_get_snapshot_by_uid(f->engine.store, taken->uid, &seen));
    g_assert_true(snapshot_is_due(seen));
    world_meanwhile = test->meanwhile;
    must(engine_delete_due_snapshot(&f->engine, seen, &is_begun));
    settle(f);
    g_assert_cmpint(is_begun, ==, test->is_destroyed);
    g_assert_cmpint(is_offered(f, taken->uid), ==, !test->is_destroyed);
}

static const Case due_cases[] = {
    {"nothing", NULL, true},
    {"taken-back", its_time_is_taken_back, false},
};

/* --- a forced deletion --- */

static bool is_of(WorldFixture *f, const char *snapshot_uid)
{
    g_autoptr(Clone) clone = the_clone(f);

    return g_str_equal(clone->snapshot_uid, snapshot_uid);
}

/* The clone is listed as one of it, and is reset to "s2" before its turn: it stays. */
static void test_forced(WorldFixture *f, const void *unused)
{
    g_autoptr(Snapshot) taken = take_snapshot(f);

    the_fixture = f;
    must(engine_reset_clone(&f->engine, "c", taken->id, false));
    settle(f);
    world_meanwhile = it_is_reset;
    must(engine_delete_snapshot(&f->engine, taken->id, true, NULL, NULL));
    while (operations_is_busy(f->engine.operations, NULL, taken->uid))
        g_thread_yield();
    settle(f);
    g_assert_true(is_of(f, "s2"));
    g_assert_false(is_offered(f, taken->uid));
}

/* --- the supervisor --- */

static void start_it(WorldFixture *f, const Clone *seen)
{
    must(engine_start_clone(&f->engine, seen->uid, CLONE_IN(OK) | CLONE_IN(FATAL), "ended", 0));
    settle(f);
}

/* What ended and is gone by now, is worked on, or runs again, is not started; another of its id is left alone. */
static void test_supervisor(WorldFixture *f, const void *unused)
{
    g_autoptr(Clone) seen = the_clone(f);

    the_fixture = f;
    start_it(f, seen);
    g_autoptr(Clone) runs = the_clone(f);
    g_assert_cmpstr(runs->message, ==, "");
    another_has_its_id();
    start_it(f, seen);
    g_autoptr(Clone) other = the_clone(f);
    g_assert_cmpstr(other->message, ==, "");
    world_stop_instances();
    start_it(f, other);
    g_autoptr(Clone) started = the_clone(f);
    g_assert_cmpstr(started->message, ==, "ended");
}

static void add_cases(const char *name, const Case *cases, size_t n,
                      void (*test)(WorldFixture *f, const void *data))
{
    for (size_t i = 0; i < n; i++) {
        g_autofree char *path = g_strdup_printf("/races/%s/%s", name, cases[i].name);
        g_test_add(path, WorldFixture, &cases[i], world_set_up, test, world_tear_down);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add_cases("idle", idle_cases, G_N_ELEMENTS(idle_cases), test_idle);
    add_cases("due", due_cases, G_N_ELEMENTS(due_cases), test_due);
    g_test_add("/races/forced", WorldFixture, NULL, world_set_up, test_forced, world_tear_down);
    g_test_add("/races/supervisor", WorldFixture, NULL, world_set_up, test_supervisor,
               world_tear_down);
    return g_test_run();
}

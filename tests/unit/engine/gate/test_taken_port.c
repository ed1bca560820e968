/*
 * Another program listens on the port of a clone that is not let in for a while: whatever is done
 * to the clone, and whatever of it fails, comes to its end.
 */
#include "base/clock.h"
#include "engine/clone/clone.h"
#include "engine/clone/start.h"
#include "engine/kinds.h"
#include "engine/snapshot/snapshot.h"
#include "plan.h"
#include "world_fixture.h"

#define SETTLE_MS 10000

typedef Error *(*Request)(WorldFixture *f);

static Error *ask_for_reset(WorldFixture *f)
{
    return engine_reset_clone(&f->engine, "c", "s2", false);
}

static Error *ask_for_snapshot(WorldFixture *f)
{
    g_autoptr(Snapshot) snapshot = NULL;

    return engine_snapshot_clone(&f->engine, "c", "", NULL, NULL, &snapshot);
}

static Error *ask_for_start(WorldFixture *f)
{
    g_autoptr(Clone) clone = the_clone(f);

    world_stop_instances();
    return engine_start_clone(&f->engine, clone->uid, CLONE_IN(OK), "ended", 0);
}

static const struct {
    const char *name;
    Request request;
} requests[] = {
    {"reset", ask_for_reset},
    {"snapshot", ask_for_snapshot},
    {"start", ask_for_start},
};

static void test_done(WorldFixture *f, const void *request)
{
    world_take_ports();
    must(((Request)(uintptr_t)request)(f));
    settle(f);
    g_autoptr(Clone) clone = the_clone(f);
    g_assert_cmpint(clone->state, ==, CLONE_OK);
}

static Error *is_at_rest(void *data, bool *ret_done)
{
    const WorldFixture *f = data;
    g_autoptr(GPtrArray) rows = NULL;

    operations_hurry(f->engine.operations);
    TRY(store_list_operations(f->engine.store, &rows));
    *ret_done = rows->len == 0 && !operations_is_busy(f->engine.operations, NULL, NULL);
    return NULL;
}

/* Each effect fails in turn: the undo of what was done is not owed for want of the port. */
static void test_failed(WorldFixture *f, const void *request)
{
    int n_effects;

    for (int at = 1;; at++) {
        world_take_ports();
        plan_arm((Fault){at, FAULT_FAILS}, (Fault){0});
        error_free(((Request)(uintptr_t)request)(f));
        must(wait_until(clock_monotonic_ms() + SETTLE_MS, is_at_rest, f));
        n_effects = plan_count();
        plan_arm((Fault){0}, (Fault){0});
        world_free_ports();
        destroy_clone(f);
        make_clone(f);
        if (n_effects < at)
            break;
    }
    g_assert_cmpint(n_effects, >, 5);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(requests); i++) {
        g_autofree char *done = g_strdup_printf("/taken-port/%s/done", requests[i].name);
        g_autofree char *failed = g_strdup_printf("/taken-port/%s/failed", requests[i].name);
        const void *request = (const void *)(uintptr_t)requests[i].request;

        g_test_add(done, WorldFixture, request, world_set_up, test_done, world_tear_down);
        g_test_add(failed, WorldFixture, request, world_set_up, test_failed, world_tear_down);
    }
    return g_test_run();
}

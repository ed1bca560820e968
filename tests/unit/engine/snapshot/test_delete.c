/*
 * Which snapshots go: asked for, when their time has come, and when a newer one is there.
 */
#include <string.h>

#include "base/ticker.h"
#include "engine/clone/clone.h"
#include "engine/snapshot/snapshot.h"
#include "engine/snapshot/sweeper.h"
#include "storage/storage_foreign.h"
#include "world_fixture.h"

#define FAR_AWAY (INT64_C(1) << 60)

/* --- the sweeper's thread is us --- */

static void (*tick)(void *data);
static void *tick_data;

Error *ticker_start(const char *name, int64_t interval_ms, void (*when)(void *data), void *data,
                    Ticker **ret_ticker)
{
    tick = when;
    tick_data = data;
    *ret_ticker = NULL;
    return NULL;
}

void ticker_stop(Ticker *ticker)
{
}

/* --- snapshots --- */

/* Of the clone "c", and nobody uses it; then what the test makes of it. */
static Snapshot *snapshot_of(const char *uid)
{
    Snapshot *snapshot = snapshot_new();

    snapshot->uid = g_strdup(uid);
    snapshot->id = g_strdup_printf("p@%s", uid);
    snapshot->pool = g_strdup("p");
    snapshot->branch = g_strdup("main");
    snapshot->clone_id = g_strdup("c");
    snapshot->pg_major = 17;
    snapshot->is_ready = true;
    snapshot->data_state_at_ms = snapshot->created_at_ms = 2000;
    return snapshot;
}

static void of_golden_data(Snapshot *snapshot)
{
    *snapshot->clone_id = '\0';
}

static void of_another_program(Snapshot *snapshot)
{
    g_free(snapshot->uid);
    snapshot->uid = g_strconcat(STORAGE_FOREIGN_PREFIX, "it", NULL);
}

static void golden_of_another_program(Snapshot *snapshot)
{
    of_golden_data(snapshot);
    of_another_program(snapshot);
}

static void protected(Snapshot *snapshot)
{
    snapshot->is_protected = true;
}

static void protected_for_long(Snapshot *snapshot)
{
    snapshot->is_protected = true;
    snapshot->protected_till_ms = FAR_AWAY;
}

static void protected_till_lately(Snapshot *snapshot)
{
    snapshot->is_protected = true;
    snapshot->protected_till_ms = 1;
}

static void golden_protected(Snapshot *snapshot)
{
    of_golden_data(snapshot);
    protected(snapshot);
}

static void golden_protected_till_lately(Snapshot *snapshot)
{
    of_golden_data(snapshot);
    protected_till_lately(snapshot);
}

static void golden_not_ready(Snapshot *snapshot)
{
    of_golden_data(snapshot);
    snapshot->is_ready = false;
}

static void golden_and_newer(Snapshot *snapshot)
{
    of_golden_data(snapshot);
    snapshot->data_state_at_ms = 4000;
}

static void golden_of_another_pool(Snapshot *snapshot)
{
    of_golden_data(snapshot);
    g_free(snapshot->pool);
    snapshot->pool = g_strdup("q");
}

typedef struct Case {
    const char *name;
    void (*make)(Snapshot *snapshot);
    const char *refusal; /* part of what is said; NULL: it goes */
    bool has_clone, clone_is_protected, is_forced;
} Case;

static Snapshot *add_snapshot(WorldFixture *f, const Case *test)
{
    Snapshot *snapshot = snapshot_of("it");

    if (test->make)
        test->make(snapshot);
    must(store_insert_snapshot(f->engine.store, snapshot));
    world_add_snapshot(snapshot->uid);
    return snapshot;
}

/* "c" is made of it, as after a reset; the protection of a clone is the store's. */
static void use(WorldFixture *f, const Snapshot *snapshot, bool is_protected)
{
    g_autoptr(Clone) clone = the_clone(f);

    must(engine_reset_clone(&f->engine, "c", snapshot->id, false));
    settle(f);
    must(store_set_clone_protection(f->engine.store, clone->uid, is_protected, 0));
}

static bool is_there(WorldFixture *f, const char *uid)
{
    g_autoptr(Snapshot) snapshot = NULL;
    g_autoptr(Error) e = store_get_snapshot_by_uid(f->engine.store, uid, &snapshot);

    return !e;
}

static void assert_refusal(const Error *e, const char *part)
{
    g_assert_cmpint(e != NULL, ==, part != NULL);
    if (!e)
        return;
    g_assert_cmpint(e->code, ==, ERR_CONFLICT);
    g_assert_nonnull(strstr(e->message, part));
    g_assert_nonnull(e->hint);
}

/* --- asked for --- */

static const Case deletions[] = {
    {"of-a-clone", NULL, NULL},
    {"automatic", of_golden_data, "automatic snapshot"},
    {"of-another-program", of_another_program, "not ours"},
    {"protected", protected, "is protected"},
    {"protected-for-long", protected_for_long, "is protected"},
    {"protection-is-over", protected_till_lately, NULL},
    {"used", NULL, "dependent clones: c", .has_clone = true},
    {"used-and-forced", NULL, NULL, .has_clone = true, .is_forced = true},
    {"used-and-protected", NULL, "dependent protected clones: c", .has_clone = true,
     .clone_is_protected = true},
    {"used-protected-and-forced", NULL, "dependent protected clones: c", .has_clone = true,
     .clone_is_protected = true, .is_forced = true},
    {"protected-and-forced", protected, "is protected", .is_forced = true},
};

static void test_deletion(WorldFixture *f, const void *data)
{
    const Case *test = data;
    g_autoptr(Snapshot) snapshot = add_snapshot(f, test);

    if (test->has_clone)
        use(f, snapshot, test->clone_is_protected);
    g_autoptr(Error) e =
        engine_delete_snapshot(&f->engine, snapshot->id, test->is_forced, NULL, NULL);
    settle(f);
    assert_refusal(e, test->refusal);
    g_assert_cmpint(is_there(f, snapshot->uid), ==, test->refusal != NULL);

    g_autoptr(Clone) clone = NULL;
    g_autoptr(Error) gone = store_get_clone(f->engine.store, "c", &clone);
    g_assert_cmpint(gone != NULL, ==, test->has_clone && test->is_forced && !test->refusal);
}

/* --- retirement --- */

/* refusal: any text: it stays. */
static const Case retirements[] = {
    {"older", of_golden_data, NULL},
    {"of-a-clone", NULL, "stays"},
    {"newer", golden_and_newer, "stays"},
    {"of-another-pool", golden_of_another_pool, "stays"},
    {"of-another-program", golden_of_another_program, "stays"},
    {"protected", golden_protected, "stays"},
    {"protection-is-over", golden_protected_till_lately, NULL},
    {"not-ready", golden_not_ready, "stays"},
    {"used", of_golden_data, "stays", .has_clone = true},
};

static void test_retirement(WorldFixture *f, const void *data)
{
    const Case *test = data;
    g_autoptr(Snapshot) snapshot = add_snapshot(f, test);
    g_autoptr(Snapshot) newest = snapshot_of("newest");

    of_golden_data(newest);
    newest->data_state_at_ms = 3000;
    must(store_insert_snapshot(f->engine.store, newest));
    world_add_snapshot(newest->uid);
    if (test->has_clone)
        use(f, snapshot, false);
    must(engine_retire_snapshots(&f->engine, newest));
    settle(f);
    g_assert_cmpint(is_there(f, snapshot->uid), ==, test->refusal != NULL);
    g_assert_true(is_there(f, newest->uid));
}

/* --- the sweeper --- */

/* What a subprocess does: it tells by its log. */
static void sweep(WorldFixture *f)
{
    static const Case plain = {"it", NULL, NULL};
    g_autoptr(Snapshot) snapshot = add_snapshot(f, &plain);
    SnapshotSweeper *sweeper = NULL;

    use(f, snapshot, false);
    must(snapshot_sweeper_start(&f->engine, &sweeper));
    tick(tick_data);
    g_assert_true(is_there(f, snapshot->uid)); /* it has no time to go */
    must(store_set_snapshot_lease(f->engine.store, snapshot->uid, false, 0, 1));
    for (int i = 0; i < 3; i++)
        tick(tick_data);
    settle(f);
    g_assert_true(is_there(f, snapshot->uid)); /* it is used */
    destroy_clone(f);
    tick(tick_data);
    settle(f);
    g_assert_false(is_there(f, snapshot->uid));
    snapshot_sweeper_stop(sweeper);
}

/* Used, it is left, which is logged once; when it is not used any more it goes. */
static void test_sweeper(void)
{
    WorldFixture f = {0};

    if (g_test_subprocess()) {
        world_set_up(&f, NULL);
        sweep(&f);
        world_tear_down(&f, NULL);
        exit(0);
    }
    g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr("*is not deleted yet*deleting a snapshot whose time has come*");
    g_test_trap_assert_stderr_unmatched("*is not deleted yet*is not deleted yet*");
}

static void add(const char *path, const Case *cases, size_t n,
                void (*test)(WorldFixture *f, const void *data))
{
    for (size_t i = 0; i < n; i++) {
        g_autofree char *name = g_strconcat(path, cases[i].name, NULL);
        g_test_add(name, WorldFixture, &cases[i], world_set_up, test, world_tear_down);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/deletion/", deletions, G_N_ELEMENTS(deletions), test_deletion);
    add("/retirement/", retirements, G_N_ELEMENTS(retirements), test_retirement);
    g_test_add_func("/sweeper/what-is-used", test_sweeper);
    return g_test_run();
}

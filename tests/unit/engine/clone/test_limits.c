/*
 * Changing a clone's limits: over a real store, with a runtime that does what the test says.
 */
#include "engine/clone/limits.h"

#include "base/fs.h"
#include "engine/clone/start.h"
#include "engine/pool/pools.h"
#include "operation/operation.h"
#include "storage/measure.h"
#include "store/snapshot.h"

#define MIB (INT64_C(1) << 20)

typedef struct Fixture {
    char *dir;
    Config config;
    Engine engine;
} Fixture;

/* What the runtime was told last, and what it does when it is told. */
static struct {
    int64_t memory_bytes;
    bool refuses;
    bool sets_a_part; /* of what it refuses, once */
    void (*when_told)(Fixture *f);
    Fixture *fixture;
} runtime;

static bool start_is_busy;

static void must(Error *e)
{
    if (e)
        g_error("unexpected error: %s", e->message);
}

/* --- the world outside --- */

const OperationKind clone_start_kind = {.name = "start"};

bool operations_is_busy(Operations *operations, const char *kind, const char *target)
{
    return start_is_busy && g_strcmp0(kind, "start") == 0;
}

Error *runtime_limit(Runtime *unused, const char *id, const InstanceLimits *limits)
{
    if (runtime.when_told)
        runtime.when_told(runtime.fixture);
    if (runtime.refuses)
        return error_new(ERR_EXTERNAL, "refused");
    runtime.memory_bytes = limits->memory_bytes;
    if (!runtime.sets_a_part)
        return NULL;
    runtime.sets_a_part = false;
    return error_new(ERR_EXTERNAL, "refused");
}

Error *engine_find_pool(Engine *engine, const char *name, Pool **ret_pool)
{
    return error_new(ERR_NOT_FOUND, "no pool");
}

void storage_close_pool(Pool *pool)
{
}

StorageTraits storage_pool_traits(const Pool *pool)
{
    return (StorageTraits){0};
}

const char *storage_pool_name(const Pool *pool)
{
    return "";
}

const char *storage_pool_driver(const Pool *pool)
{
    return "";
}

Error *storage_limit_volume(Pool *pool, const char *volume, uint64_t bytes)
{
    return NULL;
}

/* --- the test --- */

static void set_up(Fixture *f, const void *unused)
{
    g_autoptr(Snapshot) snapshot = snapshot_new();
    g_autoptr(Clone) clone = clone_new();

    f->dir = g_dir_make_tmp("ramet-limits-XXXXXX", NULL);
    f->config.runtime.driver = g_strdup("oci");
    g_atomic_ref_count_init(&f->config.references);
    f->engine.config = &f->config;
    f->engine.limits_changing = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    must(store_open(f->dir, STORE_READ_WRITE, &f->engine.store));
    snapshot->uid = g_strdup("s1");
    snapshot->id = g_strdup("s1-id");
    must(store_insert_snapshot(f->engine.store, snapshot));
    clone->snapshot_uid = g_strdup("s1");
    clone->uid = g_strdup("u1");
    clone->id = g_strdup("c1");
    clone->state = CLONE_OK;
    clone->started_at_ms = 1;
    must(store_insert_clone(f->engine.store, clone));
    runtime = (typeof(runtime)){.fixture = f};
    start_is_busy = false;
}

static void tear_down(Fixture *f, const void *unused)
{
    store_close(f->engine.store);
    g_hash_table_unref(f->engine.limits_changing);
    must(fs_remove_tree(f->dir));
    g_free(f->config.runtime.driver);
    g_free(f->dir);
}

static Error *change(Fixture *f, const char *memory)
{
    g_autoptr(Clone) clone = NULL;
    json_t *own = json_pack("{ss}", "memory", memory);
    Error *e = engine_limit_clone(&f->engine, "c1", own, &clone);

    json_decref(own);
    return e;
}

static void expect_recorded(Fixture *f, const char *text)
{
    g_autoptr(Clone) clone = NULL;

    must(store_get_clone(f->engine.store, "c1", &clone));
    g_assert_cmpstr(clone->limits, ==, text);
}

static void expect_conflict(Error *e)
{
    g_assert_nonnull(e);
    g_assert_cmpint(e->code, ==, ERR_CONFLICT);
    error_free(e);
}

static void test_change(Fixture *f, const void *unused)
{
    must(change(f, "300m"));
    g_assert_cmpint(runtime.memory_bytes, ==, 300 * MIB);
    expect_recorded(f, "{\"memory\":\"300m\"}");
}

static void test_refused(Fixture *f, const void *unused)
{
    must(change(f, "300m"));
    runtime.refuses = true;
    error_free(change(f, "400m"));
    expect_recorded(f, "{\"memory\":\"300m\"}");
    runtime.refuses = false;
    must(change(f, "500m"));
}

/* The memory is set, and another limit is not: the instance has what is on record. */
static void test_refused_in_part(Fixture *f, const void *unused)
{
    must(change(f, "300m"));
    runtime.sets_a_part = true;
    error_free(change(f, "400m"));
    expect_recorded(f, "{\"memory\":\"300m\"}");
    g_assert_cmpint(runtime.memory_bytes, ==, 300 * MIB);
}

static void change_meanwhile(Fixture *f)
{
    runtime.when_told = NULL;
    expect_conflict(change(f, "600m"));
}

/* The second would be lost, or go back to what the first could not set. */
static void test_two_at_once(Fixture *f, const void *unused)
{
    must(change(f, "300m"));
    runtime.when_told = change_meanwhile;
    must(change(f, "400m"));
    g_assert_cmpint(runtime.memory_bytes, ==, 400 * MIB);
    expect_recorded(f, "{\"memory\":\"400m\"}");

    runtime.when_told = change_meanwhile;
    runtime.refuses = true;
    error_free(change(f, "500m"));
    expect_recorded(f, "{\"memory\":\"400m\"}");
}

/* What is being made or started has read its limits already. */
static void test_states(Fixture *f, const void *unused)
{
    start_is_busy = true;
    expect_conflict(change(f, "300m"));
    start_is_busy = false;
    must(store_move_clone(f->engine.store, "u1", CLONE_IN(OK), CLONE_FATAL, ""));
    must(change(f, "300m"));
    must(store_move_clone(f->engine.store, "u1", CLONE_IN(FATAL), CLONE_RESETTING, ""));
    expect_conflict(change(f, "400m"));
    expect_recorded(f, "{\"memory\":\"300m\"}");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/clone-limits/change", Fixture, NULL, set_up, test_change, tear_down);
    g_test_add("/clone-limits/refused", Fixture, NULL, set_up, test_refused, tear_down);
    g_test_add("/clone-limits/refused-in-part", Fixture, NULL, set_up, test_refused_in_part,
               tear_down);
    g_test_add("/clone-limits/two-at-once", Fixture, NULL, set_up, test_two_at_once, tear_down);
    g_test_add("/clone-limits/states", Fixture, NULL, set_up, test_states, tear_down);
    return g_test_run();
}

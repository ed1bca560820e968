/*
 * Until when a clone is protected, and what the store keeps of it.
 */
#include "base/clock.h"
#include "base/fs.h"
#include "engine/clone/clone.h"
#include "engine/clone/request.h"
#include "engine/departure.h"

#define MINUTE_MS INT64_C(60000)

static void must(Error *e)
{
    if (e)
        g_error("%s", e->message);
}

typedef struct Case {
    const char *name;
    int64_t lease_minutes, max_minutes; /* configured */
    bool is_protected, has_duration;
    int64_t asked_minutes;
    int64_t minutes; /* from now; 0 = without an end */
} Case;

static const Case cases[] = {
    {"not", 60, 600, false, false, 0, 0},
    {"not-though-a-time-is-given", 60, 600, false, true, 10, 0},
    {"for-ever", 0, 0, true, false, 0, 0},
    {"as-configured", 60, 0, true, false, 0, 60},
    {"as-asked", 60, 0, true, true, 10, 10},
    {"for-ever-as-asked", 60, 0, true, true, 0, 0},
    {"no-longer-than-allowed", 60, 600, true, true, 1000, 600},
    {"not-for-ever-where-there-is-an-end", 60, 600, true, true, 0, 600},
    {"configured-beyond-what-is-allowed", 1000, 600, true, false, 0, 600},
    {"configured-for-ever-beyond-what-is-allowed", 0, 600, true, false, 0, 600},
    {"as-long-as-allowed", 0, 600, true, true, 600, 600},
};

static void add_clone(Store *store)
{
    g_autoptr(Snapshot) snapshot = snapshot_new();
    g_autoptr(Clone) clone = clone_new();

    snapshot->uid = g_strdup("s");
    snapshot->id = g_strdup("s-id");
    must(store_insert_snapshot(store, snapshot));
    clone->uid = g_strdup("u");
    clone->id = g_strdup("c");
    clone->snapshot_uid = g_strdup("s");
    must(store_insert_clone(store, clone));
}

static void check_end(const Case *test, int64_t till_ms, int64_t before_ms)
{
    int64_t after_ms = clock_now_ms();

    if (test->minutes == 0) {
        g_assert_cmpint(till_ms, ==, 0);
        return;
    }
    g_assert_cmpint(till_ms, >=, before_ms + test->minutes * MINUTE_MS);
    g_assert_cmpint(till_ms, <=, after_ms + test->minutes * MINUTE_MS);
}

static void protect(Engine *engine, const Case *test)
{
    g_autoptr(Clone) said = NULL;
    g_autoptr(Clone) kept = NULL;
    int64_t before_ms = clock_now_ms();

    must(engine_protect_clone(engine, "c", test->is_protected, test->has_duration,
                              test->asked_minutes, &said));
    must(store_get_clone(engine->store, "c", &kept));
    check_end(test, said->protected_till_ms, before_ms);
    g_assert_cmpint(kept->protected_till_ms, ==, said->protected_till_ms);
    g_assert_cmpint(kept->is_protected, ==, test->is_protected);
    g_assert_cmpint(clone_is_protected_now(kept), ==, test->is_protected);
}

static void test_case(const void *data)
{
    const Case *test = data;
    g_autofree char *dir = g_dir_make_tmp("ramet-protect-XXXXXX", NULL);
    Config config = {.cloning = {.protection_lease_minutes = test->lease_minutes,
                                 .protection_max_minutes = test->max_minutes}};
    Engine engine = {.config = &config};

    g_atomic_ref_count_init(&config.references);
    must(store_open(dir, STORE_READ_WRITE, &engine.store));
    add_clone(engine.store);
    protect(&engine, test);
    store_close(engine.store);
    must(fs_remove_tree(dir));
}

static void test_over(void)
{
    g_autoptr(Clone) clone = clone_new();

    clone->is_protected = true;
    clone->protected_till_ms = 1;
    g_assert_false(clone_is_protected_now(clone));
    clone->protected_till_ms = clock_now_ms() + MINUTE_MS;
    g_assert_true(clone_is_protected_now(clone));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strconcat("/protection/", cases[i].name, NULL);
        g_test_add_data_func(path, &cases[i], test_case);
    }
    g_test_add_func("/protection/over", test_over);
    return g_test_run();
}

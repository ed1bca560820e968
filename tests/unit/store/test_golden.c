/*
 * Golden data of pools, and the facts that it was before.
 */
#include "store/golden.h"

#include "fixture.h"
#include "store/db.h"
#include "store/migrate.h"

static void set_golden(Store *store, const char *pool, const char *volume, int64_t at_ms)
{
    const Golden golden = {(char *)(uintptr_t)pool, (char *)(uintptr_t)volume, at_ms,
                           INT64_C(5) << 40};

    assert_ok(store_set_golden(store, &golden));
}

static void assert_golden(Store *store, const char *pool, const char *volume, int64_t at_ms)
{
    g_autoptr(Golden) golden = NULL;

    assert_ok(store_get_golden(store, pool, &golden));
    g_assert_cmpstr(golden->volume, ==, volume);
    g_assert_cmpint(golden->data_state_at_ms, ==, at_ms);
    g_assert_cmpint(golden->logical_size, ==, INT64_C(5) << 40);
}

static void test_one_a_pool(Fixture *f, const void *unused)
{
    g_autoptr(Golden) missing = NULL;
    g_autoptr(Error) e = NULL;
    bool is_golden = false;

    set_golden(f->store, "p1", "v1", 1000);
    set_golden(f->store, "p2", "v2", 2000);
    set_golden(f->store, "p1", "v3", 3000);
    assert_golden(f->store, "p1", "v3", 3000);
    assert_golden(f->store, "p2", "v2", 2000);

    assert_ok(store_is_golden(f->store, "p1", "v3", &is_golden));
    g_assert_true(is_golden);
    assert_ok(store_is_golden(f->store, "p1", "v1", &is_golden));
    g_assert_false(is_golden);
    assert_ok(store_is_golden(f->store, "p", "v3", &is_golden));
    g_assert_false(is_golden);

    e = store_get_golden(f->store, "p", &missing); /* another pool, though a prefix */
    g_assert_nonnull(e);
    g_assert_cmpint(e->code, ==, ERR_NOT_FOUND);
    g_assert_nonnull(e->hint);
}

/* A store of version 3, with what it knew of golden data. */
static void make_version_3(const char *dir)
{
    g_autofree char *path = g_build_filename(dir, "ramet.db", NULL);
    Db *db = NULL;

    assert_ok(db_open(path, STORE_READ_WRITE, &db));
    for (int i = 0; i < 3; i++)
        assert_ok(db_script(db, migrations[i]));
    assert_ok(db_script(
        db, "PRAGMA user_version = 3;"
            "INSERT INTO fact (name, value) VALUES"
            " ('golden.p1', 'v1'), ('golden.p2', ''), ('golden.p3', 'v3'), ('other', 'o'),"
            " ('golden_state.p1',"
            "  '{\"dataStateAtMs\": 1000, \"logicalSize\": 5497558138880}');"));
    db_close(db);
}

static void test_migration(Fixture *f, const void *unused)
{
    g_autofree char *other = NULL;
    g_autofree char *fact = NULL;
    g_autoptr(Golden) unknown_state = NULL;
    bool is_golden = true;

    make_version_3(f->dir);
    fixture_open(f, STORE_READ_WRITE);
    assert_golden(f->store, "p1", "v1", 1000);
    assert_ok(store_is_golden(f->store, "p2", "", &is_golden));
    g_assert_false(is_golden);
    assert_ok(store_get_golden(f->store, "p3", &unknown_state));
    g_assert_cmpint(unknown_state->data_state_at_ms, ==, 0);
    assert_ok(store_get_fact(f->store, "golden.p1", &fact));
    g_assert_null(fact);
    assert_ok(store_get_fact(f->store, "other", &other));
    g_assert_cmpstr(other, ==, "o");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fixture_test("/golden/one-a-pool", test_one_a_pool);
    fixture_dir_test("/golden/migration", test_migration);
    return g_test_run();
}

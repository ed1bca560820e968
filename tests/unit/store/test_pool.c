/*
 * Pools on record.
 */
#include "store/pool.h"

#include "fixture.h"

static Error *add(Fixture *f, const char *name, const char *image)
{
    g_autoptr(PoolRow) row = g_new0(PoolRow, 1);

    row->name = g_strdup(name);
    row->driver = g_strdup("btrfs");
    row->image = g_strdup(image);
    row->created_at_ms = 1000;
    return store_insert_pool(f->store, row);
}

static void test_pools(Fixture *f, const void *unused)
{
    g_autoptr(GPtrArray) rows = NULL;
    const PoolRow *first;

    assert_ok(add(f, "two", "/images/two"));
    assert_ok(add(f, "one", NULL));
    assert_error(add(f, "one", NULL), ERR_CONFLICT, "pool \"one\" already exists");

    assert_ok(store_list_pools(f->store, &rows));
    g_assert_cmpuint(rows->len, ==, 2);
    first = rows->pdata[0];
    g_assert_cmpstr(first->name, ==, "one");
    g_assert_cmpstr(first->driver, ==, "btrfs");
    g_assert_cmpstr(first->image, ==, "");
    g_assert_cmpint(first->created_at_ms, ==, 1000);
    g_assert_cmpstr(((PoolRow *)rows->pdata[1])->image, ==, "/images/two");
}

static void test_delete(Fixture *f, const void *unused)
{
    g_autoptr(GPtrArray) rows = NULL;

    assert_ok(add(f, "one", NULL));
    assert_ok(store_delete_pool(f->store, "one"));
    assert_ok(store_delete_pool(f->store, "one"));
    assert_ok(store_list_pools(f->store, &rows));
    g_assert_cmpuint(rows->len, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fixture_test("/store/pool/list", test_pools);
    fixture_test("/store/pool/delete", test_delete);
    return g_test_run();
}

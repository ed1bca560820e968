/*
 * The facts of golden data, in a real store.
 */
#include "retrieval/golden.h"

#include "base/fs.h"

static void assert_ok(Error *e)
{
    if (e)
        g_test_message("%s", e->message);
    g_assert_null(e);
}

static void test_save_and_load(void)
{
    static char volume[] = "dc19v0ae21e64gcab1mg";
    const Golden golden = {volume, 1782892800000, INT64_C(5) << 40};
    g_autofree char *dir = g_dir_make_tmp("ramet-golden-XXXXXX", NULL);
    g_autoptr(Golden) loaded = NULL;
    g_autoptr(Golden) missing = NULL;
    g_autoptr(Error) e = NULL;
    Store *store = NULL;

    assert_ok(store_open(dir, STORE_READ_WRITE, &store));
    assert_ok(golden_save(store, "p1", &golden));
    assert_ok(golden_load(store, "p1", &loaded));
    g_assert_cmpstr(loaded->volume, ==, golden.volume);
    g_assert_cmpint(loaded->data_state_at_ms, ==, golden.data_state_at_ms);
    g_assert_cmpint(loaded->logical_size, ==, golden.logical_size);

    e = golden_load(store, "p", &missing); /* another pool, though a prefix */
    g_assert_nonnull(e);
    g_assert_cmpint(e->code, ==, ERR_NOT_FOUND);
    g_assert_nonnull(e->hint);
    store_close(store);
    assert_ok(fs_remove_tree(dir));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/golden/save-and-load", test_save_and_load);
    return g_test_run();
}

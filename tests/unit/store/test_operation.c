/*
 * The journal of operations.
 */
#include "store/operation.h"

#include "fixture.h"

static OperationRow *new_row(const char *uid, int64_t created_at_ms)
{
    OperationRow *row = operation_row_new();

    row->uid = g_strdup(uid);
    row->kind = g_strdup("create");
    row->target = g_strdup("c1");
    row->args = g_strdup("{}");
    row->created_at_ms = created_at_ms;
    return row;
}

static void add(Fixture *f, const char *uid, int64_t created_at_ms)
{
    g_autoptr(OperationRow) row = new_row(uid, created_at_ms);

    assert_ok(store_insert_operation(f->store, row));
}

static void test_order(Fixture *f, const void *unused)
{
    static const char *const expected[] = {"o3", "o1", "o2"};
    g_autoptr(GPtrArray) rows = NULL;

    add(f, "o1", 2000);
    add(f, "o2", 3000);
    add(f, "o3", 1000);
    assert_ok(store_list_operations(f->store, &rows));
    g_assert_cmpuint(rows->len, ==, G_N_ELEMENTS(expected));
    for (unsigned i = 0; i < rows->len; i++)
        g_assert_cmpstr(((OperationRow *)rows->pdata[i])->uid, ==, expected[i]);
}

static void test_update(Fixture *f, const void *unused)
{
    g_autoptr(OperationRow) row = new_row("o1", 1000);
    g_autoptr(GPtrArray) rows = NULL;
    const OperationRow *read;

    assert_ok(store_insert_operation(f->store, row));
    row->state = OPERATION_UNDOING;
    row->step = 4;
    row->args[1] = ' ';
    row->error = g_strdup("no such thing");
    row->kind[0] = 'x'; /* what it is and what it works on never change */
    row->target[0] = 'x';
    assert_ok(store_update_operation(f->store, row));

    assert_ok(store_list_operations(f->store, &rows));
    read = rows->pdata[0];
    g_assert_cmpint(read->state, ==, OPERATION_UNDOING);
    g_assert_cmpint(read->step, ==, 4);
    g_assert_cmpstr(read->args, ==, "{ ");
    g_assert_cmpstr(read->error, ==, "no such thing");
    g_assert_cmpstr(read->kind, ==, "create");
    g_assert_cmpstr(read->target, ==, "c1");
    g_assert_cmpint(read->created_at_ms, ==, 1000);
}

static void test_delete(Fixture *f, const void *unused)
{
    g_autoptr(OperationRow) row = new_row("o1", 1000);
    g_autoptr(GPtrArray) rows = NULL;

    add(f, "o1", 1000);
    assert_error(store_insert_operation(f->store, row), ERR_CONFLICT, "…: exists already");
    assert_ok(store_delete_operation(f->store, "o1"));
    assert_ok(store_delete_operation(f->store, "o1"));
    assert_error(store_update_operation(f->store, row), ERR_NOT_FOUND,
                 "operation \"o1\" not found");
    assert_ok(store_list_operations(f->store, &rows));
    g_assert_cmpuint(rows->len, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fixture_test("/store/operation/order", test_order);
    fixture_test("/store/operation/update", test_update);
    fixture_test("/store/operation/delete", test_delete);
    return g_test_run();
}

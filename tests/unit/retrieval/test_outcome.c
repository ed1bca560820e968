/*
 * The end of an operation that comes when retrieval is closed already.
 */
#include "retrieval/outcome.h"

#include "retrieval/work.h"

static void test_end_after_closing(void)
{
    Engine engine = {0};
    Operation operation = {.engine = &engine,
                           .row = operation_row(&refresh_kind, RETRIEVAL_TARGET, NULL)};
    g_autoptr(Error) cause = error_new(ERR_BUSY, "retrieval is closed");

    g_mutex_init(&engine.retrieval_lock);
    g_autoptr(Error) e = refresh_kind.load(&operation);
    g_assert_nonnull(e);
    g_assert_cmpint(e->code, ==, ERR_BUSY);
    g_assert_null(operation.work);
    refresh_kind.ended(&operation, cause);
    operation_row_free(operation.row);
    g_mutex_clear(&engine.retrieval_lock);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/outcome/end-after-closing", test_end_after_closing);
    return g_test_run();
}

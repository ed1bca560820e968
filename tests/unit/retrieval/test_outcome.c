/*
 * What the end of an operation of retrieval says, long after a later one has begun.
 */
#include "retrieval/outcome.h"

#include "base/fs.h"
#include "retrieval/work.h"
#include "store/alert.h"

static void must(Error *e)
{
    if (e)
        g_error("unexpected error: %s", e->message);
}

typedef struct Fixture {
    char *dir;
    Engine engine;
    Work work;
} Fixture;

static void set_up(Fixture *f, const void *unused)
{
    g_autoptr(Snapshot) snapshot = snapshot_new();

    f->dir = g_dir_make_tmp("ramet-outcome-XXXXXX", NULL);
    must(store_open(f->dir, STORE_READ_WRITE, &f->engine.store));
    snapshot->uid = g_strdup("s1");
    snapshot->id = g_strdup("s1-id");
    must(store_insert_snapshot(f->engine.store, snapshot));
    f->work = (Work){.engine = &f->engine, .snapshot_uid = "s1"};
}

static void tear_down(Fixture *f, const void *unused)
{
    store_close(f->engine.store);
    must(fs_remove_tree(f->dir));
    g_free(f->dir);
}

static Operation begin_refresh(Fixture *f)
{
    OperationRow *row = operation_row(&refresh_kind, RETRIEVAL_TARGET, NULL);

    must(outcome_record(f->engine.store, row));
    return (Operation){
        .store = f->engine.store, .row = row, .work = &f->work, .cancel = g_cancellable_new()};
}

static void forget(Operation *operation)
{
    operation_row_free(operation->row);
    g_object_unref(operation->cancel);
}

static void fail(Operation *operation)
{
    g_autoptr(Error) cause = error_new(ERR_EXTERNAL, "the disk is on fire");

    must(outcome_fail(operation, cause));
}

/* So many times alert refresh_failed was raised; and what the next server would begin with. */
static void expect(Fixture *f, int64_t count, const char *failed)
{
    g_autoptr(GPtrArray) alerts = NULL;
    g_autofree char *fact = NULL;

    must(store_list_alerts(f->engine.store, &alerts));
    g_assert_cmpuint(alerts->len, ==, count > 0);
    if (count > 0)
        g_assert_cmpint(((const Alert *)alerts->pdata[0])->count, ==, count);
    must(store_get_fact(f->engine.store, FACT_FAILED, &fact));
    g_assert_cmpstr(fact, ==, failed);
}

static void test_failure_is_told_once(Fixture *f, const void *unused)
{
    Operation refresh = begin_refresh(f);

    fail(&refresh);
    fail(&refresh);
    expect(f, 1, refresh.row->uid);
    forget(&refresh);
}

/* Its undo is tried again when the data is new, and nobody needs to act. */
static void test_old_failure_after_a_success(Fixture *f, const void *unused)
{
    Operation old = begin_refresh(f);

    fail(&old);
    Operation later = begin_refresh(f);
    must(outcome_finish_snapshot(&later));
    expect(f, 0, "");
    fail(&old);
    expect(f, 0, "");
    forget(&old);
    forget(&later);
}

/* What could not be recorded at its time says nothing of the one that is under way. */
static void test_old_failure_beside_a_later(Fixture *f, const void *unused)
{
    Operation old = begin_refresh(f);
    Operation later = begin_refresh(f);

    fail(&old);
    expect(f, 0, NULL);
    fail(&later);
    expect(f, 1, later.row->uid);
    forget(&old);
    forget(&later);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/outcome/told-once", Fixture, NULL, set_up, test_failure_is_told_once, tear_down);
    g_test_add("/outcome/after-a-success", Fixture, NULL, set_up, test_old_failure_after_a_success,
               tear_down);
    g_test_add("/outcome/beside-a-later", Fixture, NULL, set_up, test_old_failure_beside_a_later,
               tear_down);
    return g_test_run();
}

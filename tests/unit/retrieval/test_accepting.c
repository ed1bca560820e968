/*
 * What retrieval says of itself while a refresh is being accepted, which may take its time.
 */
#include "retrieval/work.h"

#include "base/fs.h"

typedef struct Fixture {
    char *dir;
    Config config;
    Engine engine;
    Retrieval *retrieval;
    GMutex busy; /* held: the operation that is under way does not end */
} Fixture;

static void must(Error *e)
{
    if (e)
        g_error("unexpected error: %s", e->message);
}

/* --- an operation that is under way --- */

static Error *load(Operation *operation)
{
    return NULL;
}

static void unload(Operation *operation)
{
}

static Error *run(Operation *operation)
{
    Fixture *f = operation->owner;

    g_mutex_lock(&f->busy);
    g_mutex_unlock(&f->busy);
    return NULL;
}

static Error *finish(Operation *operation)
{
    return NULL;
}

static const Step steps[] = {{.text = "waiting", .run = run}, {0}};
static const OperationKind waiting_kind = {
    .name = "waiting", .steps = steps, .load = load, .unload = unload, .finish = finish};

/* --- the test --- */

static void set_up(Fixture *f, const void *unused)
{
    f->dir = g_dir_make_tmp("ramet-accepting-XXXXXX", NULL);
    g_mutex_init(&f->busy);
    g_atomic_ref_count_init(&f->config.references);
    f->engine.config = &f->config;
    g_mutex_init(&f->engine.config_lock);
    must(store_open(f->dir, STORE_READ_WRITE, &f->engine.store));
    must(operations_new(f->engine.store, 2, 1000, &f->engine.operations));
    operations_register(f->engine.operations, &waiting_kind, f);
    must(retrieval_open(&f->engine, &f->retrieval));
}

static void tear_down(Fixture *f, const void *unused)
{
    retrieval_close(f->retrieval);
    operations_free(f->engine.operations);
    store_close(f->engine.store);
    must(fs_remove_tree(f->dir));
    g_mutex_clear(&f->engine.config_lock);
    g_mutex_clear(&f->busy);
    g_free(f->dir);
}

static void begin_waiting(Fixture *f)
{
    OperationRow *row = operation_row(&waiting_kind, RETRIEVAL_TARGET, NULL);

    must(store_insert_operation(f->engine.store, row));
    operations_submit_take(f->engine.operations, row, NULL, NULL);
}

static void *ask_for_refresh(void *data)
{
    return retrieval_refresh(((Fixture *)data)->retrieval);
}

static void wait_until_accepting(Fixture *f)
{
    while (g_mutex_trylock(&f->retrieval->accepting)) {
        g_mutex_unlock(&f->retrieval->accepting);
        g_thread_yield();
    }
}

/* The second refresh waits for the store, which is ours: the status does not wait for it. */
static void test_status_meanwhile(Fixture *f, const void *unused)
{
    g_auto(RetrievalStatus) status = {0};
    g_autoptr(StoreTransaction) tx = NULL;

    g_mutex_lock(&f->busy);
    begin_waiting(f);
    must(store_begin(f->engine.store, STORE_QUICK, &tx));
    GThread *thread = g_thread_new("refresh", ask_for_refresh, f);
    wait_until_accepting(f);
    retrieval_status(f->retrieval, &status);
    g_assert_cmpstr(status.status, ==, "inactive");
    must(store_commit(&tx));
    g_autoptr(Error) e = g_thread_join(thread);
    g_assert_nonnull(e);
    g_assert_cmpint(e->code, ==, ERR_CONFLICT);
    g_mutex_unlock(&f->busy);
}

/*
 * A refresh whose pool was away runs after one that was accepted later: while it runs the state is its own,
 * and so is the end.
 */
static void test_older_one_that_runs_later(Fixture *f, const void *unused)
{
    g_autoptr(OperationRow) older = operation_row(&refresh_kind, RETRIEVAL_TARGET, NULL);
    g_autoptr(OperationRow) later = operation_row(&refresh_kind, RETRIEVAL_TARGET, NULL);

    retrieval_begin(f->retrieval, older, RETRIEVAL_REFRESHING, "p1");
    retrieval_begin(f->retrieval, later, RETRIEVAL_REFRESHING, "p2");
    retrieval_end(f->retrieval, later->uid, RETRIEVAL_FINISHED);
    retrieval_enter(f->retrieval, older->uid, RETRIEVAL_SNAPSHOTTING);
    g_assert_cmpint(retrieval_state(f->retrieval), ==, RETRIEVAL_SNAPSHOTTING);
    retrieval_end(f->retrieval, older->uid, RETRIEVAL_FINISHED);
    g_assert_cmpint(retrieval_state(f->retrieval), ==, RETRIEVAL_FINISHED);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/accepting/status", Fixture, NULL, set_up, test_status_meanwhile, tear_down);
    g_test_add("/accepting/older-one-that-runs-later", Fixture, NULL, set_up,
               test_older_one_that_runs_later, tear_down);
    return g_test_run();
}

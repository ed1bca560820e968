/*
 * What the pools are told of the store: each of them all of it, as soon as it is there.
 */
#include "engine/store_watch.h"

#include "base/fs.h"
#include "engine/pool/pools.h"
#include "storage/pool_epoch.h"

struct Pool {
    int unused;
};

static Pool the_pool;
static int is_there; /* atomic, as the next: the watch has a thread */
static int cannot_be_written;
static int told;

static void must(Error *e)
{
    if (e)
        g_error("unexpected error: %s", e->message);
}

/* --- the world outside --- */

GPtrArray *pools_statuses(Pools *pools, bool with_left_out)
{
    GPtrArray *statuses = g_ptr_array_new_with_free_func(g_free);
    PoolStatus *status = g_new0(PoolStatus, 1);

    status->name = (char *)(uintptr_t) "p";
    status->pool = g_atomic_int_get(&is_there) ? &the_pool : NULL;
    g_ptr_array_add(statuses, status);
    return statuses;
}

Error *storage_epoch_tell(Pool *pool, int64_t epoch)
{
    if (g_atomic_int_get(&cannot_be_written))
        return error_new(ERR_EXTERNAL, "Input/output error");
    g_atomic_int_set(&told, (int)epoch);
    return NULL;
}

/* --- the test --- */

typedef struct Fixture {
    char *dir;
    Engine engine;
    StoreWatch *watch;
} Fixture;

static void set_up(Fixture *f, const void *unused)
{
    g_autoptr(StoreTransaction) tx = NULL;

    f->dir = g_dir_make_tmp("ramet-watch-XXXXXX", NULL);
    must(store_open(f->dir, STORE_READ_WRITE, &f->engine.store));
    must(store_begin(f->engine.store, STORE_DURABLE, &tx));
    must(store_commit(&tx));
    is_there = cannot_be_written = told = 0;
}

static void tear_down(Fixture *f, const void *unused)
{
    store_close(f->engine.store);
    must(fs_remove_tree(f->dir));
    g_free(f->dir);
}

/* Stopping it takes a last look. */
static void expect_told_at_the_end(Fixture *f)
{
    int64_t epoch = 0;

    store_watch_stop(f->watch);
    must(store_get_epoch(f->engine.store, &epoch));
    g_assert_cmpint(epoch, >, 0);
    g_assert_cmpint(g_atomic_int_get(&told), ==, epoch);
}

/* Nothing is committed when it is back: what it has missed it hears all the same. */
static void test_away(Fixture *f, const void *unused)
{
    must(store_watch_start(&f->engine, &f->watch));
    g_assert_cmpint(g_atomic_int_get(&told), ==, 0);
    g_atomic_int_set(&is_there, 1);
    expect_told_at_the_end(f);
}

static void test_cannot_be_written(Fixture *f, const void *unused)
{
    is_there = cannot_be_written = 1;
    must(store_watch_start(&f->engine, &f->watch));
    g_atomic_int_set(&cannot_be_written, 0);
    expect_told_at_the_end(f);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/store-watch/away", Fixture, NULL, set_up, test_away, tear_down);
    g_test_add("/store-watch/cannot-be-written", Fixture, NULL, set_up, test_cannot_be_written,
               tear_down);
    return g_test_run();
}

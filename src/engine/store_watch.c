/*
 * Every second is often enough: the witness in the state directory is told with each commit, the
 * pools are for when all of that directory is of another day.
 */
#include "engine/store_watch.h"

#include "base/log.h"
#include "base/ticker.h"
#include "engine/pool/pools.h"
#include "storage/pool_epoch.h"

#define STORE_LOOK_MS 1000

struct StoreWatch {
    Engine *engine;
    Ticker *ticker;
    GHashTable *told; /* name of a pool → the epoch that it was told last, owned */
    unsigned n_rescues;
    bool has_said_why;
    bool has_said_full;
};

bool engine_is_held(Engine *engine)
{
    g_autoptr(Error) why = store_refusal(engine->store);

    return why != NULL;
}

Error *engine_store_trouble(Engine *engine)
{
    unsigned n_rescues = 0;
    Error *full = store_look(engine->store, &n_rescues);
    Error *why = store_refusal(engine->store);

    if (why)
        error_free(full);
    return why ? why : full;
}

/* Says it once: a store is refused until the server is restarted. */
static bool store_watch_is_held(StoreWatch *watch)
{
    g_autoptr(Error) why = store_refusal(watch->engine->store);

    if (why && !watch->has_said_why)
        log_failure(LOG_LEVEL_ERROR, why, "changes are refused; clones that run are served", NULL);
    watch->has_said_why = why != NULL;
    return why != NULL;
}

/* The files were deleted under us, or their disk is full. */
static void store_watch_look_at_files(StoreWatch *watch)
{
    unsigned n_rescues = 0;
    g_autoptr(Error) full = store_look(watch->engine->store, &n_rescues);

    if (n_rescues > watch->n_rescues)
        log_error("the files of the store were deleted while in use, and are written anew: nothing "
                  "is lost");
    watch->n_rescues = n_rescues;
    if (full && !watch->has_said_full)
        log_failure(LOG_LEVEL_ERROR, full, "no clones, resets and refreshes are begun", NULL);
    if (!full && watch->has_said_full)
        log_info("the disk of the state directory has room again");
    watch->has_said_full = full != NULL;
}

/* One that is away, or cannot be written, is told as soon as it can be. */
static void store_watch_tell_pool(StoreWatch *watch, const PoolStatus *status, int64_t epoch)
{
    const int64_t *told = g_hash_table_lookup(watch->told, status->name);

    if (!status->pool || (told && *told == epoch))
        return;

    g_autoptr(Error) lost = storage_epoch_tell(status->pool, epoch);

    if (lost)
        log_debug("a pool was not told how far the store is", "pool", status->name, "why",
                  lost->message);
    else
        g_hash_table_insert(watch->told, g_strdup(status->name), g_memdup2(&epoch, sizeof(epoch)));
}

static void store_watch_tell_pools(StoreWatch *watch)
{
    g_autoptr(GPtrArray) statuses = NULL;
    int64_t epoch = 0;
    g_autoptr(Error) e = store_get_epoch(watch->engine->store, &epoch);

    if (e)
        return;
    statuses = pools_statuses(watch->engine->pools, false);
    if (store_watch_is_held(watch)) /* a pool that came just now has seen a later store */
        return;
    for (unsigned i = 0; i < statuses->len; i++)
        store_watch_tell_pool(watch, statuses->pdata[i], epoch);
}

static void store_watch_look(void *data)
{
    StoreWatch *watch = data;

    store_watch_look_at_files(watch);
    if (!store_watch_is_held(watch))
        store_watch_tell_pools(watch);
}

Error *store_watch_start(Engine *engine, StoreWatch **ret_watch)
{
    StoreWatch *watch = g_new0(StoreWatch, 1);

    watch->engine = engine;
    watch->told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    store_watch_look(watch);
    Error *e = ticker_start("store", STORE_LOOK_MS, store_watch_look, watch, &watch->ticker);
    if (e) {
        store_watch_stop(watch);
        return e;
    }
    *ret_watch = watch;
    return NULL;
}

void store_watch_stop(StoreWatch *watch)
{
    if (!watch)
        return;
    ticker_stop(watch->ticker);
    store_watch_look(watch);
    g_hash_table_unref(watch->told);
    g_free(watch);
}

/*
 * The set and its looks. Looks are serial, and alone change the set; everybody else reads it under
 * its lock and takes references, so a pool that goes is closed when its last user is done. No lock
 * is held while a pool is mounted, opened or measured.
 */
#include "engine/pool/pools.h"

#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/thread.h"
#include "engine/clone/start.h"
#include "engine/pool/import.h"
#include "operation/operation.h"
#include "storage/pool_epoch.h"
#include "storage/storage_care.h"
#include "store/pool.h"

#define POOLS_LOOK_MS 30000

typedef struct PoolEntry {
    char *name;
    char *driver;
    char *image;
    bool is_left_out;
    Pool *pool; /* NULL = not available */
    Pool *lost; /* what was open before it went, until its last user is done */
    char *error;
    char *hint;
} PoolEntry;

struct Pools {
    Engine *engine;
    GMutex looking; /* one look at a time */
    GMutex lock;    /* for all below; entries change under both */
    GPtrArray *entries;
    GCond changed;
    GThread *watcher;
    bool is_asked; /* all that the start does */
    bool is_due;   /* what has gone is to be noticed */
    bool is_stopping;
};

static void pool_entry_free(void *data)
{
    PoolEntry *entry = data;

    storage_close_pool(entry->pool);
    storage_close_pool(entry->lost);
    g_free(entry->name);
    g_free(entry->driver);
    g_free(entry->image);
    g_free(entry->error);
    g_free(entry->hint);
    g_free(entry);
}

/* --- what a look finds --- */

static PoolEntry *pools_entry(const Pools *pools, const char *name)
{
    for (unsigned i = 0; i < pools->entries->len; i++) {
        PoolEntry *entry = pools->entries->pdata[i];
        if (g_str_equal(entry->name, name))
            return entry;
    }
    return NULL;
}

static PoolEntry *pools_add(Pools *pools, const PoolRow *row)
{
    g_autoptr(Config) config = engine_config(pools->engine);
    const char *selected = config->pool_manager.selected_pool;
    PoolEntry *entry = g_new0(PoolEntry, 1);

    entry->name = g_strdup(row->name);
    entry->driver = g_strdup(row->driver);
    entry->image = g_strdup(*row->image ? row->image : NULL);
    entry->is_left_out = selected && *selected && !g_str_equal(row->name, selected);
    entry->error = g_strdup(entry->is_left_out ? "another pool is selected" : "");
    entry->hint = g_strdup(
        entry->is_left_out ? "poolManager.selectedPool restricts this server to one pool." : "");
    g_mutex_lock(&pools->lock);
    g_ptr_array_add(pools->entries, entry);
    g_mutex_unlock(&pools->lock);
    return entry;
}

/* Says it once, and again when somebody asks. */
static void pools_set_error(Pools *pools, PoolEntry *entry, const Error *e, bool is_asked)
{
    bool is_news = !g_str_equal(entry->error, e->message);

    g_mutex_lock(&pools->lock);
    g_free(entry->error);
    g_free(entry->hint);
    entry->error = g_strdup(e->message);
    entry->hint = g_strdup(e->hint ? e->hint : "");
    g_mutex_unlock(&pools->lock);
    if ((is_news || is_asked) && !pools->engine->is_to_look)
        log_failure(LOG_LEVEL_ERROR, e, "pool not available; what is in it waits", "pool",
                    entry->name, NULL);
}

static void pools_lose(Pools *pools, PoolEntry *entry, const Error *e, bool is_asked)
{
    g_mutex_lock(&pools->lock);
    entry->lost = g_steal_pointer(&entry->pool);
    g_mutex_unlock(&pools->lock);
    pools_set_error(pools, entry, e, is_asked);
    engine_notify(pools->engine);
}

static void pools_gain(Pools *pools, PoolEntry *entry, Pool *pool_taken)
{
    g_mutex_lock(&pools->lock);
    entry->pool = pool_taken;
    entry->error[0] = '\0';
    entry->hint[0] = '\0';
    g_mutex_unlock(&pools->lock);
    if (!pools->engine->is_to_look)
        log_info("pool opened", "pool", entry->name, "driver", entry->driver);
}

/* The pool may have seen a later store than this one. */
static Error *pools_hear(const Engine *engine, Pool *pool)
{
    g_autofree char *witness = g_strdup_printf("pool \"%s\"", storage_pool_name(pool));
    int64_t seen = 0;

    TRY(storage_epoch_seen(pool, &seen));
    return store_heed(engine->store, witness, seen);
}

static Error *pools_open_entry(Pools *pools, PoolEntry *entry)
{
    const Engine *engine = pools->engine;
    g_autoptr(Config) config = engine_config(engine);
    g_autofree char *mount = g_build_filename(config->pool_manager.mount_dir, entry->name, NULL);
    g_autoptr(Pool) pool = NULL;
    const PoolSpec spec = {
        .name = entry->name,
        .mount = mount,
        .driver = entry->driver,
        .image = entry->image,
        .data_sub_dir = config->pool_manager.data_sub_dir,
        .owner = config->postgres.os_user,
        .is_to_look = engine->is_to_look,
        .instance = engine->instance_id,
    };

    TRY(storage_open_pool(&spec, &pool));
    TRY(pools_hear(engine, pool));
    pools_gain(pools, entry, g_steal_pointer(&pool));
    return NULL;
}

/* Operations that still hold the pool that went end first: they have its lock. */
static Error *pools_forget_lost(PoolEntry *entry)
{
    if (!entry->lost)
        return NULL;
    if (storage_pool_is_shared(entry->lost))
        return error_hint(error_new(ERR_BUSY, "operations still end on the pool that went away"),
                          "It is opened when they have ended.");
    g_clear_pointer(&entry->lost, storage_close_pool);
    return NULL;
}

/* Unasked, only what is mounted already is taken. */
static bool pools_may_open(const Pools *pools, const PoolEntry *entry, bool is_asked)
{
    g_autoptr(Config) config = engine_config(pools->engine);
    g_autofree char *mount = g_build_filename(config->pool_manager.mount_dir, entry->name, NULL);

    return is_asked || storage_is_pool(mount);
}

/* True when the pool has become available. */
static bool pools_look_at(Pools *pools, PoolEntry *entry, bool is_asked)
{
    Error *e = entry->pool ? storage_check_pool(entry->pool) : NULL;

    if (e) {
        pools_lose(pools, entry, e, is_asked);
        error_free(e);
    }
    if (entry->pool || entry->is_left_out || !pools_may_open(pools, entry, is_asked))
        return false;
    e = pools_forget_lost(entry);
    if (!e)
        e = pools_open_entry(pools, entry);
    if (!e)
        return true;
    pools_set_error(pools, entry, e, is_asked);
    error_free(e);
    return false;
}

/* Nothing is taken that nobody has given us: what might be meant is said with the command. */
static void pools_report_stranger(const Pools *pools, const char *name)
{
    g_autoptr(Config) config = engine_config(pools->engine);
    g_autofree char *mount = g_build_filename(config->pool_manager.mount_dir, name, NULL);
    g_autofree char *command = NULL;
    const char *driver = storage_suggest_driver(mount);

    if (storage_is_pool(mount)) {
        log_warn("a pool that is not on record, left alone", "pool", name, "hint",
                 "rametd --doctor says whose it is");
        return;
    }
    if (!driver)
        return;
    command = g_strdup_printf("rametd --config FILE pool create %s --driver %s", name, driver);
    log_info("a file system without a pool, left alone; this makes it one", "mount", mount,
             "command", command);
}

static void pools_report_strangers(const Pools *pools)
{
    g_autoptr(Config) config = engine_config(pools->engine);
    g_auto(GStrv) names = NULL;

    error_ignore(fs_list_dir(config->pool_manager.mount_dir, &names),
                 "new file systems are not looked for");
    for (char **name = names; name && *name; name++)
        if (!pools_entry(pools, *name))
            pools_report_stranger(pools, *name);
}

static void pools_check_selected(const Pools *pools)
{
    g_autoptr(Config) config = engine_config(pools->engine);
    const char *selected = config->pool_manager.selected_pool;

    if (selected && *selected && !pools_entry(pools, selected) && !pools->engine->is_to_look)
        log_error("the selected pool is not on record", "pool", selected, "hint",
                  "Make it with \"rametd pool create\", or correct poolManager.selectedPool.");
}

/* A pool is on record before it is made: until it is there, it is not looked at unasked. */
static PoolEntry *pools_entry_of_row(Pools *pools, const PoolRow *row, bool is_asked)
{
    g_autoptr(Config) config = engine_config(pools->engine);
    g_autofree char *mount = g_build_filename(config->pool_manager.mount_dir, row->name, NULL);
    PoolEntry *entry = pools_entry(pools, row->name);

    if (entry || (!is_asked && !storage_is_pool(mount)))
        return entry;
    return pools_add(pools, row);
}

/* Names of the pools that have become available: GPtrArray of char *. */
static Error *pools_look(Pools *pools, bool is_asked, GPtrArray **ret_gained)
{
    g_autoptr(GPtrArray) gained = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) rows = NULL;

    TRY(store_list_pools(pools->engine->store, &rows));
    g_mutex_lock(&pools->looking);
    for (unsigned i = 0; i < rows->len; i++) {
        PoolEntry *entry = pools_entry_of_row(pools, rows->pdata[i], is_asked);
        if (entry && pools_look_at(pools, entry, is_asked))
            g_ptr_array_add(gained, g_strdup(entry->name));
    }
    if (is_asked)
        pools_check_selected(pools);
    if (is_asked && !pools->engine->is_to_look)
        pools_report_strangers(pools);
    g_mutex_unlock(&pools->looking);
    *ret_gained = g_steal_pointer(&gained);
    return NULL;
}

/* --- the watcher --- */

/* What waited for the pool goes on. */
static Error *pools_resume(Engine *engine, const GPtrArray *gained)
{
    if (gained->len == 0)
        return NULL;
    engine_import_snapshots(engine);
    operations_hurry(engine->operations);
    for (unsigned i = 0; i < gained->len; i++)
        TRY(engine_start_stopped_clones(engine, gained->pdata[i]));
    engine_notify(engine);
    return NULL;
}

static void pools_look_and_resume(Pools *pools, bool is_asked)
{
    g_autoptr(GPtrArray) gained = NULL;
    Error *e = pools_look(pools, is_asked, &gained);

    if (!e)
        e = pools_resume(pools->engine, gained);
    error_ignore(e, "pools are looked for again later");
    if (is_asked && gained && gained->len == 0)
        log_info("looked for pools: no new one");
}

static void *pools_run(void *data)
{
    Pools *pools = data;

    g_mutex_lock(&pools->lock);
    while (!pools->is_stopping) {
        int64_t until_us = g_get_monotonic_time() + POOLS_LOOK_MS * INT64_C(1000);
        while (!pools->is_stopping && !pools->is_asked && !pools->is_due)
            if (!g_cond_wait_until(&pools->changed, &pools->lock, until_us))
                break;
        bool is_asked = pools->is_asked;
        pools->is_asked = false;
        pools->is_due = false;
        if (pools->is_stopping)
            break;
        g_mutex_unlock(&pools->lock);
        pools_look_and_resume(pools, is_asked);
        g_mutex_lock(&pools->lock);
    }
    g_mutex_unlock(&pools->lock);
    return NULL;
}

Pools *pools_new(Engine *engine)
{
    Pools *pools = g_new0(Pools, 1);

    pools->engine = engine;
    pools->entries = g_ptr_array_new_with_free_func(pool_entry_free);
    g_mutex_init(&pools->looking);
    g_mutex_init(&pools->lock);
    g_cond_init(&pools->changed);
    return pools;
}

void pools_stop(Pools *pools)
{
    if (!pools || !pools->watcher)
        return;
    g_mutex_lock(&pools->lock);
    pools->is_stopping = true;
    g_cond_broadcast(&pools->changed);
    g_mutex_unlock(&pools->lock);
    g_thread_join(g_steal_pointer(&pools->watcher));
}

void pools_free(Pools *pools)
{
    if (!pools)
        return;
    g_ptr_array_unref(pools->entries);
    g_mutex_clear(&pools->looking);
    g_mutex_clear(&pools->lock);
    g_cond_clear(&pools->changed);
    g_free(pools);
}

Error *pools_open(Pools *pools)
{
    g_autoptr(GPtrArray) gained = NULL;

    return pools_look(pools, true, &gained);
}

Error *pools_watch(Pools *pools)
{
    return thread_start("pools", pools_run, pools, &pools->watcher);
}

void engine_reload_pools(Engine *engine)
{
    g_mutex_lock(&engine->pools->lock);
    engine->pools->is_asked = true;
    g_cond_broadcast(&engine->pools->changed);
    g_mutex_unlock(&engine->pools->lock);
}

/* --- one pool --- */

static Error *pools_unavailable(const char *name, const char *why, const char *hint)
{
    Error *e = why && *why ? error_new(ERR_NOT_FOUND, "pool \"%s\" is not available: %s", name, why)
                           : error_new(ERR_NOT_FOUND, "pool \"%s\" is not available", name);

    return error_hint(e, "%s",
                      hint && *hint ? hint : "\"rametd pool list\" shows the pools on record.");
}

/* With the lock. NULL and *ret_error when it is none. */
static Pool *pools_ref_locked(const Pools *pools, const char *name, Error **ret_error)
{
    const PoolEntry *entry = pools_entry(pools, name);

    if (entry && entry->pool)
        return storage_ref_pool(entry->pool);
    *ret_error = pools_unavailable(name, entry ? entry->error : "", entry ? entry->hint : "");
    return NULL;
}

/* Whoever meets a pool that has gone lets all others know. */
static void pools_look_soon(Pools *pools)
{
    g_mutex_lock(&pools->lock);
    pools->is_due = true;
    g_cond_broadcast(&pools->changed);
    g_mutex_unlock(&pools->lock);
}

Error *engine_find_pool(Engine *engine, const char *name, Pool **ret_pool)
{
    Error *e = NULL;

    g_mutex_lock(&engine->pools->lock);
    g_autoptr(Pool) pool = pools_ref_locked(engine->pools, name, &e);
    g_mutex_unlock(&engine->pools->lock);
    if (e)
        return e;
    g_autoptr(Error) gone = storage_check_pool(pool);
    if (gone) {
        pools_look_soon(engine->pools);
        return pools_unavailable(name, gone->message, gone->hint);
    }
    *ret_pool = g_steal_pointer(&pool);
    return NULL;
}

bool engine_has_pool(Engine *engine, const char *name)
{
    g_autoptr(Pool) pool = NULL;
    g_autoptr(Error) e = engine_find_pool(engine, name, &pool);

    return e == NULL;
}

bool engine_had_pool(Engine *engine, const char *name)
{
    g_mutex_lock(&engine->pools->lock);
    const PoolEntry *entry = pools_entry(engine->pools, name);
    bool was_there = entry && entry->pool;
    g_mutex_unlock(&engine->pools->lock);
    return was_there;
}

static bool pools_is_on_record(Pools *pools, const char *name)
{
    g_mutex_lock(&pools->lock);
    bool is_on_record = pools_entry(pools, name) != NULL;
    g_mutex_unlock(&pools->lock);
    return is_on_record;
}

Error *engine_await_pool(Engine *engine, const char *name, Pool **ret_pool)
{
    Error *e = engine_find_pool(engine, name, ret_pool);

    if (e && pools_is_on_record(engine->pools, name))
        e->code = ERR_EXTERNAL;
    return e;
}

Error *engine_need_pool(Engine *engine, const char *name)
{
    g_autoptr(Pool) pool = NULL;
    Error *e = engine_find_pool(engine, name, &pool);

    if (!e)
        return NULL;
    g_autofree char *hint = g_strdup_printf(
        "It is not lost: it waits for its pool. %s Then send rametd a SIGHUP.", e->hint);

    e->code = ERR_CONFLICT;
    return error_hint(e, "%s", hint);
}

char *engine_clone_waits_for(Engine *engine, const Clone *clone)
{
    g_autoptr(Pool) pool = NULL;
    g_autoptr(Error) e = NULL;

    g_mutex_lock(&engine->pools->lock);
    pool = pools_ref_locked(engine->pools, clone->pool, &e);
    g_mutex_unlock(&engine->pools->lock);
    if (!e || runtime_is_running(engine->runtime, clone->uid))
        return NULL;
    return g_strdup_printf("The clone waits for its pool: %s", e->message);
}

/* --- all of them --- */

static void pool_status_free(void *data)
{
    PoolStatus *status = data;

    storage_close_pool(status->pool);
    g_free(status->name);
    g_free(status->driver);
    g_free(status->image);
    g_free(status->error);
    g_free(status->hint);
    g_free(status);
}

static PoolStatus *pool_status_of(const PoolEntry *entry)
{
    PoolStatus *status = g_new0(PoolStatus, 1);

    status->name = g_strdup(entry->name);
    status->driver = g_strdup(entry->driver);
    status->pool = entry->pool ? storage_ref_pool(entry->pool) : NULL;
    status->error = g_strdup(entry->error);
    status->hint = g_strdup(entry->hint);
    status->is_left_out = entry->is_left_out;
    status->image = g_strdup(entry->image ? entry->image : "");
    return status;
}

GPtrArray *pools_statuses(Pools *pools, bool with_left_out)
{
    GPtrArray *statuses = g_ptr_array_new_with_free_func(pool_status_free);

    g_mutex_lock(&pools->lock);
    for (unsigned i = 0; i < pools->entries->len; i++) {
        const PoolEntry *entry = pools->entries->pdata[i];
        if (with_left_out || !entry->is_left_out)
            g_ptr_array_add(statuses, pool_status_of(entry));
    }
    g_mutex_unlock(&pools->lock);
    return statuses;
}

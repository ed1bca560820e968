/*
 * Deleting clones that nobody uses. A clone is in use while one of its sessions is busy, and at
 * each change that the server's own counters show since the last look: sessions that came and went
 * in between count. No statement has to be logged for that. A clone that cannot be asked is not
 * idle. Where the gateway carries the connections it knows most of that without asking.
 */
#include "engine/idle.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/ticker.h"
#include "engine/clone.h"
#include "engine/gate.h"
#include "engine/instance.h"
#include "postgres/activity.h"
#include "store/snapshot.h"

#define IDLE_LOOK_MIN_MS 5000
#define IDLE_LOOK_MAX_MS 60000
#define IDLE_ANSWER_MS   2000 /* others wait while one is asked */

struct IdleChecker {
    Engine *engine;
    Ticker *ticker;
    GCancellable *cancel; /* of what clones are asked */
    GHashTable *counters; /* clone uid → int64_t *: the counter at the last look */
};

static int64_t idle_window_ms(const Engine *engine)
{
    return engine->config->cloning.max_idle_minutes * 60000;
}

/* Did anybody but us use it since the last look? The first look has nothing to compare with. */
static bool idle_counter_moved(IdleChecker *checker, const char *uid, int64_t counter,
                               int64_t own_share)
{
    int64_t *last = g_hash_table_lookup(checker->counters, uid);
    bool has_moved = last && counter > *last + own_share;

    if (!last) {
        last = g_new(int64_t, 1);
        g_hash_table_insert(checker->counters, g_strdup(uid), last);
    }
    *last = counter;
    return has_moved;
}

static const GatewayStatus *idle_find_door(const GPtrArray *doors, const char *uid)
{
    for (unsigned i = 0; doors && i < doors->len; i++)
        if (g_str_equal(((const GatewayStatus *)doors->pdata[i])->id, uid))
            return doors->pdata[i];
    return NULL;
}

/* False: somebody is connected who has not said anything for long, and may be waiting for a query. */
static bool idle_door_tells(const Engine *engine, const GatewayStatus *door)
{
    return door && (door->connections == 0 ||
                    clock_now_ms() - door->last_active_at_ms < idle_window_ms(engine));
}

static Error *idle_ask(IdleChecker *checker, const Clone *clone, int64_t *ret_active_at_ms)
{
    const EngineInstance instance = {
        .id = clone->uid,
        .port = clone->port,
        .user = clone->db_user,
        .cancel = checker->cancel,
        .answer_ms = IDLE_ANSWER_MS,
    };
    g_autoptr(Conn) conn = NULL;
    Activity activity;

    TRY(instance_connect(checker->engine, &instance, NULL, &conn));
    TRY(activity_read(conn, &activity));
    int64_t active_at_ms = MAX(clone->active_at_ms, clone->started_at_ms);
    if (activity.busy > 0 ||
        idle_counter_moved(checker, clone->uid, activity.counter, activity_own_share(conn)))
        active_at_ms = clock_now_ms();
    *ret_active_at_ms = MAX(active_at_ms, activity.last_used_ms);
    return NULL;
}

/* Snapshots that were taken of it keep a clone, as its author may come back to them. */
static Error *idle_has_snapshots(Engine *engine, const Clone *clone, bool *ret_has)
{
    g_autoptr(GPtrArray) snapshots = NULL;

    TRY(store_list_snapshots(engine->store, &snapshots));
    for (unsigned i = 0; i < snapshots->len && !*ret_has; i++)
        *ret_has = g_str_equal(((const Snapshot *)snapshots->pdata[i])->clone_id, clone->id);
    return NULL;
}

static Error *idle_destroy(Engine *engine, const Clone *clone)
{
    bool has_snapshots = false;

    TRY(idle_has_snapshots(engine, clone, &has_snapshots));
    if (has_snapshots)
        return NULL;
    log_info("destroying an idle clone", "clone", clone->id);
    return engine_destroy_clone(engine, clone->id);
}

static Error *idle_look(IdleChecker *checker, const Clone *clone, const GPtrArray *doors,
                        int64_t *ret_active_at_ms)
{
    const GatewayStatus *door = idle_find_door(doors, clone->uid);

    if (!idle_door_tells(checker->engine, door))
        return idle_ask(checker, clone, ret_active_at_ms);
    *ret_active_at_ms =
        MAX(MAX(clone->active_at_ms, clone->started_at_ms), door->last_active_at_ms);
    return NULL;
}

static Error *idle_check_clone(IdleChecker *checker, const Clone *clone, const GPtrArray *doors)
{
    Engine *engine = checker->engine;
    int64_t active_at_ms = 0;

    if (clone->state != CLONE_OK || clone_is_protected_now(clone))
        return NULL;
    TRY(idle_look(checker, clone, doors, &active_at_ms));
    if (active_at_ms != clone->active_at_ms)
        TRY(store_touch_clone(engine->store, clone->uid, active_at_ms));
    if (clock_now_ms() - active_at_ms < idle_window_ms(engine))
        return NULL;
    return idle_destroy(engine, clone);
}

static void idle_check_all(void *data)
{
    IdleChecker *checker = data;
    g_autoptr(GPtrArray) clones = NULL;
    g_autoptr(GPtrArray) doors = NULL;
    Error *e = store_list_clones(checker->engine->store, &clones);

    error_ignore(e, "idle clones are looked for again later");
    if (gate_is_used(checker->engine))
        error_ignore(gate_look(checker->engine, &doors), "clones are asked themselves");
    for (unsigned i = 0; clones && i < clones->len; i++)
        error_ignore(idle_check_clone(checker, clones->pdata[i], doors),
                     "a clone that cannot be asked is not idle");
}

Error *idle_checker_start(Engine *engine, IdleChecker **ret_checker)
{
    if (engine->config->cloning.max_idle_minutes <= 0)
        return NULL;

    int64_t look_ms = CLAMP(idle_window_ms(engine) / 5, IDLE_LOOK_MIN_MS, IDLE_LOOK_MAX_MS);
    IdleChecker *checker = g_new0(IdleChecker, 1);

    checker->engine = engine;
    checker->cancel = g_cancellable_new();
    checker->counters = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    Error *e = ticker_start("idle", look_ms, idle_check_all, checker, &checker->ticker);
    if (e) {
        idle_checker_stop(checker);
        return e;
    }
    *ret_checker = checker;
    return NULL;
}

void idle_checker_stop(IdleChecker *checker)
{
    if (!checker)
        return;
    g_cancellable_cancel(checker->cancel);
    ticker_stop(checker->ticker);
    g_object_unref(checker->cancel);
    g_hash_table_unref(checker->counters);
    g_free(checker);
}

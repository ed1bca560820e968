/*
 * Deleting clones that nobody uses. A clone is in use while somebody is connected, and at each
 * change since the last look: of what the gateway has seen, or of the server's own counters, so
 * that sessions that came and went in between count. No statement has to be logged for that. A
 * clone that cannot be asked is not idle. Time is counted by the monotonic clock, from the start of
 * this server on: whoever sets the machine's clock deletes nothing.
 */
#include "engine/instance/idle.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/ticker.h"
#include "engine/clone/clone.h"
#include "engine/departure.h"
#include "engine/gate/gate.h"
#include "engine/instance/instance.h"
#include "postgres/activity.h"
#include "store/snapshot.h"

#define IDLE_TICK_MS     1000
#define IDLE_LOOK_MIN_MS 5000
#define IDLE_LOOK_MAX_MS 60000
#define IDLE_ANSWER_MS   2000 /* others wait while one is asked */

struct IdleChecker {
    Engine *engine;
    Ticker *ticker;
    GCancellable *cancel; /* of what clones are asked */
    GHashTable *watches;  /* clone uid → IdleWatch *, owned */
    int64_t looked_at_ms; /* monotonic; 0 = not yet */
};

static int64_t idle_window_ms(const Engine *engine)
{
    g_autoptr(Config) config = engine_config(engine);

    return config->cloning.max_idle_minutes * 60000;
}

/* --- what was seen of a clone --- */

bool idle_watch_see(IdleWatch *watch, const IdleSight *sight, int64_t now_ms, int64_t window_ms)
{
    bool is_first = watch->used_at_ms == 0;
    bool has_moved = sight->counter > watch->counter + sight->own_share ||
                     sight->mark != watch->mark || sight->started_at_ms != watch->started_at_ms;

    if (is_first || has_moved || sight->is_connected)
        watch->used_at_ms = now_ms;
    watch->counter = sight->counter;
    watch->mark = sight->mark;
    watch->started_at_ms = sight->started_at_ms;
    return window_ms > 0 && now_ms - watch->used_at_ms >= window_ms;
}

static IdleWatch *idle_watch_of(IdleChecker *checker, const char *uid)
{
    IdleWatch *watch = g_hash_table_lookup(checker->watches, uid);

    if (watch)
        return watch;
    watch = g_new0(IdleWatch, 1);
    g_hash_table_insert(checker->watches, g_strdup(uid), watch);
    return watch;
}

static gboolean idle_has_gone(void *uid, void *watch, void *clones)
{
    const GPtrArray *list = clones;

    for (unsigned i = 0; i < list->len; i++)
        if (g_str_equal(((const Clone *)list->pdata[i])->uid, uid))
            return FALSE;
    return TRUE;
}

/* --- looking --- */

static const GatewayStatus *idle_find_door(const GPtrArray *doors, const char *uid)
{
    for (unsigned i = 0; doors && i < doors->len; i++)
        if (g_str_equal(((const GatewayStatus *)doors->pdata[i])->id, uid))
            return doors->pdata[i];
    return NULL;
}

static Error *idle_ask(const IdleChecker *checker, const Clone *clone, IdleSight *ret_sight)
{
    g_autoptr(Config) config = engine_config(checker->engine);
    const EngineInstance instance = {
        .config = config,
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
    *ret_sight = (IdleSight){.is_connected = activity.sessions > 0,
                             .counter = activity.counter,
                             .own_share = activity_own_share(conn)};
    return NULL;
}

/* The gateway knows it without asking the clone: who is connected comes through it. */
static Error *idle_look(const IdleChecker *checker, const Clone *clone, const GPtrArray *doors,
                        IdleSight *ret_sight)
{
    const GatewayStatus *door = idle_find_door(doors, clone->uid);

    if (!door)
        TRY(idle_ask(checker, clone, ret_sight));
    else
        *ret_sight =
            (IdleSight){.is_connected = door->connections > 0, .mark = door->last_active_at_ms};
    ret_sight->started_at_ms = clone->started_at_ms;
    return NULL;
}

/* Snapshots that were taken of it keep a clone, as its author may come back to them. */
Error *idle_is_still(Engine *engine, const Clone *clone, const void *seen, bool *ret_is_so)
{
    bool has_snapshots = false;

    TRY(store_has_clone_snapshots(engine->store, clone->uid, &has_snapshots));
    *ret_is_so = clone_wanted(clone) == CLONE_WANTED_RUN && !clone_is_protected_now(clone) &&
                 !has_snapshots && clone->started_at_ms == ((const Clone *)seen)->started_at_ms;
    return NULL;
}

static Error *idle_destroy(Engine *engine, const Clone *clone)
{
    bool is_begun = false;

    TRY(engine_destroy_clone_if(engine, clone->uid, idle_is_still, clone, &is_begun));
    if (is_begun)
        log_info("destroying an idle clone", "clone", clone->id);
    return NULL;
}

static Error *idle_check_clone(IdleChecker *checker, const Clone *clone, const GPtrArray *doors)
{
    Engine *engine = checker->engine;
    IdleWatch *watch = idle_watch_of(checker, clone->uid);
    IdleSight sight;

    if (clone_wanted(clone) != CLONE_WANTED_RUN || clone_is_protected_now(clone)) {
        watch->used_at_ms = 0; /* begins anew */
        return NULL;
    }
    TRY(idle_look(checker, clone, doors, &sight));
    bool is_idle = idle_watch_see(watch, &sight, clock_monotonic_ms(), idle_window_ms(engine));
    return is_idle ? idle_destroy(engine, clone) : NULL;
}

/* Five times in a window, which a reload may change. False while idle deletion is off. */
static bool idle_is_due(IdleChecker *checker)
{
    int64_t window_ms = idle_window_ms(checker->engine), now_ms = clock_monotonic_ms();
    int64_t pause_ms = CLAMP(window_ms / 5, IDLE_LOOK_MIN_MS, IDLE_LOOK_MAX_MS);

    if (window_ms <= 0)
        g_hash_table_remove_all(checker->watches); /* begins anew when it is switched on */
    if (window_ms <= 0 || now_ms - checker->looked_at_ms < pause_ms)
        return false;
    checker->looked_at_ms = now_ms;
    return true;
}

static void idle_check_all(IdleChecker *checker)
{
    g_autoptr(GPtrArray) clones = NULL;
    g_autoptr(GPtrArray) doors = NULL;
    Error *e = store_list_clones(checker->engine->store, &clones);

    error_ignore(e, "idle clones are looked for again later");
    if (gate_is_used(checker->engine))
        error_ignore(gate_look(checker->engine, &doors), "clones are asked themselves");
    for (unsigned i = 0; clones && i < clones->len; i++)
        error_ignore(idle_check_clone(checker, clones->pdata[i], doors),
                     "a clone that cannot be asked is not idle");
    if (clones)
        g_hash_table_foreach_remove(checker->watches, idle_has_gone, clones);
}

static void idle_tick(void *data)
{
    IdleChecker *checker = data;

    if (idle_is_due(checker))
        idle_check_all(checker);
}

Error *idle_checker_start(Engine *engine, IdleChecker **ret_checker)
{
    IdleChecker *checker = g_new0(IdleChecker, 1);

    checker->engine = engine;
    checker->cancel = g_cancellable_new();
    checker->watches = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    Error *e = ticker_start("idle", IDLE_TICK_MS, idle_tick, checker, &checker->ticker);
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
    g_hash_table_unref(checker->watches);
    g_free(checker);
}

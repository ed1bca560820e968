/*
 * A look a second at who has ended. What is being worked on ends and starts by its operation, and
 * is looked at again when that is over.
 */
#include "engine/instance/supervisor.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/ticker.h"
#include "engine/clone/start.h"
#include "engine/gate/gate.h"
#include "engine/instance/instance.h"
#include "engine/pool/pools.h"
#include "operation/operation.h"
#include "store/clone.h"

#define SUPERVISOR_LOOK_MS   1000
#define SUPERVISOR_CALM_MS   (10 * 60 * 1000) /* after this the past is forgotten */
#define SUPERVISOR_MEMORY_MS 5000

static const int64_t supervisor_delays_ms[] = {0, 1000, 3000, 10000, 30000};
static const int64_t supervisor_retry_delays_ms[] = {1000, 5000, 30000, 120000, 600000};

/* One that has ended lately. */
typedef struct Patient {
    int64_t n_ends; /* within SUPERVISOR_CALM_MS of each other */
    int64_t ended_at_ms;
    int64_t due_at_ms; /* of its restart; 0 = it was started */
    int64_t n_failed;  /* starts, one after the other */
    int64_t n_killed;  /* processes that were ended for lack of memory, as last told */
} Patient;

struct Supervisor {
    Engine *engine;
    Ticker *ticker;
    GHashTable *patients; /* uid of a clone → Patient *, owned */
    GHashTable *ended;    /* set of uids that have ended and were not looked at yet */
    GMutex lock;          /* for `failed`; all else is the ticker's */
    GHashTable *failed;   /* set of uids whose start has failed and that were not looked at yet */
    int64_t memory_due_ms;
    bool is_away; /* what the instances run in */
};

int64_t supervisor_delay_ms(int64_t n)
{
    return n >= 1 && n <= (int64_t)G_N_ELEMENTS(supervisor_delays_ms) ? supervisor_delays_ms[n - 1]
                                                                      : -1;
}

int64_t supervisor_retry_delay_ms(int64_t n)
{
    size_t last = G_N_ELEMENTS(supervisor_retry_delays_ms) - 1;

    return supervisor_retry_delays_ms[MIN((size_t)MAX(n - 1, 0), last)];
}

static Patient *supervisor_patient(Supervisor *supervisor, const char *uid)
{
    Patient *patient = g_hash_table_lookup(supervisor->patients, uid);

    if (patient)
        return patient;
    patient = g_new0(Patient, 1);
    g_hash_table_insert(supervisor->patients, g_strdup(uid), patient);
    return patient;
}

/* --- the ends --- */

/* What could not be recorded, and is still for us to do: a reset or destruction has begun else. */
static bool supervisor_tries_again(const Error *e)
{
    return e && e->code != ERR_CONFLICT && e->code != ERR_NOT_FOUND;
}

static void supervisor_put_off(Patient *patient)
{
    patient->due_at_ms = clock_monotonic_ms() + supervisor_retry_delay_ms(1);
}

static void supervisor_give_up(Supervisor *supervisor, Patient *patient, const Clone *clone)
{
    Engine *engine = supervisor->engine;
    int64_t n_ends = patient->n_ends;
    g_autofree char *words = instance_last_words(engine, clone->uid);
    g_autofree char *message = g_strdup_printf("Its postgres has ended by itself %" G_GINT64_FORMAT
                                               " times and is not started again: %s",
                                               n_ends, *words ? words : "its log does not say why");

    Error *e = store_move_clone(engine->store, clone->uid, CLONE_IN(OK) | CLONE_IN(FATAL),
                                CLONE_FATAL, message);
    if (e) {
        if (supervisor_tries_again(e)) /* then it gets one start more */
            supervisor_put_off(patient);
        error_ignore(e, "what becomes of the clone is decided later");
        return;
    }
    log_error("a clone ends again and again", "clone", clone->id, "why", words);
    error_ignore(gate_shut(engine, clone), "its port is closed with the next server");
    engine_notify(engine);
}

static void supervisor_plan(Supervisor *supervisor, Patient *patient, const Clone *clone)
{
    int64_t now_ms = clock_monotonic_ms();
    int64_t delay_ms;

    if (now_ms - patient->ended_at_ms > SUPERVISOR_CALM_MS)
        patient->n_ends = 0;
    patient->n_ends++;
    patient->ended_at_ms = now_ms;
    delay_ms = supervisor_delay_ms(patient->n_ends);
    patient->due_at_ms = delay_ms < 0 ? 0 : now_ms + delay_ms;
    if (delay_ms < 0) {
        supervisor_give_up(supervisor, patient, clone);
        return;
    }
    log_warn("the postgres of a clone has ended by itself", "clone", clone->id);
    error_ignore(gate_hold(supervisor->engine, clone), "who connects now is refused");
}

/* Is it for us to start it? Golden instances and what is not served, or going, are not. */
static bool supervisor_cares(Supervisor *supervisor, const char *uid, Clone **ret_clone)
{
    Engine *engine = supervisor->engine;
    g_autoptr(Clone) clone = NULL;
    g_autoptr(Error) e = store_get_clone_by_uid(engine->store, uid, &clone);

    if (e || clone_wanted(clone) != CLONE_WANTED_RUN || runtime_is_running(engine->runtime, uid) ||
        !engine_has_pool(engine, clone->pool))
        return false;
    *ret_clone = g_steal_pointer(&clone);
    return true;
}

/* --- the restarts --- */

static void supervisor_restart(Supervisor *supervisor, Patient *patient, const char *uid)
{
    g_autofree char *message =
        g_strdup_printf("Its postgres has ended by itself and was started again (%" G_GINT64_FORMAT
                        " of %zu times)",
                        patient->n_ends, G_N_ELEMENTS(supervisor_delays_ms));

    patient->due_at_ms = 0;

    Error *e = engine_start_clone(supervisor->engine, uid, CLONE_IN(OK) | CLONE_IN(FATAL),
                                  patient->n_failed > 0 ? NULL : message, patient->n_failed);

    if (supervisor_tries_again(e))
        supervisor_put_off(patient);
    error_ignore(e, "a clone that has ended is started later");
}

/* Whose pool or runtime is away waits for that; what was reset or destroyed needs no start. */
static void supervisor_treat(Supervisor *supervisor, const char *uid, Patient *patient)
{
    Engine *engine = supervisor->engine;

    if (operations_is_busy(engine->operations, NULL, uid))
        return;
    if (runtime_is_running(engine->runtime, uid))
        patient->n_failed = 0;
    if (patient->due_at_ms > 0 && clock_monotonic_ms() >= patient->due_at_ms)
        supervisor_restart(supervisor, patient, uid);
}

/* --- starts that have failed --- */

void supervisor_start_failed(Supervisor *supervisor, const char *uid)
{
    if (!supervisor)
        return;
    g_mutex_lock(&supervisor->lock);
    g_hash_table_add(supervisor->failed, g_strdup(uid));
    g_mutex_unlock(&supervisor->lock);
}

static void supervisor_plan_retry(Supervisor *supervisor, const char *uid)
{
    Patient *patient = supervisor_patient(supervisor, uid);

    patient->n_failed++;
    patient->ended_at_ms = clock_monotonic_ms();
    patient->due_at_ms = patient->ended_at_ms + supervisor_retry_delay_ms(patient->n_failed);
}

static void supervisor_look_at_failed(Supervisor *supervisor)
{
    GHashTableIter iter;
    void *uid;

    g_mutex_lock(&supervisor->lock);
    g_hash_table_iter_init(&iter, supervisor->failed);
    while (g_hash_table_iter_next(&iter, &uid, NULL)) {
        supervisor_plan_retry(supervisor, uid);
        g_hash_table_iter_remove(&iter);
    }
    g_mutex_unlock(&supervisor->lock);
}

static void supervisor_treat_all(Supervisor *supervisor)
{
    GHashTableIter iter;
    void *uid, *patient;

    g_hash_table_iter_init(&iter, supervisor->patients);
    while (g_hash_table_iter_next(&iter, &uid, &patient))
        supervisor_treat(supervisor, uid, patient);
}

/* What is worked on ends by its operation's will, or is not what it was when that is over. */
static void supervisor_look_at_ends(Supervisor *supervisor)
{
    Engine *engine = supervisor->engine;
    GHashTableIter iter;
    void *uid;

    runtime_take_ended(engine->runtime, supervisor->ended);
    g_hash_table_iter_init(&iter, supervisor->ended);
    while (g_hash_table_iter_next(&iter, &uid, NULL)) {
        g_autoptr(Clone) clone = NULL;

        if (operations_is_busy(engine->operations, NULL, uid))
            continue;
        if (supervisor_cares(supervisor, uid, &clone))
            supervisor_plan(supervisor, supervisor_patient(supervisor, uid), clone);
        g_hash_table_iter_remove(&iter);
    }
}

/* --- what they run in --- */

/* Clones that ended with a container engine wait for it, and are not counted. */
static bool supervisor_look_at_runtime(Supervisor *supervisor)
{
    Engine *engine = supervisor->engine;
    bool was_away = supervisor->is_away;

    supervisor->is_away = !runtime_is_there(engine->runtime);
    if (supervisor->is_away && !was_away)
        log_warn("what runs the instances does not answer: clones that ended wait for it");
    if (was_away && !supervisor->is_away)
        error_ignore(engine_start_stopped_clones(engine, NULL),
                     "clones that ended are started with the next server");
    return !supervisor->is_away;
}

/* --- memory --- */

static void supervisor_tell_of_memory(Supervisor *supervisor, const Clone *clone, int64_t n_killed)
{
    Engine *engine = supervisor->engine;
    g_autofree char *message =
        g_strdup_printf("It has reached its limit of memory: %" G_GINT64_FORMAT
                        " of its processes were ended by the kernel since it was started",
                        n_killed);

    log_warn("a clone has reached its limit of memory", "clone", clone->id);
    error_ignore(
        store_move_clone(engine->store, clone->uid, CLONE_IN(OK), CLONE_OK, message),
        "the clone's status does not say that its memory was short: it is not OK any more");
    engine_notify(engine);
}

static void supervisor_look_at_memory_of(Supervisor *supervisor, const Clone *clone)
{
    int64_t n_killed = runtime_memory_kills(supervisor->engine->runtime, clone->uid);
    bool is_known = g_hash_table_contains(supervisor->patients, clone->uid);
    Patient *patient;

    if ((n_killed == 0 && !is_known) || clone_wanted(clone) != CLONE_WANTED_RUN)
        return;
    patient = supervisor_patient(supervisor, clone->uid);
    if (n_killed > 0 && n_killed != patient->n_killed) /* less than before: it was started anew */
        supervisor_tell_of_memory(supervisor, clone, n_killed);
    patient->n_killed = n_killed;
}

static gboolean supervisor_has_gone(void *uid, void *patient, void *clones)
{
    for (unsigned i = 0; i < ((const GPtrArray *)clones)->len; i++)
        if (g_str_equal(((const Clone *)((GPtrArray *)clones)->pdata[i])->uid, uid))
            return FALSE;
    return TRUE;
}

/* And forgets clones that were destroyed. */
static void supervisor_look_at_memory(Supervisor *supervisor)
{
    g_autoptr(GPtrArray) clones = NULL;

    if (clock_monotonic_ms() < supervisor->memory_due_ms)
        return;
    supervisor->memory_due_ms = clock_monotonic_ms() + SUPERVISOR_MEMORY_MS;
    Error *e = store_list_clones(supervisor->engine->store, &clones);
    error_ignore(e, "the clones' memory is looked at again later");
    for (unsigned i = 0; clones && i < clones->len; i++)
        supervisor_look_at_memory_of(supervisor, clones->pdata[i]);
    if (clones)
        g_hash_table_foreach_remove(supervisor->patients, supervisor_has_gone, clones);
}

/* --- its life --- */

static gboolean supervisor_is_well(void *uid, void *data, void *supervisor)
{
    const Patient *patient = data;

    return patient->due_at_ms == 0 && patient->n_killed == 0 && patient->n_failed == 0 &&
           clock_monotonic_ms() - patient->ended_at_ms > SUPERVISOR_CALM_MS;
}

static void supervisor_look(void *data)
{
    Supervisor *supervisor = data;

    if (!supervisor_look_at_runtime(supervisor))
        return;
    supervisor_look_at_ends(supervisor);
    supervisor_look_at_failed(supervisor);
    supervisor_treat_all(supervisor);
    supervisor_look_at_memory(supervisor);
    g_hash_table_foreach_remove(supervisor->patients, supervisor_is_well, supervisor);
}

Supervisor *supervisor_new(Engine *engine)
{
    Supervisor *supervisor = g_new0(Supervisor, 1);

    supervisor->engine = engine;
    supervisor->patients = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    supervisor->ended = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    supervisor->failed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_mutex_init(&supervisor->lock);
    return supervisor;
}

Error *supervisor_watch(Supervisor *supervisor)
{
    return ticker_start("supervisor", SUPERVISOR_LOOK_MS, supervisor_look, supervisor,
                        &supervisor->ticker);
}

void supervisor_stop(Supervisor *supervisor)
{
    if (!supervisor)
        return;
    ticker_stop(supervisor->ticker);
    supervisor->ticker = NULL;
}

void supervisor_free(Supervisor *supervisor)
{
    if (!supervisor)
        return;
    supervisor_stop(supervisor);
    g_hash_table_unref(supervisor->patients);
    g_hash_table_unref(supervisor->ended);
    g_hash_table_unref(supervisor->failed);
    g_mutex_clear(&supervisor->lock);
    g_free(supervisor);
}

/*
 * When a clone that has ended is started again, over a real store. The clock, the thread and all
 * that is outside are the test's.
 */
#include "engine/instance/supervisor.h"

#include <string.h>

#include "base/fs.h"
#include "base/ticker.h"
#include "engine/clone/clone.h"
#include "engine/clone/start.h"
#include "engine/gate/gate.h"
#include "engine/instance/instance.h"
#include "engine/pool/pools.h"
#include "operation/operation.h"

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)

typedef struct Fixture {
    char *dir;
    Engine engine;
    Supervisor *supervisor;
} Fixture;

/* What is so, and what was done. */
static struct {
    int64_t now_ms;
    void (*tick)(void *data);
    void *tick_data;
    bool is_away, has_ended, runs, is_busy, has_no_pool, does_not_start, cannot_record;
    int64_t n_killed;
    ErrorCode start_code; /* of a start that is refused; 0 = none is */
    int n_starts, n_starts_of_all, n_shut;
    int64_t n_failed; /* as the last start was told */
    char *message;    /* likewise */
} stage;

static void must(Error *e)
{
    if (e)
        g_error("%s", e->message);
}

/* --- the world outside --- */

int64_t __wrap_clock_monotonic_ms(void);
int64_t __wrap_clock_monotonic_ms(void)
{
    return stage.now_ms;
}

Error *__real_store_move_clone(Store *store, const char *uid, unsigned from, CloneState to,
                               const char *message);
Error *__wrap_store_move_clone(Store *store, const char *uid, unsigned from, CloneState to,
                               const char *message);
Error *__wrap_store_move_clone(Store *store, const char *uid, unsigned from, CloneState to,
                               const char *message)
{
    if (stage.cannot_record)
        return error_new(ERR_NO_SPACE, "no space");
    return __real_store_move_clone(store, uid, from, to, message);
}

Error *ticker_start(const char *name, int64_t interval_ms, void (*tick)(void *data), void *data,
                    Ticker **ret_ticker)
{
    stage.tick = tick;
    stage.tick_data = data;
    *ret_ticker = NULL;
    return NULL;
}

void ticker_stop(Ticker *ticker)
{
}

bool runtime_is_there(const Runtime *runtime)
{
    return !stage.is_away;
}

void runtime_take_ended(Runtime *runtime, GHashTable *ids)
{
    if (stage.has_ended)
        g_hash_table_add(ids, g_strdup("u"));
    stage.has_ended = false;
}

bool runtime_is_running(Runtime *runtime, const char *id)
{
    return stage.runs;
}

int64_t runtime_memory_kills(Runtime *runtime, const char *id)
{
    return stage.n_killed;
}

bool operations_is_busy(Operations *operations, const char *kind, const char *target)
{
    return stage.is_busy;
}

bool engine_has_pool(Engine *engine, const char *name)
{
    return !stage.has_no_pool;
}

Error *engine_start_clone(Engine *engine, const char *uid, unsigned from, const char *message,
                          int64_t n_failed)
{
    stage.n_starts++;
    stage.n_failed = n_failed;
    g_free(stage.message);
    stage.message = g_strdup(message);
    if (stage.start_code)
        return error_new(stage.start_code, "refused");
    stage.runs = !stage.does_not_start;
    return NULL;
}

Error *engine_start_stopped_clones(Engine *engine, const char *pool)
{
    stage.n_starts_of_all++;
    return NULL;
}

Error *gate_hold(Engine *engine, const Clone *clone)
{
    return NULL;
}

Error *gate_shut(Engine *engine, const Clone *clone)
{
    stage.n_shut++;
    return NULL;
}

char *instance_last_words(Engine *engine, const char *uid)
{
    return g_strdup("PANIC: all is lost");
}

void engine_notify(Engine *engine)
{
}

/* --- one clone --- */

static void set_up(Fixture *f, const void *unused)
{
    g_autoptr(Snapshot) snapshot = snapshot_new();
    g_autoptr(Clone) clone = clone_new();

    memset(&stage, 0, sizeof(stage));
    stage.now_ms = 60 * MINUTE_MS;
    f->dir = g_dir_make_tmp("ramet-supervisor-XXXXXX", NULL);
    must(store_open(f->dir, STORE_READ_WRITE, &f->engine.store));
    snapshot->uid = g_strdup("s");
    snapshot->id = g_strdup("s-id");
    must(store_insert_snapshot(f->engine.store, snapshot));
    clone->uid = g_strdup("u");
    clone->id = g_strdup("c");
    clone->snapshot_uid = g_strdup("s");
    clone->state = CLONE_OK;
    must(store_insert_clone(f->engine.store, clone));
    stage.runs = true;
    f->supervisor = supervisor_new(&f->engine);
    must(supervisor_watch(f->supervisor));
}

static void tear_down(Fixture *f, const void *unused)
{
    supervisor_free(f->supervisor);
    store_close(f->engine.store);
    must(fs_remove_tree(f->dir));
    g_free(f->dir);
    g_clear_pointer(&stage.message, g_free);
}

static void look(void)
{
    stage.tick(stage.tick_data);
}

/* What a look after so long has started. */
static int starts_after(int64_t ms)
{
    int before = stage.n_starts;

    stage.now_ms += ms;
    look();
    return stage.n_starts - before;
}

static void end(void)
{
    stage.runs = false;
    stage.has_ended = true;
}

static Clone *the_clone(Fixture *f)
{
    Clone *clone = NULL;

    must(store_get_clone(f->engine.store, "c", &clone));
    return clone;
}

/* --- ends --- */

static const int64_t delays_ms[] = {0, 1000, 3000, 10000, 30000};

static void end_five_times(void)
{
    for (size_t n = 0; n < G_N_ELEMENTS(delays_ms); n++) {
        g_autofree char *times = g_strdup_printf("(%zu of 5 times)", n + 1);

        end();
        if (delays_ms[n] > 0) {
            g_assert_cmpint(starts_after(0), ==, 0);
            g_assert_cmpint(starts_after(delays_ms[n] - 1), ==, 0);
        }
        g_assert_cmpint(starts_after(1), ==, 1);
        g_assert_nonnull(strstr(stage.message, times));
        g_assert_cmpint(starts_after(SECOND_MS), ==, 0);
    }
}

/* Later and later, and then no more: it says why, and its door is shut. */
static void test_ends(Fixture *f, const void *unused)
{
    end_five_times();
    end();
    g_assert_cmpint(starts_after(MINUTE_MS), ==, 0);
    g_assert_cmpint(starts_after(MINUTE_MS), ==, 0);
    g_autoptr(Clone) clone = the_clone(f);
    g_assert_cmpint(clone->state, ==, CLONE_FATAL);
    g_assert_nonnull(strstr(clone->message, "6 times"));
    g_assert_nonnull(strstr(clone->message, "all is lost"));
    g_assert_cmpint(stage.n_shut, ==, 1);
}

/* What ends once in a while is no trouble. */
static void test_calm(Fixture *f, const void *unused)
{
    for (int i = 0; i < 10; i++) {
        stage.now_ms += 11 * MINUTE_MS;
        end();
        g_assert_cmpint(starts_after(0), ==, 1);
        g_assert_nonnull(strstr(stage.message, "(1 of 5 times)"));
        look();
    }
}

/* That it ended for good could not be recorded: it gets one start more, and the end is recorded then. */
static void test_end_not_recorded(Fixture *f, const void *unused)
{
    end_five_times();
    stage.cannot_record = true;
    end();
    g_assert_cmpint(starts_after(0), ==, 0);
    g_assert_cmpint(stage.n_shut, ==, 0);
    g_assert_cmpint(starts_after(SECOND_MS), ==, 1);
    stage.cannot_record = false;
    end();
    g_assert_cmpint(starts_after(0), ==, 0);
    g_autoptr(Clone) clone = the_clone(f);
    g_assert_cmpint(clone->state, ==, CLONE_FATAL);
}

/* --- starts that are not recorded --- */

/* It is put off, for as long as it takes. */
static void test_put_off(Fixture *f, const void *unused)
{
    stage.start_code = ERR_NO_SPACE;
    end();
    g_assert_cmpint(starts_after(0), ==, 1);
    for (int i = 0; i < 20; i++) {
        g_assert_cmpint(starts_after(SECOND_MS - 1), ==, 0);
        g_assert_cmpint(starts_after(1), ==, 1);
    }
    stage.start_code = 0;
    g_assert_cmpint(starts_after(SECOND_MS), ==, 1);
    g_assert_true(stage.runs);
    g_assert_cmpint(starts_after(MINUTE_MS), ==, 0);
}

/* A reset or a destruction has begun, or it is gone. */
static void test_not_ours(Fixture *f, const void *unused)
{
    static const ErrorCode codes[] = {ERR_CONFLICT, ERR_NOT_FOUND};

    for (size_t i = 0; i < G_N_ELEMENTS(codes); i++) {
        stage.now_ms += 11 * MINUTE_MS;
        stage.start_code = codes[i];
        end();
        g_assert_cmpint(starts_after(0), ==, 1);
        g_assert_cmpint(starts_after(MINUTE_MS), ==, 0);
    }
}

/* --- starts that fail --- */

static void fail_again(Fixture *f, int64_t n, int64_t delay_ms)
{
    supervisor_start_failed(f->supervisor, "u");
    g_assert_cmpint(starts_after(0), ==, 0);
    g_assert_cmpint(starts_after(delay_ms - 1), ==, 0);
    g_assert_cmpint(starts_after(1), ==, 1);
    g_assert_cmpint(stage.n_failed, ==, n);
    g_assert_null(stage.message); /* it has not ended by itself */
}

/* Tried later and later, without an end; when one succeeds all is forgotten. */
static void test_failed_starts(Fixture *f, const void *unused)
{
    static const int64_t retries_ms[] = {1000, 5000, 30000, 120000, 600000, 600000, 600000};

    stage.runs = false;
    stage.does_not_start = true;
    for (size_t n = 0; n < G_N_ELEMENTS(retries_ms); n++)
        fail_again(f, (int64_t)n + 1, retries_ms[n]);
    stage.runs = true;
    look();
    stage.runs = false;
    fail_again(f, 1, 1000);
}

/* --- whom it concerns --- */

static void work_on_it(void)
{
    stage.is_busy = true;
}

static void take_its_pool(void)
{
    stage.has_no_pool = true;
}

static void have_it_run(void)
{
    stage.runs = true;
}

/* What is seen to have ended is started only if it is for us to do. */
static void test_not_started(Fixture *f, const void *data)
{
    end();
    (*(void (*const *)(void))data)();
    g_assert_cmpint(starts_after(0), ==, 0);
    g_assert_cmpint(starts_after(MINUTE_MS), ==, 0);
}

/* Looked at again when the work is over. */
static void test_busy(Fixture *f, const void *unused)
{
    end();
    stage.is_busy = true;
    g_assert_cmpint(starts_after(MINUTE_MS), ==, 0);
    stage.is_busy = false;
    g_assert_cmpint(starts_after(0), ==, 1);
}

static void test_gone(Fixture *f, const void *unused)
{
    must(store_delete_clone(f->engine.store, "u"));
    end();
    g_assert_cmpint(starts_after(MINUTE_MS), ==, 0);
}

/* What ends with a container engine is not counted: all are started when it is back. */
static void test_away(Fixture *f, const void *unused)
{
    stage.is_away = true;
    g_assert_cmpint(starts_after(0), ==, 0);
    end();
    g_assert_cmpint(starts_after(MINUTE_MS), ==, 0);
    g_assert_cmpint(stage.n_starts_of_all, ==, 0);
    stage.is_away = false;
    stage.runs = true; /* by that start */
    g_assert_cmpint(starts_after(0), ==, 0);
    g_assert_cmpint(stage.n_starts_of_all, ==, 1);
    g_assert_cmpint(starts_after(MINUTE_MS), ==, 0);
    g_assert_cmpint(stage.n_starts_of_all, ==, 1);
}

/* --- memory --- */

static void expect_message(Fixture *f, const char *part)
{
    g_autoptr(Clone) clone = the_clone(f);

    g_assert_cmpint(clone->state, ==, CLONE_OK);
    if (!strstr(clone->message, part))
        g_error("\"%s\" instead of \"%s\"", clone->message, part);
}

/* Told once for each time, and again after a start. */
static void test_memory(Fixture *f, const void *unused)
{
    static const struct {
        int64_t n_killed;
        const char *told;
    } looks[] = {{0, ""}, {2, "2 of its processes"}, {2, ""}, {3, "3 of its processes"},
                 {0, ""}, {1, "1 of its processes"}};

    for (size_t i = 0; i < G_N_ELEMENTS(looks); i++) {
        must(__real_store_move_clone(f->engine.store, "u", CLONE_IN(OK), CLONE_OK, "as before"));
        stage.n_killed = looks[i].n_killed;
        starts_after(5 * SECOND_MS);
        expect_message(f, *looks[i].told ? looks[i].told : "as before");
    }
}

/* --- pure --- */

static void test_delay(void)
{
    g_assert_cmpint(supervisor_delay_ms(0), ==, -1);
    for (size_t n = 0; n < G_N_ELEMENTS(delays_ms); n++)
        g_assert_cmpint(supervisor_delay_ms((int64_t)n + 1), ==, delays_ms[n]);
    g_assert_cmpint(supervisor_delay_ms(6), ==, -1);
}

/* There is always a next start. */
static void test_retry_delay(void)
{
    for (int64_t n = 2; n <= 5; n++)
        g_assert_cmpint(supervisor_retry_delay_ms(n), >, supervisor_retry_delay_ms(n - 1));
    g_assert_cmpint(supervisor_retry_delay_ms(1000), ==, supervisor_retry_delay_ms(5));
}

#define ADD(name, function)                                                                        \
    g_test_add("/supervisor/" name, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*meanwhile)(void);
    } not_started[] = {
        {"/supervisor/not-started/busy", work_on_it},
        {"/supervisor/not-started/pool-is-away", take_its_pool},
        {"/supervisor/not-started/runs", have_it_run},
    };

    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/supervisor/delay", test_delay);
    g_test_add_func("/supervisor/retry-delay", test_retry_delay);
    ADD("ends", test_ends);
    ADD("calm", test_calm);
    ADD("end-not-recorded", test_end_not_recorded);
    ADD("put-off", test_put_off);
    ADD("not-ours", test_not_ours);
    ADD("failed-starts", test_failed_starts);
    ADD("busy", test_busy);
    ADD("gone", test_gone);
    ADD("away", test_away);
    ADD("memory", test_memory);
    for (size_t i = 0; i < G_N_ELEMENTS(not_started); i++)
        g_test_add(not_started[i].path, Fixture, &not_started[i].meanwhile, set_up,
                   test_not_started, tear_down);
    return g_test_run();
}

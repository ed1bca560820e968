/*
 * The fault sweep: for each kind of operation, every outside effect in turn fails, comes too late,
 * or is the last one before a crash; and with it every later one, in the undo, at the end and in
 * the recovery. Afterwards the work is done or undone, what was acknowledged is there, and nothing
 * is left.
 */
#include "plan.h"
#include "world.h"

#include "base/clock.h"
#include "base/fs.h"
#include "engine/clone.h"
#include "engine/clone_start.h"
#include "engine/operation.h"
#include "engine/port.h"
#include "engine/snapshot.h"
#include "engine/volume.h"
#include "store/clone.h"
#include "store/operation.h"
#include "store/snapshot.h"

#define SETTLE_MS 60000
#define NO_FAULT  ((Fault){0})

typedef struct Sweep {
    char *dir;
    Engine engine;
    Config config;
} Sweep;

typedef struct Kind {
    const char *name;
    bool has_clone;    /* "c" is there before */
    bool has_snapshot; /* so is a snapshot of it */
    Error *(*request)(Sweep *sweep);
    CloneState state; /* of an acknowledged one that no fault but a kill has met; -1 = gone */
} Kind;

static void sweep_must(Error *e)
{
    if (e)
        g_error("%s (%s)", e->message, e->detail ? e->detail : "-");
}

/* --- the server --- */

static void sweep_start(Sweep *sweep)
{
    static const OperationKind *const kinds[] = {
        &clone_create_kind,   &clone_reset_kind,     &clone_destroy_kind,  &clone_start_kind,
        &snapshot_clone_kind, &snapshot_delete_kind, &volume_discard_kind,
    };

    sweep_must(operations_new(&sweep->engine, 4, 1000, &sweep->engine.operations));
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        operations_register(sweep->engine.operations, kinds[i]);
    sweep_must(operations_recover(sweep->engine.operations));
    error_free(engine_start_stopped_clones(&sweep->engine, NULL)); /* the fault: once more below */
}

static void sweep_restart(Sweep *sweep)
{
    operations_free(g_steal_pointer(&sweep->engine.operations));
    plan_revive();
    sweep_start(sweep);
}

static Error *sweep_is_settled(void *data, bool *ret_done)
{
    Sweep *sweep = data;
    g_autoptr(GPtrArray) rows = NULL;

    if (plan_is_dead())
        sweep_restart(sweep);
    operations_hurry(sweep->engine.operations);
    TRY(store_list_operations(sweep->engine.store, &rows));
    *ret_done = rows->len == 0 && !operations_is_busy(sweep->engine.operations, NULL, NULL) &&
                !plan_is_dead();
    return NULL;
}

static void sweep_settle(Sweep *sweep)
{
    sweep_must(wait_until(clock_monotonic_ms() + SETTLE_MS, sweep_is_settled, sweep));
}

/* --- what is asked for --- */

static Error *request_create(Sweep *sweep)
{
    const CloneRequest request = {
        .id = "c",
        .snapshot_id = "",
        .branch = "",
        .username = "u",
        .password = "p",
        .db_name = "",
    };
    g_autoptr(Clone) clone = NULL;

    return engine_create_clone(&sweep->engine, &request, &clone);
}

static Error *request_reset(Sweep *sweep)
{
    return engine_reset_clone(&sweep->engine, "c", "s2", false);
}

static Error *request_destroy(Sweep *sweep)
{
    return engine_destroy_clone(&sweep->engine, "c");
}

static Error *request_start(Sweep *sweep)
{
    g_autoptr(Clone) clone = NULL;

    world_stop_instances();
    TRY(store_get_clone(sweep->engine.store, "c", &clone));
    return engine_start_clone(&sweep->engine, clone->uid, CLONE_IN(OK), NULL, 0);
}

static Error *request_snapshot(Sweep *sweep)
{
    g_autoptr(Snapshot) snapshot = NULL;

    return engine_snapshot_clone(&sweep->engine, "c", "", NULL, NULL, &snapshot);
}

/* Of the clone "c"; NULL = there is none. Caller frees. */
static char *find_snapshot(Sweep *sweep)
{
    g_autoptr(GPtrArray) snapshots = NULL;

    sweep_must(store_list_snapshots(sweep->engine.store, &snapshots));
    for (unsigned i = 0; i < snapshots->len; i++)
        if (*((Snapshot *)snapshots->pdata[i])->clone_id)
            return g_strdup(((Snapshot *)snapshots->pdata[i])->id);
    return NULL;
}

static Error *request_delete_snapshot(Sweep *sweep)
{
    g_autofree char *id = find_snapshot(sweep);

    return engine_delete_snapshot(&sweep->engine, id, true, NULL, NULL);
}

static const Kind kinds[] = {
    {"create", false, false, request_create, CLONE_OK},
    {"reset", true, false, request_reset, CLONE_OK},
    {"destroy", true, false, request_destroy, (CloneState)-1},
    {"start", true, false, request_start, CLONE_OK},
    {"snapshot", true, false, request_snapshot, CLONE_OK},
    {"delete-snapshot", true, true, request_delete_snapshot, CLONE_OK},
};

/* --- one run --- */

static void sweep_ask(Sweep *sweep, Error *(*request)(Sweep *sweep))
{
    sweep_must(request(sweep));
    sweep_settle(sweep);
}

static void sweep_prepare(Sweep *sweep, const Kind *kind)
{
    if (kind->has_clone)
        sweep_ask(sweep, request_create);
    if (kind->has_snapshot)
        sweep_ask(sweep, request_snapshot);
}

static bool fault_is_kill(Fault fault)
{
    return fault.at == 0 || fault.how == FAULT_KILLS || fault.how == FAULT_KILLS_AFTER;
}

static void sweep_check(Sweep *sweep, const Kind *kind, bool was_accepted, Fault first,
                        Fault second)
{
    g_autofree char *problems = world_compare(sweep->engine.store);
    g_autofree char *label = g_strdup_printf("%s, effects %d (%d) and %d (%d)", kind->name,
                                             first.at, first.how, second.at, second.how);
    g_autoptr(Clone) clone = NULL;
    g_autoptr(Error) e = store_get_clone(sweep->engine.store, "c", &clone);

    if (problems)
        g_error("%s: %s", label, problems);
    if (!was_accepted)
        return;
    if (kind->state == (CloneState)-1 && clone)
        g_error("%s: the clone is still there", label);
    if (kind->state != (CloneState)-1 && !clone)
        g_error("%s: an acknowledged clone is gone", label);
    if (clone && fault_is_kill(first) && fault_is_kill(second) && clone->state != kind->state)
        g_error("%s: the clone is %s: %s", label, clone_state_name(clone->state), clone->message);
}

/* Everything can be destroyed, and is gone then. */
static void sweep_clear(Sweep *sweep)
{
    g_autoptr(GPtrArray) clones = NULL, snapshots = NULL;
    g_autofree char *snapshot = NULL;

    error_free(request_destroy(sweep)); /* there may be none */
    sweep_settle(sweep);
    if ((snapshot = find_snapshot(sweep)))
        sweep_ask(sweep, request_delete_snapshot);
    sweep_must(store_list_clones(sweep->engine.store, &clones));
    sweep_must(store_list_snapshots(sweep->engine.store, &snapshots));
    g_assert_cmpuint(clones->len, ==, 0);
    g_assert_cmpuint(snapshots->len, ==, 2);
    g_autofree char *problems = world_compare(sweep->engine.store);
    g_assert_cmpstr(problems, ==, NULL);
}

/* As the supervisor does, of a start that could not be recorded. True when there was one to begin. */
static bool sweep_start_again(Sweep *sweep)
{
    g_autoptr(Clone) clone = NULL;

    sweep_must(store_get_clone(sweep->engine.store, "c", &clone));
    if (clone->state == CLONE_FATAL || runtime_is_running(NULL, clone->uid))
        return false;
    error_free(engine_start_stopped_clones(&sweep->engine, NULL));
    return true;
}

/* The number of effects that there were: less than the fault's, and the fault did not come. */
static int sweep_run(Sweep *sweep, const Kind *kind, Fault first, Fault second)
{
    sweep_prepare(sweep, kind);
    plan_arm(first, second);
    g_autoptr(Error) refused = kind->request(sweep);
    sweep_settle(sweep);
    while (kind->request == request_start && sweep_start_again(sweep))
        sweep_settle(sweep);
    int n_effects = plan_count();
    plan_arm(NO_FAULT, NO_FAULT);
    sweep_check(sweep, kind, refused == NULL, first, second);
    sweep_clear(sweep);
    return n_effects;
}

static void sweep_singles(Sweep *sweep, const Kind *kind)
{
    int n_runs = 0;

    for (FaultHow how = FAULT_FAILS; how <= FAULT_KILLS_AFTER; how++)
        for (int at = 1; sweep_run(sweep, kind, (Fault){at, how}, NO_FAULT) >= at; at++)
            n_runs++;
    g_test_message("%s: %d runs", kind->name, n_runs);
}

/* The undo, the recovery, and the end of these fail, too. */
static void sweep_pairs(Sweep *sweep, const Kind *kind)
{
    static const FaultHow hows[] = {FAULT_FAILS, FAULT_KILLS};
    int n = sweep_run(sweep, kind, NO_FAULT, NO_FAULT);

    for (int i = 0; i < 4; i++)
        for (int at = 1; at <= n; at++) {
            const Fault first = {at, hows[i / 2]};
            for (int later = at + 1;
                 sweep_run(sweep, kind, first, (Fault){later, hows[i % 2]}) >= later; later++)
                ;
        }
}

/* --- what fails again and again --- */

/* Until it has failed three times, or all is over. */
static Error *sweep_is_stuck(void *data, bool *ret_done)
{
    bool is_settled = false;

    TRY(sweep_is_settled(data, &is_settled));
    *ret_done = is_settled || plan_stuck() >= 3;
    return NULL;
}

/*
 * The instance that serves is stopped once for the work, and the one beside it once for its undo. The first
 * fault may cost one more: a step whose entry the journal did not take is done again.
 */
static void sweep_check_stops(const Kind *kind, Fault first, Fault second)
{
    if (world_stops() > 3)
        g_error("%s, effects %d and %d: stopped %d times", kind->name, first.at, second.at,
                world_stops());
}

/* Meanwhile it can be destroyed, and when what stuck is free nothing of it is left. */
static int sweep_stick(Sweep *sweep, const Kind *kind, Fault first, Fault second, bool is_destroyed)
{
    sweep_prepare(sweep, kind);
    plan_arm(first, second);
    world_count_stops();
    g_autoptr(Error) refused = kind->request(sweep);
    sweep_must(wait_until(clock_monotonic_ms() + SETTLE_MS, sweep_is_stuck, sweep));
    int n_stuck = plan_stuck();
    if (is_destroyed)
        error_free(request_destroy(sweep)); /* the store may be what is stuck */
    plan_release();
    sweep_settle(sweep);
    if (!is_destroyed)
        sweep_check_stops(kind, first, second);
    plan_arm(NO_FAULT, NO_FAULT);
    sweep_clear(sweep);
    return n_stuck;
}

static void sweep_stuck(Sweep *sweep, const Kind *kind)
{
    int n = sweep_run(sweep, kind, NO_FAULT, NO_FAULT);

    for (int i = 0; i < 2; i++)
        for (int at = 1; at <= n; at++)
            for (int later = at + 1; sweep_stick(sweep, kind, (Fault){at, FAULT_FAILS},
                                                 (Fault){later, FAULT_STICKS}, i == 1) > 0;
                 later++)
                ;
}

/* --- the tests --- */

static void add_golden(Sweep *sweep, const char *uid)
{
    g_autoptr(Snapshot) snapshot = snapshot_new();

    snapshot->uid = g_strdup(uid);
    snapshot->id = g_strdup(uid);
    snapshot->pool = g_strdup("p");
    snapshot->branch = g_strdup("main");
    snapshot->pg_major = 17;
    snapshot->is_ready = true;
    snapshot->data_state_at_ms = snapshot->created_at_ms = 1000;
    sweep_must(store_insert_snapshot(sweep->engine.store, snapshot));
    world_add_snapshot(uid);
}

static void sweep_open(Sweep *sweep)
{
    sweep->dir = g_dir_make_tmp("ramet-sweep-XXXXXX", NULL);
    sweep->engine.config = &sweep->config;
    sweep->config.global.database_dbname = (char *)(uintptr_t) "postgres";
    sweep->config.global.database_username = (char *)(uintptr_t) "postgres";
    sweep->engine.ports = port_pool_new(56000, 56099);
    world_open();
    sweep_must(store_open(sweep->dir, STORE_READ_WRITE, &sweep->engine.store));
    add_golden(sweep, "s1");
    add_golden(sweep, "s2");
    sweep_start(sweep);
}

static void sweep_close(Sweep *sweep)
{
    operations_free(sweep->engine.operations);
    store_close(sweep->engine.store);
    port_pool_free(sweep->engine.ports);
    world_close();
    sweep_must(fs_remove_tree(sweep->dir));
    g_free(sweep->dir);
}

static void test_singles(const void *data)
{
    Sweep sweep = {0};

    sweep_open(&sweep);
    sweep_singles(&sweep, data);
    sweep_close(&sweep);
}

static void test_pairs(const void *data)
{
    Sweep sweep = {0};

    sweep_open(&sweep);
    sweep_pairs(&sweep, data);
    sweep_close(&sweep);
}

static void test_stuck(const void *data)
{
    Sweep sweep = {0};

    sweep_open(&sweep);
    sweep_stuck(&sweep, data);
    sweep_close(&sweep);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autofree char *single = g_strdup_printf("/sweep/single/%s", kinds[i].name);
        g_autofree char *stuck = g_strdup_printf("/sweep/stuck/%s", kinds[i].name);
        g_autofree char *pair = g_strdup_printf("/sweep/pairs/%s", kinds[i].name);

        g_test_add_data_func(single, &kinds[i], test_singles);
        g_test_add_data_func(pair, &kinds[i], test_pairs);
        if (kinds[i].request == request_reset || kinds[i].request == request_snapshot)
            g_test_add_data_func(stuck, &kinds[i], test_stuck);
    }
    return g_test_run();
}

/*
 * The fault sweep: for each kind of operation, every outside effect in turn fails, comes too late,
 * or is the last one before a crash; and with it every later one, in the undo, at the end and in
 * the recovery. Afterwards the work is done or undone, what was acknowledged is there, and nothing
 * is left.
 */
#include "plan.h"
#include "server.h"

#include "base/clock.h"
#include "engine/clone.h"
#include "engine/clone_start.h"
#include "engine/kinds.h"
#include "engine/snapshot.h"
#include "store/clone.h"
#include "store/operation.h"
#include "store/snapshot.h"

#define SETTLE_MS 60000
#define NO_FAULT  ((Fault){0})

typedef struct Kind {
    const char *name;
    bool has_clone;    /* "c" is there before */
    bool has_snapshot; /* so is a snapshot of it */
    Error *(*request)(Server *server);
    CloneState state; /* of an acknowledged one that no fault but a kill has met; -1 = gone */
} Kind;

/* --- what is asked for --- */

static Error *request_reset(Server *server)
{
    return engine_reset_clone(&server->engine, "c", "s2", false);
}

static Error *request_destroy(Server *server)
{
    return engine_destroy_clone(&server->engine, "c");
}

static Error *request_start(Server *server)
{
    g_autoptr(Clone) clone = NULL;

    world_stop_instances();
    TRY(store_get_clone(server->engine.store, "c", &clone));
    return engine_start_clone(&server->engine, clone->uid, CLONE_IN(OK), NULL, 0);
}

static Error *request_snapshot(Server *server)
{
    g_autoptr(Snapshot) snapshot = NULL;

    return engine_snapshot_clone(&server->engine, "c", "", NULL, NULL, &snapshot);
}

/* Of the clone "c"; NULL = there is none. Caller frees. */
static char *find_snapshot(Server *server)
{
    g_autoptr(GPtrArray) snapshots = NULL;

    must(store_list_snapshots(server->engine.store, &snapshots));
    for (unsigned i = 0; i < snapshots->len; i++)
        if (*((Snapshot *)snapshots->pdata[i])->clone_id)
            return g_strdup(((Snapshot *)snapshots->pdata[i])->id);
    return NULL;
}

static Error *request_delete_snapshot(Server *server)
{
    g_autofree char *id = find_snapshot(server);

    return engine_delete_snapshot(&server->engine, id, true, NULL, NULL);
}

static const Kind kinds[] = {
    {"create", false, false, server_create_clone, CLONE_OK},
    {"reset", true, false, request_reset, CLONE_OK},
    {"destroy", true, false, request_destroy, (CloneState)-1},
    {"start", true, false, request_start, CLONE_OK},
    {"snapshot", true, false, request_snapshot, CLONE_OK},
    {"delete-snapshot", true, true, request_delete_snapshot, CLONE_OK},
};

/* --- one run --- */

static void sweep_ask(Server *server, Error *(*request)(Server *server))
{
    must(request(server));
    server_settle(server);
}

static void sweep_prepare(Server *server, const Kind *kind)
{
    if (kind->has_clone)
        sweep_ask(server, server_create_clone);
    if (kind->has_snapshot)
        sweep_ask(server, request_snapshot);
}

static bool fault_is_kill(Fault fault)
{
    return fault.at == 0 || fault.how == FAULT_KILLS || fault.how == FAULT_KILLS_AFTER;
}

static void sweep_check(Server *server, const Kind *kind, bool was_accepted, Fault first,
                        Fault second)
{
    g_autofree char *problems = server_problems(server);
    g_autofree char *label = g_strdup_printf("%s, effects %d (%d) and %d (%d)", kind->name,
                                             first.at, first.how, second.at, second.how);
    g_autoptr(Clone) clone = NULL;
    g_autoptr(Error) e = store_get_clone(server->engine.store, "c", &clone);

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
static void sweep_clear(Server *server)
{
    g_autoptr(GPtrArray) clones = NULL, snapshots = NULL;
    g_autofree char *snapshot = NULL;

    error_free(request_destroy(server)); /* there may be none */
    server_settle(server);
    if ((snapshot = find_snapshot(server)))
        sweep_ask(server, request_delete_snapshot);
    must(store_list_clones(server->engine.store, &clones));
    must(store_list_snapshots(server->engine.store, &snapshots));
    g_assert_cmpuint(clones->len, ==, 0);
    g_assert_cmpuint(snapshots->len, ==, 2);
    g_autofree char *problems = server_problems(server);
    g_assert_cmpstr(problems, ==, NULL);
}

/* As the supervisor does, of a start that could not be recorded. True when there was one to begin. */
static bool sweep_start_again(Server *server)
{
    g_autoptr(Clone) clone = NULL;

    must(store_get_clone(server->engine.store, "c", &clone));
    if (clone->state == CLONE_FATAL || runtime_is_running(NULL, clone->uid))
        return false;
    error_free(engine_start_stopped_clones(&server->engine, NULL));
    return true;
}

/* The number of effects that there were: less than the fault's, and the fault did not come. */
static int sweep_run(Server *server, const Kind *kind, Fault first, Fault second)
{
    sweep_prepare(server, kind);
    plan_arm(first, second);
    g_autoptr(Error) refused = kind->request(server);
    server_settle(server);
    while (kind->request == request_start && sweep_start_again(server))
        server_settle(server);
    int n_effects = plan_count();
    plan_arm(NO_FAULT, NO_FAULT);
    sweep_check(server, kind, refused == NULL, first, second);
    sweep_clear(server);
    return n_effects;
}

static void sweep_singles(Server *server, const Kind *kind)
{
    int n_runs = 0;

    for (FaultHow how = FAULT_FAILS; how <= FAULT_KILLS_AFTER; how++)
        for (int at = 1; sweep_run(server, kind, (Fault){at, how}, NO_FAULT) >= at; at++)
            n_runs++;
    g_test_message("%s: %d runs", kind->name, n_runs);
}

/* The undo, the recovery, and the end of these fail, too. */
static void sweep_pairs(Server *server, const Kind *kind)
{
    static const FaultHow hows[] = {FAULT_FAILS, FAULT_KILLS};
    int n = sweep_run(server, kind, NO_FAULT, NO_FAULT);

    for (int i = 0; i < 4; i++)
        for (int at = 1; at <= n; at++) {
            const Fault first = {at, hows[i / 2]};
            for (int later = at + 1;
                 sweep_run(server, kind, first, (Fault){later, hows[i % 2]}) >= later; later++)
                ;
        }
}

/* --- what fails again and again --- */

/* Until it has failed three times, or all is over. */
static Error *sweep_is_stuck(void *data, bool *ret_done)
{
    bool is_settled = false;

    TRY(server_is_settled(data, &is_settled));
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
static int sweep_stick(Server *server, const Kind *kind, Fault first, Fault second,
                       bool is_destroyed)
{
    sweep_prepare(server, kind);
    plan_arm(first, second);
    world_count_stops();
    g_autoptr(Error) refused = kind->request(server);
    must(wait_until(clock_monotonic_ms() + SETTLE_MS, sweep_is_stuck, server));
    int n_stuck = plan_stuck();
    if (is_destroyed)
        error_free(request_destroy(server)); /* the store may be what is stuck */
    plan_release();
    server_settle(server);
    if (!is_destroyed)
        sweep_check_stops(kind, first, second);
    plan_arm(NO_FAULT, NO_FAULT);
    sweep_clear(server);
    return n_stuck;
}

static void sweep_stuck(Server *server, const Kind *kind)
{
    int n = sweep_run(server, kind, NO_FAULT, NO_FAULT);

    for (int i = 0; i < 2; i++)
        for (int at = 1; at <= n; at++)
            for (int later = at + 1; sweep_stick(server, kind, (Fault){at, FAULT_FAILS},
                                                 (Fault){later, FAULT_STICKS}, i == 1) > 0;
                 later++)
                ;
}

/* --- the tests --- */

static void test_singles(const void *data)
{
    Server server = {0};

    server_open(&server);
    sweep_singles(&server, data);
    server_close(&server);
}

static void test_pairs(const void *data)
{
    Server server = {0};

    server_open(&server);
    sweep_pairs(&server, data);
    server_close(&server);
}

static void test_stuck(const void *data)
{
    Server server = {0};

    server_open(&server);
    sweep_stuck(&server, data);
    server_close(&server);
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

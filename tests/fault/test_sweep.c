/*
 * The fault sweep: for each kind of operation, every outside effect in turn fails, comes too late,
 * or is the last one before a crash; and with it every later one, in the undo, at the end and in
 * the recovery. And in between, wherever that is possible, somebody else asks for something.
 * Afterwards the work is done or undone, what was acknowledged is there, and nothing is left.
 */
#include "kinds.h"
#include "plan.h"

#include "base/clock.h"
#include "engine/clone/start.h"
#include "engine/kinds.h"
#include "store/operation.h"

#define SETTLE_MS 60000
#define NO_FAULT  ((Fault){0})

/* --- one run --- */

static void sweep_prepare(Server *server, const Kind *kind)
{
    world_take_snapshots_at_once(kind->is_atomic);
    for (size_t i = 0; i < G_N_ELEMENTS(kind->before) && kind->before[i]; i++) {
        must(kind->before[i](server));
        server_settle(server);
    }
}

static bool fault_is_kill(Fault fault)
{
    return fault.at == 0 || fault.how == FAULT_KILLS || fault.how == FAULT_KILLS_AFTER;
}

static char *faults_text(const Kind *kind, Fault first, Fault second)
{
    static const char *const hows[] = {"fails", "is late", "kills", "kills after", "sticks"};

    return second.at == 0
               ? g_strdup_printf("%s, effect %d %s", kind->name, first.at, hows[first.how])
               : g_strdup_printf("%s, effect %d %s and %d %s", kind->name, first.at,
                                 hows[first.how], second.at, hows[second.how]);
}

/* As the supervisor does, of a start that could not be recorded. True when there was one to begin. */
static bool sweep_start_again(Server *server)
{
    g_autoptr(Clone) clone = find_clone(server);

    if (clone->state == CLONE_FATAL || runtime_is_running(NULL, clone->uid))
        return false;
    error_free(engine_start_stopped_clones(&server->engine, NULL));
    return true;
}

/*
 * The instance that serves is stopped once for the work, and the one beside it once for its undo. A failure
 * before that may cost one more, where the journal did not take the entry of a step and it is done again.
 */
static void sweep_check_stops(const char *label, int most)
{
    if (world_stops() > most)
        g_error("%s: stopped %d times", label, world_stops());
}

/* The number of effects that there were: less than the fault's, and the fault did not come. */
static int sweep_run(Server *server, const Kind *kind, Fault first, Fault second)
{
    g_autofree char *label = faults_text(kind, first, second);

    sweep_prepare(server, kind);
    plan_arm(first, second);
    world_count_stops();
    g_autoptr(Error) refused = kind->request(server);
    server_settle(server);
    while (kind->request == request_start && sweep_start_again(server))
        server_settle(server);
    int n_effects = plan_count();
    plan_arm(NO_FAULT, NO_FAULT);
    if (kind->can_stick && first.how == FAULT_FAILS && second.how == FAULT_KILLS)
        sweep_check_stops(label, 2); /* an undo goes on where it was killed */
    kind_check(server, kind, label, refused == NULL, fault_is_kill(first) && fault_is_kill(second));
    server_clear(server);
    return n_effects;
}

/* --- one fault, or two --- */

static void sweep_each(Server *server, const Kind *kind, FaultHow how, FaultError error)
{
    for (int at = 1; sweep_run(server, kind, (Fault){at, how, error}, NO_FAULT) >= at; at++)
        ;
}

static void sweep_singles(Server *server, const Kind *kind)
{
    for (FaultError error = 0; error < N_FAULT_ERRORS; error++)
        sweep_each(server, kind, FAULT_FAILS, error);
    for (FaultHow how = FAULT_IS_LATE; how <= FAULT_KILLS_AFTER; how++)
        sweep_each(server, kind, how, 0);
}

/* The undo, the recovery, and the end of these fail, too: the words of the errors take turns. */
static void sweep_after(Server *server, const Kind *kind, Fault first, FaultHow how)
{
    int n_effects = 0;

    for (int at = first.at + 1; at == first.at + 1 || n_effects >= at - 1; at++) {
        const Fault later = {at, how, (FaultError)(at % N_FAULT_ERRORS)};
        n_effects = sweep_run(server, kind, first, later);
    }
}

static void sweep_pairs(Server *server, const Kind *kind)
{
    static const FaultHow hows[ALL_PAIRS][2] = {
        {FAULT_FAILS, FAULT_FAILS}, {FAULT_FAILS, FAULT_KILLS},   {FAULT_KILLS, FAULT_FAILS},
        {FAULT_KILLS, FAULT_KILLS}, {FAULT_IS_LATE, FAULT_FAILS},
    };
    int n = sweep_run(server, kind, NO_FAULT, NO_FAULT);

    for (unsigned i = 0; i < kind->pairs; i++)
        for (int at = 1; at <= n; at++) {
            const FaultHow *how = hows[((unsigned)at + i) % ALL_PAIRS];
            sweep_after(server, kind, (Fault){at, how[0], (FaultError)(at % N_FAULT_ERRORS)},
                        how[1]);
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

static bool sweep_is_owed(Server *server)
{
    g_autoptr(GPtrArray) rows = NULL;

    must(store_list_operations(server->engine.store, &rows));
    return rows->len > 0 && ((const OperationRow *)rows->pdata[0])->state == OPERATION_UNDOING;
}

/* Nothing is built on what is not undone yet. */
static void sweep_check_place(Server *server, const char *label)
{
    if (!sweep_is_owed(server))
        return;
    g_autoptr(Error) refused = request_reset(server);
    if (!refused && sweep_is_owed(server))
        g_error("%s: a reset is accepted while an undo is owed", label);
}

/* Meanwhile it can be destroyed, and when what stuck is free nothing of it is left. */
static int sweep_stick(Server *server, const Kind *kind, Fault first, Fault second,
                       bool is_destroyed)
{
    g_autofree char *label = faults_text(kind, first, second);

    sweep_prepare(server, kind);
    plan_arm(first, second);
    world_count_stops();
    g_autoptr(Error) refused = kind->request(server);
    must(wait_until(clock_monotonic_ms() + SETTLE_MS, sweep_is_stuck, server));
    int n_stuck = plan_stuck();
    if (is_destroyed)
        error_free(request_destroy(server)); /* the store may be what is stuck */
    else
        sweep_check_place(server, label);
    plan_release();
    server_settle(server);
    if (!is_destroyed)
        sweep_check_stops(label, 3);
    plan_arm(NO_FAULT, NO_FAULT);
    server_clear(server);
    return n_stuck;
}

static void sweep_stuck(Server *server, const Kind *kind)
{
    int n = sweep_run(server, kind, NO_FAULT, NO_FAULT);

    for (int i = 0; i < 2; i++)
        for (int at = 1; at <= n; at++)
            for (int later = at + 1; sweep_stick(server, kind, (Fault){at, FAULT_FAILS, 0},
                                                 (Fault){later, FAULT_STICKS, 0}, i == 1) > 0;
                 later++)
                ;
}

/* --- what others ask for meanwhile --- */

typedef struct Other {
    const char *name;
    Request request;
    bool is_golden; /* has to do with golden data; else with the clone */
} Other;

static const Other others[] = {
    {"destroy", request_destroy},
    {"reset", request_reset},
    {"reset-to-own", request_reset_to_own},
    {"snapshot", request_snapshot},
    {"delete-snapshot", request_delete_snapshot},
    {"delete-forced", request_delete_snapshot_forced},
    {"protect", request_protect},
    {"create-of-old", request_create_of_old, true},
};

typedef struct Meeting {
    Server *server;
    const Kind *kind;
    const Other *other;
    GThread *asking;     /* for the kind */
    bool was_asked;      /* for the other */
    bool is_in_question; /* while the kind was asked for */
    Error *refused;      /* the other; NULL = it was accepted */
} Meeting;

static void sweep_meet(void *data)
{
    Meeting *meeting = data;

    meeting->was_asked = true;
    meeting->is_in_question = meeting->asking == g_thread_self();
    meeting->refused = meeting->other->request(meeting->server);
}

/* What must not be accepted both. */
static void sweep_check_both(const Meeting *meeting, const char *label)
{
    Request request = meeting->kind->request, other = meeting->other->request;

    if (request == request_destroy && other == request_protect && meeting->is_in_question)
        g_error("%s: it was protected, and is destroyed", label);
    if ((request == request_reset_to_own && other == request_delete_snapshot) ||
        (request == request_delete_snapshot && other == request_reset_to_own))
        g_error("%s: what it is reset to is deleted", label);
}

static void check_created(Server *server, const char *label)
{
    g_autoptr(Clone) clone = find_clone(server);

    if (!clone || clone->state != CLONE_OK)
        g_error("%s: what was created is %s", label,
                clone ? clone_state_name(clone->state) : "gone");
}

static void sweep_check_meeting(const Meeting *meeting, const char *label, bool was_accepted)
{
    bool is_other_accepted = meeting->was_asked && !meeting->refused;
    Kind kind = *meeting->kind;

    if (is_other_accepted && was_accepted)
        sweep_check_both(meeting, label);
    if (is_other_accepted && meeting->other->request == request_create_of_old)
        check_created(meeting->server, label);
    if (is_other_accepted && meeting->other->request == request_destroy)
        kind.ends_clone = true;
    if (is_other_accepted && meeting->other->request == request_delete_snapshot_forced)
        was_accepted = false; /* the clone may be of it */
    kind_check(meeting->server, &kind, label, was_accepted, true);
}

static int sweep_cross(Server *server, const Kind *kind, const Other *other, int at)
{
    Meeting meeting = {server, kind, other, g_thread_self(), false, false, NULL};
    g_autofree char *label = g_strdup_printf("%s, at place %d %s", kind->name, at, other->name);

    sweep_prepare(server, kind);
    plan_meet(at, sweep_meet, &meeting);
    g_autoptr(Error) refused = kind->request(server);
    server_settle(server);
    int n_passed = plan_passed();
    plan_meet(0, NULL, NULL);
    sweep_check_meeting(&meeting, label, refused == NULL);
    error_free(meeting.refused);
    server_clear(server);
    return n_passed;
}

static void sweep_crossed(Server *server, const Kind *kind)
{
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
        for (int at = 1; kind->is_golden == others[i].is_golden &&
                         sweep_cross(server, kind, &others[i], at) >= at;
             at++)
            ;
}

/* --- the tests --- */

typedef struct Part {
    const char *name; /* NULL = it is apart from the others */
    void (*sweep)(Server *server, const Kind *kind);
} Part;

static const Part parts[] = {
    {"single", sweep_singles},
    {"pairs", sweep_pairs},
    {NULL, sweep_crossed},
    {"stuck", sweep_stuck},
};

typedef struct Sweep {
    const Part *part;
    const Kind *kind;
} Sweep;

static void test_sweep(const void *data)
{
    const Sweep *sweep = data;
    Server server = {0};

    server_open(&server);
    sweep->part->sweep(&server, sweep->kind);
    server_close(&server);
}

static void add_sweep(const Part *part, const Kind *kind)
{
    g_autofree char *path = part->name ? g_strdup_printf("/sweep/%s/%s", kind->name, part->name)
                                       : g_strdup_printf("/crossed/%s", kind->name);
    Sweep *sweep = g_new(Sweep, 1);

    *sweep = (Sweep){part, kind};
    g_test_add_data_func_full(path, sweep, (GTestDataFunc)test_sweep, g_free);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < n_kinds; i++)
        for (size_t k = 0; k < G_N_ELEMENTS(parts); k++)
            if ((parts[k].sweep != sweep_stuck || kinds[i].can_stick) &&
                (parts[k].sweep != sweep_pairs || kinds[i].pairs > 0))
                add_sweep(&parts[k], &kinds[i]);
    return g_test_run();
}

/*
 * The runner of operations.
 */
#include <string.h>

#include "operation_fixture.h"

static void test_success(Fixture *f, const void *unused)
{
    run_to_end(f, &resuming_kind, "t");
    g_assert_cmpstr(trace->str, ==, "a b c finish");
    g_assert_cmpuint(journal_length(f), ==, 0);
}

static void test_failure_undoes_in_reverse(Fixture *f, const void *unused)
{
    failing_step = "b";
    run_to_end(f, &resuming_kind, "t");
    g_assert_cmpstr(trace->str, ==, "a b -b -a fail:step b: broken");
    g_assert_cmpuint(journal_length(f), ==, 0);
}

static void test_failed_undo_stays_on_record(Fixture *f, const void *unused)
{
    failing_step = "c";
    failing_undo = "b";
    run_to_end(f, &resuming_kind, "t");
    g_assert_cmpstr(trace->str, ==, "a b c -b fail:step c: broken");
    g_assert_cmpuint(journal_length(f), ==, 1);
}

static void test_retrying_kind_is_not_undone(Fixture *f, const void *unused)
{
    failing_step = "b";
    run_to_end(f, &retrying_kind, "t");
    g_assert_cmpstr(trace->str, ==, "a b fail:step b: broken");
    g_assert_cmpuint(journal_length(f), ==, 1);
}

/* A step that waits until the test has asked for the end of what runs. */
static GCancellable *waiting_cancel;
static int n_waiting;

static Error *run_wait(Operation *operation)
{
    g_mutex_lock(&trace_lock);
    waiting_cancel = operation->cancel;
    n_waiting++;
    g_cond_broadcast(&trace_changed);
    while (waiting_cancel)
        g_cond_wait(&trace_changed, &trace_lock);
    g_mutex_unlock(&trace_lock);
    return trace_step("waited");
}

static const Step waiting_steps[] = {{"waiting", run_wait, undo_a}, {"step c", run_c, NULL}, {0}};
static const OperationKind waiting_kind = {.name = "waiting",
                                           .steps = waiting_steps,
                                           .resumes = true,
                                           .load = load,
                                           .unload = unload,
                                           .finish = finish,
                                           .fail = fail};
static const OperationKind destroying_kind = {.name = "destroying",
                                              .steps = waiting_steps,
                                              .resumes = true,
                                              .retries = true,
                                              .load = load,
                                              .unload = unload,
                                              .finish = finish,
                                              .fail = fail};

static void cancel_while_waiting(Fixture *f, const OperationKind *kind)
{
    operations_register(f->operations, kind, f);
    operations_submit_take(f->operations, record(f, kind, "t"), on_ended, NULL);
    g_mutex_lock(&trace_lock);
    while (!waiting_cancel)
        g_cond_wait(&trace_changed, &trace_lock);
    g_mutex_unlock(&trace_lock);
    operations_cancel(f->operations, "t");
    g_mutex_lock(&trace_lock);
    waiting_cancel = NULL;
    g_cond_broadcast(&trace_changed);
    while (n_ended == 0)
        g_cond_wait(&trace_changed, &trace_lock);
    g_mutex_unlock(&trace_lock);
}

static void wait_for_waiting(int n)
{
    g_mutex_lock(&trace_lock);
    while (n_waiting < n)
        g_cond_wait(&trace_changed, &trace_lock);
    g_mutex_unlock(&trace_lock);
}

/* As many as there are workers hang: the next one runs all the same. */
static void test_slow_ones_give_their_place(Fixture *f, const void *unused)
{
    static const char *const targets[] = {"h0", "h1", "h2", "h3", "h4", "h5", "h6", "h7"};

    n_waiting = 0;
    operations_register(f->operations, &waiting_kind, f);
    for (size_t i = 0; i < G_N_ELEMENTS(targets); i++)
        operations_submit_take(f->operations, record(f, &waiting_kind, targets[i]), NULL, NULL);
    wait_for_waiting(G_N_ELEMENTS(targets));
    run_to_end(f, &resuming_kind, "t");
    g_assert_cmpstr(trace->str, ==, "a b c finish");
    g_mutex_lock(&trace_lock);
    waiting_cancel = NULL;
    g_cond_broadcast(&trace_changed);
    g_mutex_unlock(&trace_lock);
}

static void test_cancelled_is_undone(Fixture *f, const void *unused)
{
    cancel_while_waiting(f, &waiting_kind);
    g_assert_cmpstr(trace->str, ==, "waited -a fail:cancelled");
}

static void test_destruction_is_not_cancelled(Fixture *f, const void *unused)
{
    cancel_while_waiting(f, &destroying_kind);
    g_assert_cmpstr(trace->str, ==, "waited c finish");
}

static void test_follow_up(Fixture *f, const void *unused)
{
    run_to_end(f, &leading_kind, "t");
    wait_for("c finish a b c finish");
    g_assert_cmpuint(journal_length(f), ==, 0);
}

static void test_missing_target_is_dropped(Fixture *f, const void *unused)
{
    run_to_end(f, &resuming_kind, "gone");
    g_assert_cmpstr(trace->str, ==, "");
    g_assert_cmpuint(journal_length(f), ==, 0);
}

static void test_same_target_is_serial(Fixture *f, const void *unused)
{
    for (int i = 0; i < 20; i++)
        operations_submit_take(f->operations, record(f, &resuming_kind, "t"), on_ended, NULL);
    g_mutex_lock(&trace_lock);
    while (n_ended < 20)
        g_cond_wait(&trace_changed, &trace_lock);
    g_mutex_unlock(&trace_lock);
    for (const char *rest = trace->str; *rest;) {
        g_assert_true(g_str_has_prefix(rest, "a b c finish"));
        rest += strlen("a b c finish");
        rest += *rest == ' ';
    }
}

/* A row that a killed server left at step b. */
static void leave_interrupted(Fixture *f, const OperationKind *kind, OperationState state)
{
    g_autoptr(OperationRow) row = record(f, kind, "t");

    row->step = 1;
    row->state = state;
    g_free(row->error);
    row->error = g_strdup(state == OPERATION_UNDOING ? "step b: broken" : "");
    check(store_update_operation(f->store, row));
    check(operations_recover(f->operations));
}

static void test_recovery_resumes(Fixture *f, const void *unused)
{
    leave_interrupted(f, &resuming_kind, OPERATION_RUNNING);
    wait_for("finish");
    g_assert_cmpstr(trace->str, ==, "-b b c finish");
    g_assert_cmpuint(journal_length(f), ==, 0);
}

static void test_recovery_undoes(Fixture *f, const void *unused)
{
    leave_interrupted(f, &undone_kind, OPERATION_RUNNING);
    wait_for("fail:");
    g_assert_cmpstr(trace->str, ==, "-b -a fail:interrupted by a restart of the server");
    g_assert_cmpuint(journal_length(f), ==, 0);
}

static void test_recovery_goes_on_undoing(Fixture *f, const void *unused)
{
    leave_interrupted(f, &resuming_kind, OPERATION_UNDOING);
    wait_for("fail:");
    g_assert_cmpstr(trace->str, ==, "-b -a fail:step b: broken");
    g_assert_cmpuint(journal_length(f), ==, 0);
}

static void *release(void *data)
{
    Fixture *f = data;

    operations_release(f->operations, &n_waiting);
    return NULL;
}

/* The owner goes: what runs is cancelled and undone, what waits behind it stays in the journal. */
static void test_released_owner(Fixture *f, const void *unused)
{
    n_waiting = 0;
    operations_register(f->operations, &waiting_kind, &n_waiting);
    operations_submit_take(f->operations, record(f, &waiting_kind, "t"), on_ended, NULL);
    wait_for_waiting(1);
    operations_submit_take(f->operations, record(f, &waiting_kind, "t"), on_ended, NULL);

    GThread *releasing = g_thread_new("release", release, f);
    g_mutex_lock(&trace_lock);
    g_autoptr(GCancellable) cancel = g_object_ref(waiting_cancel);
    g_mutex_unlock(&trace_lock);
    while (!g_cancellable_is_cancelled(cancel))
        g_thread_yield();
    g_mutex_lock(&trace_lock);
    waiting_cancel = NULL;
    g_cond_broadcast(&trace_changed);
    g_mutex_unlock(&trace_lock);
    g_thread_join(releasing);
    g_assert_cmpstr(trace->str, ==, "waited -a fail:cancelled");
    g_assert_cmpint(n_ended, ==, 1);

    operations_submit_take(f->operations, record(f, &waiting_kind, "u"), on_ended, NULL);
    run_to_end(f, &resuming_kind, "v"); /* another owner's */
    g_assert_cmpuint(journal_length(f), ==, 2);
    g_assert_cmpint(n_ended, ==, 2);
}

static GString *entered;

static void note_entered(Operation *operation)
{
    g_string_append_printf(entered, "%s %d %g,", operation->step->text, operation->step->phase,
                           operation->step->until);
}

/* Each step's phase is told before it runs, to who can read it from the table. */
static void test_phases(Fixture *f, const void *unused)
{
    static const Step steps[] = {
        {"first", run_c, NULL, 7, 40}, {"second", run_c, NULL, 8, 100}, {0}};
    static const OperationKind kind = {.name = "phases",
                                       .steps = steps,
                                       .load = load,
                                       .unload = unload,
                                       .entered = note_entered,
                                       .finish = finish,
                                       .fail = fail};

    entered = g_string_new(NULL);
    operations_register(f->operations, &kind, f);
    run_to_end(f, &kind, "t");
    g_assert_cmpstr(entered->str, ==, "first 7 40,second 8 100,");
    g_string_free(entered, TRUE);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("success", test_success);
    ADD("failure-undoes-in-reverse", test_failure_undoes_in_reverse);
    ADD("failed-undo-stays-on-record", test_failed_undo_stays_on_record);
    ADD("retrying-kind-is-not-undone", test_retrying_kind_is_not_undone);
    ADD("cancelled-is-undone", test_cancelled_is_undone);
    ADD("destruction-is-not-cancelled", test_destruction_is_not_cancelled);
    ADD("slow-ones-give-their-place", test_slow_ones_give_their_place);
    ADD("follow-up", test_follow_up);
    ADD("missing-target-is-dropped", test_missing_target_is_dropped);
    ADD("same-target-is-serial", test_same_target_is_serial);
    ADD("recovery-resumes", test_recovery_resumes);
    ADD("recovery-undoes", test_recovery_undoes);
    ADD("recovery-goes-on-undoing", test_recovery_goes_on_undoing);
    ADD("released-owner", test_released_owner);
    ADD("phases", test_phases);
    return g_test_run();
}

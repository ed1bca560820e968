/*
 * The runner of operations, over a real store and with steps that only write down that they ran.
 */
#include "engine/operation.h"

#include <string.h>

#include "base/fs.h"

typedef struct Fixture {
    char *dir;
    Engine engine;
} Fixture;

/* What happened, in order: "a", "b", "-b" (undo of b), "finish", "fail:<message>". */
static GMutex trace_lock;
static GCond trace_changed;
static GString *trace;
static const char *failing_step, *failing_undo;
static int n_ended;

static void trace_add(const char *text)
{
    g_mutex_lock(&trace_lock);
    g_string_append_printf(trace, "%s%s", trace->len ? " " : "", text);
    g_cond_broadcast(&trace_changed);
    g_mutex_unlock(&trace_lock);
}

static Error *trace_step(const char *name)
{
    trace_add(name);
    if (g_strcmp0(name, failing_step) == 0)
        return error_new(ERR_EXTERNAL, "broken");
    return NULL;
}

static Error *trace_undo(const char *name)
{
    g_autofree char *text = g_strdup_printf("-%s", name);

    trace_add(text);
    return g_strcmp0(name, failing_undo) == 0 ? error_new(ERR_EXTERNAL, "stuck") : NULL;
}

static Error *run_a(Operation *operation)
{
    return trace_step("a");
}

static Error *undo_a(Operation *operation)
{
    return trace_undo("a");
}

static Error *run_b(Operation *operation)
{
    return trace_step("b");
}

static Error *undo_b(Operation *operation)
{
    return trace_undo("b");
}

static Error *run_c(Operation *operation)
{
    return trace_step("c");
}

static Error *load(Operation *operation)
{
    return g_str_equal(operation->row->target, "gone") ? error_new(ERR_NOT_FOUND, "gone") : NULL;
}

static void unload(Operation *operation)
{
}

static Error *finish(Operation *operation)
{
    trace_add("finish");
    return NULL;
}

static Error *fail(Operation *operation, const Error *cause)
{
    g_autofree char *text = g_strdup_printf("fail:%s", cause->message);

    trace_add(text);
    return NULL;
}

static const Step abc_steps[] = {
    {"step a", run_a, undo_a},
    {"step b", run_b, undo_b},
    {"step c", run_c, NULL},
    {0},
};

static const OperationKind resuming_kind = {.name = "resuming",
                                            .steps = abc_steps,
                                            .resumes = true,
                                            .load = load,
                                            .unload = unload,
                                            .finish = finish,
                                            .fail = fail};
static const OperationKind undone_kind = {.name = "undone",
                                          .steps = abc_steps,
                                          .is_long = true,
                                          .load = load,
                                          .unload = unload,
                                          .finish = finish,
                                          .fail = fail};
static const OperationKind retrying_kind = {.name = "retrying",
                                            .steps = abc_steps,
                                            .resumes = true,
                                            .retries = true,
                                            .load = load,
                                            .unload = unload,
                                            .finish = finish,
                                            .fail = fail};

static const Step single_steps[] = {{"step c", run_c, NULL}, {0}};

static Error *finish_and_follow(Operation *operation)
{
    operation_follow(operation, &resuming_kind, "other", NULL);
    return finish(operation);
}

static const OperationKind leading_kind = {.name = "leading",
                                           .steps = single_steps,
                                           .resumes = true,
                                           .load = load,
                                           .unload = unload,
                                           .finish = finish_and_follow,
                                           .fail = fail};

/* --- fixture --- */

static void check(Error *e)
{
    if (e)
        g_error("%s (%s)", e->message, e->detail ? e->detail : "");
}

static void start_runner(Fixture *f)
{
    f->engine.operations = operations_new(&f->engine, 4);
    operations_register(f->engine.operations, &resuming_kind);
    operations_register(f->engine.operations, &undone_kind);
    operations_register(f->engine.operations, &retrying_kind);
    operations_register(f->engine.operations, &leading_kind);
}

static void set_up(Fixture *f, const void *unused)
{
    f->dir = g_dir_make_tmp("ramet-test-XXXXXX", NULL);
    check(store_open(f->dir, STORE_READ_WRITE, &f->engine.store));
    trace = g_string_new(NULL);
    failing_step = failing_undo = NULL;
    n_ended = 0;
    start_runner(f);
}

static void tear_down(Fixture *f, const void *unused)
{
    operations_free(f->engine.operations);
    store_close(f->engine.store);
    check(fs_remove_tree(f->dir));
    g_free(f->dir);
    g_string_free(trace, TRUE);
}

static void on_ended(const Error *cause, void *data)
{
    g_mutex_lock(&trace_lock);
    n_ended++;
    g_cond_broadcast(&trace_changed);
    g_mutex_unlock(&trace_lock);
}

static OperationRow *record(Fixture *f, const OperationKind *kind, const char *target)
{
    OperationRow *row = operation_row(kind, target, NULL);

    check(store_insert_operation(f->engine.store, row));
    return row;
}

static void run_to_end(Fixture *f, const OperationKind *kind, const char *target)
{
    int before = n_ended;

    operations_submit_take(f->engine.operations, record(f, kind, target), on_ended, NULL);
    g_mutex_lock(&trace_lock);
    while (n_ended == before)
        g_cond_wait(&trace_changed, &trace_lock);
    g_mutex_unlock(&trace_lock);
}

static void wait_for(const char *text)
{
    g_mutex_lock(&trace_lock);
    while (!strstr(trace->str, text))
        g_cond_wait(&trace_changed, &trace_lock);
    g_mutex_unlock(&trace_lock);
}

/* Rows left in the journal once all that runs has ended. */
static unsigned journal_length(Fixture *f)
{
    g_autoptr(GPtrArray) rows = NULL;

    operations_free(f->engine.operations);
    check(store_list_operations(f->engine.store, &rows));
    start_runner(f);
    return rows->len;
}

/* --- tests --- */

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

static Error *run_wait(Operation *operation)
{
    g_mutex_lock(&trace_lock);
    waiting_cancel = operation->cancel;
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
    operations_register(f->engine.operations, kind);
    operations_submit_take(f->engine.operations, record(f, kind, "t"), on_ended, NULL);
    g_mutex_lock(&trace_lock);
    while (!waiting_cancel)
        g_cond_wait(&trace_changed, &trace_lock);
    g_mutex_unlock(&trace_lock);
    operations_cancel(f->engine.operations, "t");
    g_mutex_lock(&trace_lock);
    waiting_cancel = NULL;
    g_cond_broadcast(&trace_changed);
    while (n_ended == 0)
        g_cond_wait(&trace_changed, &trace_lock);
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
        operations_submit_take(f->engine.operations, record(f, &resuming_kind, "t"), on_ended,
                               NULL);
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
    check(store_update_operation(f->engine.store, row));
    check(operations_recover(f->engine.operations));
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

#define ADD(name, function)                                                                        \
    g_test_add("/operation/" name, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("success", test_success);
    ADD("failure-undoes-in-reverse", test_failure_undoes_in_reverse);
    ADD("failed-undo-stays-on-record", test_failed_undo_stays_on_record);
    ADD("retrying-kind-is-not-undone", test_retrying_kind_is_not_undone);
    ADD("cancelled-is-undone", test_cancelled_is_undone);
    ADD("destruction-is-not-cancelled", test_destruction_is_not_cancelled);
    ADD("follow-up", test_follow_up);
    ADD("missing-target-is-dropped", test_missing_target_is_dropped);
    ADD("same-target-is-serial", test_same_target_is_serial);
    ADD("recovery-resumes", test_recovery_resumes);
    ADD("recovery-undoes", test_recovery_undoes);
    ADD("recovery-goes-on-undoing", test_recovery_goes_on_undoing);
    return g_test_run();
}

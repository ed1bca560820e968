/*
 * Operations whose undo, or end, fails: what goes on where, and who waits for it.
 */
#include <poll.h>
#include <string.h>

#include "operation_fixture.h"

static void test_undo_goes_on_where_it_stopped(Fixture *f, const void *unused)
{
    failing_step = "c";
    failing_undo = "a";
    run_to_end(f, &resuming_kind, "t");
    failing_undo = NULL;
    try_again(f, "resuming");
    wait_for("broken -a fail");
    g_assert_cmpstr(trace->str, ==, "a b c -b -a fail:step c: broken -a fail:step c: broken");
    g_assert_cmpuint(journal_length(f), ==, 0);
}

static void test_undo_goes_on_after_a_restart(Fixture *f, const void *unused)
{
    failing_step = "c";
    failing_undo = "a";
    run_to_end(f, &resuming_kind, "t");
    failing_undo = NULL;
    g_assert_cmpuint(journal_length(f), ==, 1);
    check(operations_recover(f->operations));
    wait_for("broken -a fail");
    g_assert_cmpstr(trace->str, ==, "a b c -b -a fail:step c: broken -a fail:step c: broken");
}

/* --- an end that could not be recorded --- */

static void test_failed_end_submits_nothing(Fixture *f, const void *unused)
{
    operations_submit_take(f->operations, record(f, &misled_kind, "t"), on_ended, NULL);
    wait_for("fail:taken");
    g_assert_cmpuint(journal_length(f), ==, 0);
    g_assert_cmpstr(trace->str, ==, "a b c finish -b -a fail:taken");
}

/* The commit alone fails: the last of the writes. */
static void lose_the_end(Fixture *f, const OperationKind *kind, int n_writes_before)
{
    OperationRow *row = record(f, kind, "t");

    n_writes_to_skip = n_writes_before;
    n_failing_writes = 1;
    operations_submit_take(f->operations, row, on_ended, NULL);
    wait_for("finish");
    try_again(f, kind->name);
    g_mutex_lock(&trace_lock);
    while (n_ended == 0)
        g_cond_wait(&trace_changed, &trace_lock);
    g_mutex_unlock(&trace_lock);
}

static void test_lost_end_is_tried_again(Fixture *f, const void *unused)
{
    lose_the_end(f, &leading_kind, 2); /* the row that follows, the end of its own */
    wait_for("c finish finish a b c finish");
    g_assert_cmpuint(journal_length(f), ==, 0);
    g_assert_cmpstr(trace->str, ==, "c finish finish a b c finish");
}

static void test_lost_end_of_what_does_not_resume(Fixture *f, const void *unused)
{
    lose_the_end(f, &undone_kind, 3);
    g_assert_cmpstr(trace->str, ==, "a b c finish finish");
    g_assert_cmpuint(journal_length(f), ==, 0);
}

/* It has failed by the store, and says so: no server was restarted. */
static void test_lost_entry_of_what_does_not_resume(Fixture *f, const void *unused)
{
    OperationRow *row = record(f, &undone_kind, "t");

    n_failing_writes = 1;
    operations_submit_take(f->operations, row, on_ended, NULL);
    try_again(f, "undone");
    wait_for("fail:");
    g_assert_cmpstr(trace->str, ==, "a -a fail:the disk is full");
    g_assert_cmpuint(journal_length(f), ==, 0);
}

/* --- who waits for another try --- */

static void fail_for_good(Fixture *f, const OperationKind *kind)
{
    failing_step = "b";
    failing_undo = "a";
    run_to_end(f, kind, "t");
    if (!kind->gives_way)
        wait_until_owed(f, kind->name);
    failing_step = NULL;
}

static void test_owed_undo_keeps_its_place(Fixture *f, const void *unused)
{
    fail_for_good(f, &resuming_kind);
    g_autoptr(Error) e = operations_check_settled(f->operations, "t");
    g_assert_cmpstr(e->message, ==,
                    "a failed \"resuming\" of it is not undone yet: undoing \"step a\": stuck");
    g_assert_cmpint(e->code, ==, ERR_CONFLICT);
    g_assert_true(operations_is_busy(f->operations, NULL, "t"));
    check(operations_check_settled(f->operations, "other"));

    operations_submit_take(f->operations, record(f, &leading_kind, "t"), NULL, NULL);
    failing_undo = NULL;
    try_again(f, "resuming");
    wait_for("c finish");
    g_assert_true(g_str_has_prefix(trace->str, "a b -b -a fail:step b: broken -a "
                                               "fail:step b: broken c finish"));
}

static void test_destruction_takes_over(Fixture *f, const void *unused)
{
    fail_for_good(f, &resuming_kind);
    failing_undo = NULL;
    operations_submit_take(f->operations, record(f, &destroy_kind, "t"), NULL, NULL);
    wait_for("destroy finish -a fail");
    g_assert_cmpstr(trace->str, ==,
                    "a b -b -a fail:step b: broken destroy finish -a fail:step b: broken");
    g_assert_cmpuint(journal_length(f), ==, 0);
}

static void test_destruction_takes_over_after_a_restart(Fixture *f, const void *unused)
{
    g_autoptr(OperationRow) destruction = NULL;

    fail_for_good(f, &resuming_kind);
    destruction = record(f, &destroy_kind, "t");
    g_assert_cmpuint(journal_length(f), ==, 2);
    failing_undo = NULL;
    check(operations_recover(f->operations));
    wait_for("destroy finish -a fail");
}

static void test_failed_destruction_keeps_its_place(Fixture *f, const void *unused)
{
    fail_for_good(f, &resuming_kind);
    failing_undo = NULL;
    failing_step = "destroy";
    run_to_end(f, &destroy_kind, "t");
    try_again(f, "destroy");
    wait_for("destroy fail:destroying: broken destroy fail");
    g_assert_null(strstr(strstr(trace->str, "destroy"), "-a"));
}

static void test_polite_gives_way(Fixture *f, const void *unused)
{
    fail_for_good(f, &polite_kind);
    run_to_end(f, &leading_kind, "t");
    wait_for("broken c finish a b c finish");
}

/* Its steps are done: what was asked for later must not end before it. */
static void test_polite_keeps_its_place_at_its_end(Fixture *f, const void *unused)
{
    OperationRow *row = record(f, &polite_kind, "t");

    n_writes_to_skip = 3;
    n_failing_writes = 1;
    operations_submit_take(f->operations, row, NULL, NULL);
    wait_until_owed(f, "polite");
    operations_submit_take(f->operations, record(f, &leading_kind, "t"), NULL, NULL);
    try_again(f, "polite");
    wait_for("c finish a b c finish");
    g_assert_cmpstr(trace->str, ==, "a b c finish finish c finish a b c finish");
}

/* --- a stop of the server --- */

static Error *run_into_trouble(Operation *operation)
{
    return error_new(ERR_EXTERNAL, "broken");
}

/* As for an instance that hangs. */
static Error *undo_patiently(Operation *operation)
{
    struct pollfd stop = {.fd = g_cancellable_get_fd(operation->stop), .events = POLLIN};

    trace_add("-waiting");
    while (poll(&stop, 1, -1) < 0)
        continue;
    g_cancellable_release_fd(operation->stop);
    return error_new(ERR_CONFLICT, "cancelled");
}

static const Step patient_steps[] = {
    {.text = "step a", .run = run_into_trouble, .undo = undo_patiently},
    {0},
};

/* What an undo waits for is cut short, and the undo is owed. */
static void test_stop_cuts_an_undo_short(Fixture *f, const void *unused)
{
    static const OperationKind patient_kind = {.name = "patient",
                                               .steps = patient_steps,
                                               .resumes = true,
                                               .load = load,
                                               .unload = unload,
                                               .finish = finish,
                                               .fail = fail};

    operations_register(f->operations, &patient_kind, f);
    operations_submit_take(f->operations, record(f, &patient_kind, "t"), NULL, NULL);
    wait_for("-waiting");
    g_assert_cmpuint(journal_length(f), ==, 1);
}

static void test_what_only_the_row_knows_is_dropped(Fixture *f, const void *unused)
{
    run_to_end(f, &leaving_kind, "gone");
    g_assert_cmpstr(trace->str, ==, "drop");
    g_assert_cmpuint(journal_length(f), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("undo-goes-on-where-it-stopped", test_undo_goes_on_where_it_stopped);
    ADD("undo-goes-on-after-a-restart", test_undo_goes_on_after_a_restart);
    ADD("failed-end-submits-nothing", test_failed_end_submits_nothing);
    ADD("lost-end-is-tried-again", test_lost_end_is_tried_again);
    ADD("lost-end-of-what-does-not-resume", test_lost_end_of_what_does_not_resume);
    ADD("lost-entry-of-what-does-not-resume", test_lost_entry_of_what_does_not_resume);
    ADD("owed-undo-keeps-its-place", test_owed_undo_keeps_its_place);
    ADD("destruction-takes-over", test_destruction_takes_over);
    ADD("destruction-takes-over-after-a-restart", test_destruction_takes_over_after_a_restart);
    ADD("failed-destruction-keeps-its-place", test_failed_destruction_keeps_its_place);
    ADD("polite-gives-way", test_polite_gives_way);
    ADD("polite-keeps-its-place-at-its-end", test_polite_keeps_its_place_at_its_end);
    ADD("stop-cuts-an-undo-short", test_stop_cuts_an_undo_short);
    ADD("what-only-the-row-knows-is-dropped", test_what_only_the_row_knows_is_dropped);
    return g_test_run();
}

/*
 * One operation at work. Its row in the journal is written before each step, so that after a crash
 * the row alone tells how to go on.
 */
#include "operation/job.h"

#include "base/clock.h"
#include "base/log.h"
#include "operation/fault.h"

/* --- the journal --- */

/*
 * What the journal does not take is not done: the disk is full, or read-only. The operation waits
 * as it stands there.
 */
static Error *operation_recorded(Job *job, Error *e)
{
    job->is_unrecorded =
        e && (e->code == ERR_EXTERNAL || e->code == ERR_NO_SPACE || e->code == ERR_BUSY);
    return e;
}

static Error *operation_enter(Job *job, OperationState state, int64_t step)
{
    OperationRow *row = job->operation.row;
    OperationState old_state = row->state;
    int64_t old_step = row->step;

    if (old_state == state && old_step == step)
        return NULL;
    row->state = state;
    row->step = step;

    Error *e = store_update_operation(job->operation.store, row);
    if (e) {
        row->state = old_state;
        row->step = old_step;
    }
    return operation_recorded(job, e);
}

static Error *operation_commit_end(Job *job, const Error *cause, bool keeps_row)
{
    Operation *operation = &job->operation;
    Store *store = operation->store;
    g_autoptr(StoreTransaction) tx = NULL;

    TRY(store_begin(store, STORE_DURABLE, &tx));
    if (cause)
        TRY(job->kind->fail(operation, cause));
    else
        TRY(job->kind->finish(operation));
    for (unsigned i = 0; i < operation->next->len; i++)
        TRY(store_insert_operation(store, operation->next->pdata[i]));
    if (keeps_row)
        TRY(store_update_operation(store, operation->row));
    else
        TRY(store_delete_operation(store, operation->row->uid));
    return store_commit(&tx);
}

/*
 * The kind's last word and the end of the row; while more is owed, the row as it is. Durable. What
 * was planned for afterwards stays planned only if it was committed.
 */
static Error *operation_conclude(Job *job, const Error *cause, bool keeps_row)
{
    Error *e = operation_commit_end(job, cause, keeps_row);

    if (e)
        g_ptr_array_set_size(job->operation.next, 0);
    return e;
}

/* --- steps --- */

static Error *operation_run_step(Job *job, int64_t index)
{
    const Step *step = &job->kind->steps[index];
    int64_t began_ms = clock_monotonic_ms();

    if (g_cancellable_is_cancelled(job->operation.cancel))
        return error_new(ERR_CONFLICT, "cancelled");
    TRY(operation_enter(job, OPERATION_RUNNING, index));
    job->is_step_done = false;
    job->operation.step = step;
    if (job->kind->entered)
        job->kind->entered(&job->operation);
    Error *e = fault_before(job->kind->name, index);
    if (!e)
        e = step->run(&job->operation);
    if (e)
        return error_wrap(e, "%s", step->text);
    job->is_step_done = true;
    fault_after(job->kind->name, index);

    g_autofree char *ms = g_strdup_printf("%" G_GINT64_FORMAT, clock_monotonic_ms() - began_ms);
    log_debug("step done", "operation", job->kind->name, "step", step->text, "ms", ms);
    return NULL;
}

/* A step that was interrupted is undone and done again. What does not resume comes here after a crash alone. */
static Error *operation_redo(Job *job)
{
    const Step *step = &job->kind->steps[job->operation.row->step];

    if (!job->kind->resumes)
        return error_hint(error_new(ERR_EXTERNAL, "interrupted by a restart of the server"),
                          "Nothing is lost: what it had made was removed. Start it again.");
    if (step->text && step->undo)
        TRY(step->undo(&job->operation));
    if (job->kind->rewind)
        job->kind->rewind(&job->operation, job->kind);
    return NULL;
}

/* The step under way is done, and what it has made may have gone meanwhile. */
static void operation_look_back(Job *job)
{
    int64_t step = job->operation.row->step;

    if (job->kind->rewind)
        job->kind->rewind(&job->operation, job->kind);
    job->is_step_done = job->operation.row->step == step;
}

static Error *operation_run_steps(Operations *operations, Job *job, bool *ret_left)
{
    if (job->was_interrupted)
        TRY(operation_redo(job));
    else if (job->is_step_done)
        operation_look_back(job);
    for (int64_t i = job->operation.row->step + job->is_step_done; job->kind->steps[i].text; i++) {
        if (job->kind->resumes && operations_is_stopping(operations)) {
            *ret_left = true;
            return NULL;
        }
        TRY(operation_run_step(job, i));
    }
    job->is_at_end = true;
    return NULL;
}

/* Once the steps are done only their end is tried again. */
static Error *operation_run_to_end(Operations *operations, Job *job, bool *ret_left)
{
    job->is_unrecorded = false;
    if (!job->is_at_end)
        TRY(operation_run_steps(operations, job, ret_left));
    return *ret_left ? NULL : operation_recorded(job, operation_conclude(job, NULL, false));
}

/*
 * Runs from the row's step on. *ret_left: the server stops; the journal knows where to go on, as it
 * does when the stop has cut a step short.
 */
static Error *operation_forward(Operations *operations, Job *job, bool *ret_left)
{
    Error *e = operation_run_to_end(operations, job, ret_left);

    if (!e || !job->kind->resumes || !operations_is_stopping(operations))
        return e;
    error_ignore(e, "the step is done again after the restart");
    *ret_left = true;
    return NULL;
}

/* What is undone is entered: another try goes on where this one has stopped. */
static Error *operation_undo(Job *job)
{
    OperationRow *row = job->operation.row;

    while (row->step >= 0) {
        const Step *step = &job->kind->steps[row->step];
        if (!step->undo) {
            row->step--;
            continue;
        }
        Error *e = step->undo(&job->operation);
        if (e)
            return error_wrap(e, "undoing \"%s\"", step->text);
        TRY(operation_enter(job, OPERATION_UNDOING, row->step - 1));
    }
    return NULL;
}

/* --- one job --- */

static void operation_log_failure(const Job *job, LogLevel level, const Error *e, const char *text)
{
    log_failure(level, e, text, "operation", job->kind->name, "target", job->operation.row->target,
                NULL);
}

static void operation_tell(Job *job, const Error *cause)
{
    if (job->kind->ended)
        job->kind->ended(&job->operation, cause);
    if (job->ended)
        job->ended(cause, job->ended_data);
    job->ended = NULL;
}

/* In the journal, for later. why: for those who find its target taken until then. */
static JobResult operation_retry(Job *job, const Error *why)
{
    g_free(job->failure);
    job->failure = g_strdup(why->message);
    return JOB_RETRY;
}

/* What cannot be undone is tried again from the step that failed; its target says what is wrong. */
static JobResult operation_postpone(Job *job, const Error *cause)
{
    operation_log_failure(job, LOG_LEVEL_ERROR, cause, "operation failed, will be tried again");
    g_autoptr(Error) store_error = operation_conclude(job, cause, true);
    if (store_error)
        operation_log_failure(job, LOG_LEVEL_ERROR, store_error, "could not record a failure");
    operation_tell(job, cause);
    job->was_interrupted = true;
    return operation_retry(job, cause);
}

static JobResult operation_wait_for_journal(Job *job, const Error *e)
{
    operation_log_failure(job, LOG_LEVEL_ERROR, e,
                          "the journal cannot be written, will be tried again");
    return operation_retry(job, e);
}

/* What resumes goes on from the step that is done, the end is tried again by itself; the rest has failed. */
static JobResult operation_go_on_later(Job *job, Error *cause_taken)
{
    g_autoptr(Error) cause = cause_taken;

    job->was_interrupted = job->kind->resumes && !job->is_step_done;
    JobResult result = operation_wait_for_journal(job, cause);
    if (!job->kind->resumes && !job->is_at_end)
        job->cause = g_steal_pointer(&cause);
    return result;
}

/* From now on the journal says that the operation is being undone. */
static Error *operation_enter_undoing(Job *job, const Error *cause)
{
    OperationRow *row = job->operation.row;
    g_autofree char *before = g_steal_pointer(&row->error);

    row->error = g_strdup(cause->message);

    Error *e = operation_enter(job, OPERATION_UNDOING, row->step);
    if (e) {
        g_free(row->error);
        row->error = g_steal_pointer(&before);
    }
    return e;
}

/* Undoes a failed operation; the first time it tells the failure too, however the undo went. */
static JobResult operation_fail(Job *job, const Error *cause)
{
    bool is_first = job->operation.row->state != OPERATION_UNDOING;

    if (is_first) {
        operation_log_failure(job, LOG_LEVEL_WARN, cause, "operation failed");
        g_autoptr(Error) e = operation_enter_undoing(job, cause);
        if (e) {
            if (!job->cause)
                job->cause = error_copy(cause);
            return operation_wait_for_journal(job, e);
        }
    }
    g_autoptr(Error) undo_error = operation_undo(job);
    if (undo_error)
        operation_log_failure(job, LOG_LEVEL_ERROR, undo_error, "undo failed, will be tried again");

    job->operation.owed = undo_error;
    g_autoptr(Error) store_error = operation_conclude(job, cause, undo_error != NULL);
    job->operation.owed = NULL;
    if (store_error)
        operation_log_failure(job, LOG_LEVEL_ERROR, store_error,
                              "could not record the end of an operation");
    if (is_first)
        operation_tell(job, cause);
    if (undo_error || store_error)
        return operation_retry(job, undo_error ? undo_error : store_error);
    return JOB_ENDED;
}

static Error *operation_remove(Job *job)
{
    if (job->kind->drop)
        TRY(job->kind->drop(&job->operation));
    return store_delete_operation(job->operation.store, job->operation.row->uid);
}

/* The target is gone, and with it what is told about it: what the row alone knows of goes, too. */
static JobResult operation_drop(Job *job, Error *cause_taken)
{
    g_autoptr(Error) cause = cause_taken;
    g_autoptr(Error) e = operation_remove(job);

    operation_tell(job, cause);
    if (!e) {
        operation_log_failure(job, LOG_LEVEL_INFO, cause, "the target of an operation is gone");
        return JOB_ENDED;
    }
    operation_log_failure(job, LOG_LEVEL_ERROR, e, "could not remove an operation without target");
    return operation_retry(job, e);
}

/* An undo that has stopped before goes on. A reboot since then may have taken what it had started. */
static JobResult operation_go_on_undoing(Job *job)
{
    g_autoptr(Error) cause = error_new(ERR_EXTERNAL, "%s", job->operation.row->error);

    if (job->kind->rewind)
        job->kind->rewind(&job->operation, job->kind);
    return operation_fail(job, cause);
}

static JobResult operation_run_loaded(Operations *operations, Job *job)
{
    bool is_left = false;

    if (job->operation.row->state == OPERATION_UNDOING)
        return operation_go_on_undoing(job);
    if (job->cause)
        return operation_fail(job, job->cause);
    g_autoptr(Error) cause = operation_forward(operations, job, &is_left);
    if (cause && job->is_unrecorded)
        return operation_go_on_later(job, g_steal_pointer(&cause));
    if (cause)
        return job->kind->retries ? operation_postpone(job, cause) : operation_fail(job, cause);
    if (is_left)
        return JOB_LEFT;
    operation_tell(job, NULL);
    return JOB_ENDED;
}

JobResult job_run(Operations *operations, Job *job)
{
    Error *e = job->kind->load(&job->operation);

    if (e && e->code == ERR_NOT_FOUND)
        return operation_drop(job, e);
    if (e) {
        operation_log_failure(job, LOG_LEVEL_ERROR, e,
                              "operation cannot go on, will be tried again");
        JobResult result = operation_retry(job, e);
        error_free(e);
        return result;
    }
    JobResult result = operation_run_loaded(operations, job);
    job->kind->unload(&job->operation);
    job->operation.work = NULL;
    return result;
}

void job_free(Job *job)
{
    operation_row_free(job->operation.row);
    g_ptr_array_unref(job->operation.next);
    g_object_unref(job->operation.cancel);
    g_object_unref(job->operation.stop);
    error_free(job->cause);
    g_free(job->failure);
    g_free(job->why);
    g_free(job);
}

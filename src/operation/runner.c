/*
 * The runner of operations. A job is an operation in memory; jobs of one target wait in a queue
 * whose head is the one that runs, so that work on one clone is serial without a lock being held.
 */
#include "operation/operation.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "operation/job.h"

#define OPERATION_RETRY_MS 30000 /* between two tries of an undo that failed */
#define WATCH_MS           1000

struct Operations {
    Store *store;
    GHashTable *kinds; /* name → Registration */
    GThreadPool *workers;
    int n_workers; /* of them, beside the slow ones */
    int64_t slow_ms;
    GMutex lock;         /* for all below */
    GCond changed;       /* a job ended, a retry came, or stopping */
    GHashTable *targets; /* target → GQueue of Job *; the head runs */
    GQueue retries;      /* jobs that wait for due_ms; those that give way are its own */
    GThread *watcher;
    unsigned n_running;
    int n_slow; /* as they were last counted */
    bool is_stopping;
};

/* --- queues --- */

static void operations_start_locked(Operations *operations, Job *job);

/* Called with the lock: the next job of the target may run. */
static void operations_next_locked(Operations *operations, const char *target)
{
    GQueue *queue = g_hash_table_lookup(operations->targets, target);

    g_queue_pop_head(queue);
    if (g_queue_is_empty(queue))
        g_hash_table_remove(operations->targets, target);
    else if (!operations->is_stopping)
        operations_start_locked(operations, g_queue_peek_head(queue));
}

/* What takes over is put before the head of its queue, which does not run. */
static void operations_put_first_locked(Operations *operations, GQueue *queue, Job *job)
{
    Job *head = g_queue_peek_head(queue);

    if (head->is_waiting)
        g_queue_remove(&operations->retries, head);
    head->is_waiting = false;
    g_queue_push_head(queue, job);
}

static Job *operations_find_heir(GQueue *queue)
{
    for (GList *node = queue->head->next; node; node = node->next)
        if (((Job *)node->data)->kind->takes_over)
            return node->data;
    return NULL;
}

/*
 * Called with the lock when a job has stopped before its end. It keeps its place until its next
 * try, so that nothing is built on what it has left half undone; what takes over need not wait.
 */
static void operations_wait_locked(Operations *operations, Job *job)
{
    GQueue *queue = g_hash_table_lookup(operations->targets, job->operation.row->target);
    Job *heir = job->kind->takes_over ? NULL : operations_find_heir(queue);

    g_free(job->why);
    job->why = g_steal_pointer(&job->failure);
    if (heir) {
        g_queue_remove(queue, heir);
        operations_put_first_locked(operations, queue, heir);
        operations_start_locked(operations, heir);
        return;
    }
    job->is_waiting = true;
    job->due_ms = clock_monotonic_ms() + OPERATION_RETRY_MS;
    g_queue_push_tail(&operations->retries, job);
    job->is_away = job->kind->gives_way && !job->is_at_end; /* it takes effect in its turn */
    if (job->is_away)
        operations_next_locked(operations, job->operation.row->target);
}

static void operations_submit_next(Operations *operations, Job *job)
{
    GPtrArray *next = job->operation.next;

    while (next->len > 0)
        operations_submit_take(operations, g_ptr_array_steal_index(next, 0), NULL, NULL);
}

/* False when its owner has gone: it stays in the journal. */
static bool operations_begin(Operations *operations, Job *job)
{
    g_mutex_lock(&operations->lock);
    bool begins = !job->registration->is_released;
    job->registration->n_running++;
    job->began_ms = clock_monotonic_ms();
    g_mutex_unlock(&operations->lock);
    return begins;
}

static void operations_work(void *data, void *user_data)
{
    Job *job = data;
    Operations *operations = user_data;
    bool begins = operations_begin(operations, job);
    JobResult result = begins ? job_run(operations, job) : JOB_LEFT;

    operations_submit_next(operations, job);
    g_mutex_lock(&operations->lock);
    operations->n_running--;
    job->registration->n_running--;
    job->began_ms = 0;
    if (result == JOB_RETRY && !operations->is_stopping) {
        operations_wait_locked(operations, job);
    } else {
        operations_next_locked(operations, job->operation.row->target);
        job_free(job);
    }
    g_cond_broadcast(&operations->changed);
    g_mutex_unlock(&operations->lock);
}

/* --- threads --- */

typedef struct LongJob {
    Operations *operations;
    Job *job;
} LongJob;

static void *operations_work_long(void *data)
{
    g_autofree LongJob *long_job = data;

    operations_work(long_job->job, long_job->operations);
    return NULL;
}

static void operations_wait_for_thread_locked(Operations *operations, Job *job, const char *why)
{
    log_warn("no thread for an operation, will be tried again", "operation", job->kind->name,
             "target", job->operation.row->target, "why", why);
    operations->n_running--;
    job->is_waiting = true;
    job->due_ms = clock_monotonic_ms() + operations->slow_ms;
    g_queue_push_tail(&operations->retries, job);
}

static void operations_start_long_locked(Operations *operations, Job *job)
{
    LongJob *long_job = g_new(LongJob, 1);
    GThread *thread = NULL;

    *long_job = (LongJob){operations, job};
    g_autoptr(Error) e = thread_start(job->kind->name, operations_work_long, long_job, &thread);
    if (!e) {
        g_thread_unref(thread);
        return;
    }
    g_free(long_job);
    operations_wait_for_thread_locked(operations, job, e->message);
}

static void operations_start_locked(Operations *operations, Job *job)
{
    if (operations->n_running++ == 0)
        g_cond_broadcast(&operations->changed); /* somebody must look for what is slow */
    if (job->kind->is_long)
        operations_start_long_locked(operations, job);
    else /* without a thread it stays in the pool's queue until there is one */
        g_thread_pool_push(operations->workers, job, NULL);
}

static int operations_count_slow_locked(Operations *operations)
{
    int64_t limit_ms = clock_monotonic_ms() - operations->slow_ms;
    GHashTableIter iter;
    void *queue;
    int n_slow = 0;

    g_hash_table_iter_init(&iter, operations->targets);
    while (g_hash_table_iter_next(&iter, NULL, &queue)) {
        const Job *job = g_queue_peek_head(queue);
        n_slow += !job->kind->is_long && job->began_ms > 0 && job->began_ms <= limit_ms;
    }
    return n_slow;
}

/* What takes long gives its place to others: it may hang for hours, whatever the cause. */
static void operations_make_room_locked(Operations *operations)
{
    int n_slow = operations_count_slow_locked(operations);

    /* Also without a change: it starts threads that could not be started before. */
    if (n_slow != operations->n_slow || g_thread_pool_unprocessed(operations->workers) > 0)
        g_thread_pool_set_max_threads(operations->workers, operations->n_workers + n_slow, NULL);
    operations->n_slow = n_slow;
}

/* --- queues and retries --- */

static GQueue *operations_queue_of_locked(Operations *operations, const char *target)
{
    GQueue *queue = g_hash_table_lookup(operations->targets, target);

    if (queue)
        return queue;
    queue = g_queue_new();
    g_hash_table_insert(operations->targets, g_strdup(target), queue);
    return queue;
}

static void operations_queue_locked(Operations *operations, Job *job)
{
    GQueue *queue = operations_queue_of_locked(operations, job->operation.row->target);
    const Job *head = g_queue_peek_head(queue);

    if (head && head->is_waiting && job->kind->takes_over)
        operations_put_first_locked(operations, queue, job);
    else
        g_queue_push_tail(queue, job);
    if (g_queue_peek_head(queue) == job && !operations->is_stopping)
        operations_start_locked(operations, job);
}

/* The one whose time comes first; NULL = none waits. */
static Job *operations_first_due_locked(Operations *operations)
{
    Job *first = NULL;

    for (GList *node = operations->retries.head; node; node = node->next) {
        Job *job = node->data;
        if (!first || job->due_ms < first->due_ms)
            first = job;
    }
    return first;
}

static void operations_try_again_locked(Operations *operations, Job *job)
{
    g_queue_remove(&operations->retries, job);
    job->is_waiting = false;
    if (job->is_away)
        operations_queue_locked(operations, job);
    else
        operations_start_locked(operations, job);
    job->is_away = false;
}

/* Until a job is due, or, while any runs, until it may have become a slow one. */
static void operations_watch_wait_locked(Operations *operations, const Job *due)
{
    int64_t until_ms = due ? due->due_ms : INT64_MAX;

    if (operations->n_running > 0)
        until_ms = MIN(until_ms, clock_monotonic_ms() + MIN(operations->slow_ms, WATCH_MS));
    if (until_ms == INT64_MAX)
        g_cond_wait(&operations->changed, &operations->lock);
    else
        g_cond_wait_until(&operations->changed, &operations->lock, until_ms * 1000);
}

/* Starts jobs again whose time has come, and makes room for those that find all threads slow. */
static void *operations_watch(void *data)
{
    Operations *operations = data;

    g_mutex_lock(&operations->lock);
    while (!operations->is_stopping) {
        Job *job = operations_first_due_locked(operations);
        if (job && job->due_ms <= clock_monotonic_ms()) {
            operations_try_again_locked(operations, job);
            continue;
        }
        operations_make_room_locked(operations);
        operations_watch_wait_locked(operations, job);
    }
    g_mutex_unlock(&operations->lock);
    return NULL;
}

/* --- public --- */

static void operations_free_parts(Operations *operations)
{
    g_hash_table_unref(operations->targets);
    g_hash_table_unref(operations->kinds);
    g_mutex_clear(&operations->lock);
    g_cond_clear(&operations->changed);
    g_free(operations);
}

Error *operations_new(Store *store, int n_workers, int64_t slow_ms, Operations **ret_operations)
{
    Operations *operations = g_new0(Operations, 1);

    operations->store = store;
    operations->n_workers = n_workers;
    operations->slow_ms = slow_ms;
    operations->kinds = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
    operations->targets =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_queue_free);
    g_mutex_init(&operations->lock);
    g_cond_init(&operations->changed);
    g_queue_init(&operations->retries);
    operations->workers = g_thread_pool_new(operations_work, operations, n_workers, FALSE, NULL);
    Error *e = thread_start("operations", operations_watch, operations, &operations->watcher);
    if (e) {
        g_thread_pool_free(operations->workers, TRUE, FALSE);
        operations_free_parts(operations);
        return e;
    }
    *ret_operations = operations;
    return NULL;
}

static void operations_free_queued(void *target, void *queue, void *unused)
{
    g_queue_foreach(queue, (GFunc)(void (*)(void))job_free, NULL);
}

/* All others that wait are in the queue of their target. */
static void operations_free_away(Job *job)
{
    if (job->is_away)
        job_free(job);
}

/* What goes on after a restart need not be waited for, either. */
static void operations_cut_short(void *target, void *queue, void *unused)
{
    Job *job = g_queue_peek_head(queue);

    g_cancellable_cancel(job->operation.stop);
    if (job->kind->is_long || job->kind->resumes)
        g_cancellable_cancel(job->operation.cancel);
}

void operations_free(Operations *operations)
{
    if (!operations)
        return;
    g_mutex_lock(&operations->lock);
    operations->is_stopping = true;
    g_hash_table_foreach(operations->targets, operations_cut_short, NULL);
    g_cond_broadcast(&operations->changed);
    while (operations->n_running > 0) {
        operations_make_room_locked(operations); /* some may wait for a thread still */
        operations_watch_wait_locked(operations, NULL);
    }
    g_mutex_unlock(&operations->lock);

    g_thread_join(operations->watcher);
    g_thread_pool_free(operations->workers, FALSE, TRUE);
    for (GList *node = operations->retries.head; node; node = node->next)
        operations_free_away(node->data);
    g_hash_table_foreach(operations->targets, operations_free_queued, NULL);
    g_queue_clear(&operations->retries);
    operations_free_parts(operations);
}

bool operations_may_last(Operations *operations, const char *kind_name)
{
    const Registration *known = g_hash_table_lookup(operations->kinds, kind_name);

    return known && known->kind->is_long && !known->kind->retries;
}

bool operations_is_stopping(Operations *operations)
{
    g_mutex_lock(&operations->lock);
    bool is_stopping = operations->is_stopping;
    g_mutex_unlock(&operations->lock);
    return is_stopping;
}

void operations_register(Operations *operations, const OperationKind *kind, void *owner)
{
    Registration *registration = g_new0(Registration, 1);

    registration->kind = kind;
    registration->owner = owner;
    g_hash_table_insert(operations->kinds, (gpointer)(uintptr_t)kind->name, registration);
}

/* Called with the lock. Returns how many of this owner's are at work still. */
static unsigned operations_release_locked(Operations *operations, const void *owner)
{
    GHashTableIter iter;
    void *value;
    unsigned n_running = 0;

    g_hash_table_iter_init(&iter, operations->kinds);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Registration *registration = value;
        if (registration->owner != owner)
            continue;
        registration->is_released = true;
        n_running += registration->n_running;
    }
    return n_running;
}

static void operations_cancel_owned(void *target, void *queue, void *owner)
{
    const Job *job = g_queue_peek_head(queue);

    if (job->registration->owner != owner || job->kind->retries)
        return;
    g_cancellable_cancel(job->operation.stop);
    g_cancellable_cancel(job->operation.cancel);
}

void operations_release(Operations *operations, const void *owner)
{
    g_mutex_lock(&operations->lock);
    if (operations_release_locked(operations, owner) > 0)
        g_hash_table_foreach(operations->targets, operations_cancel_owned,
                             (gpointer)(uintptr_t)owner);
    while (operations_release_locked(operations, owner) > 0)
        g_cond_wait(&operations->changed, &operations->lock);
    g_mutex_unlock(&operations->lock);
}

static Job *operations_job(Operations *operations, OperationRow *row, Registration *registration)
{
    Job *job = g_new0(Job, 1);

    job->operation = (Operation){
        .store = operations->store,
        .owner = registration->owner,
        .row = row,
        .cancel = g_cancellable_new(),
        .stop = g_cancellable_new(),
        .next = g_ptr_array_new_with_free_func((GDestroyNotify)operation_row_free),
    };
    job->kind = registration->kind;
    job->registration = registration;
    return job;
}

void operations_submit_take(Operations *operations, OperationRow *row, OperationEnded ended,
                            void *data)
{
    Registration *registration = g_hash_table_lookup(operations->kinds, row->kind);

    g_assert(registration != NULL);
    Job *job = operations_job(operations, row, registration);
    job->ended = ended;
    job->ended_data = data;
    g_mutex_lock(&operations->lock);
    operations_queue_locked(operations, job);
    g_mutex_unlock(&operations->lock);
}

void operations_cancel(Operations *operations, const char *target)
{
    g_mutex_lock(&operations->lock);
    GQueue *queue = g_hash_table_lookup(operations->targets, target);
    for (GList *node = queue ? queue->head : NULL; node; node = node->next) {
        const Job *job = node->data;
        if (!job->kind->retries)
            g_cancellable_cancel(job->operation.cancel);
    }
    g_mutex_unlock(&operations->lock);
}

void operations_hurry(Operations *operations)
{
    g_mutex_lock(&operations->lock);
    for (GList *node = operations->retries.head; node; node = node->next)
        ((Job *)node->data)->due_ms = 0;
    g_cond_broadcast(&operations->changed);
    g_mutex_unlock(&operations->lock);
}

static Error *operation_refuse(const Job *job)
{
    const OperationRow *row = job->operation.row;

    if (row->state != OPERATION_UNDOING)
        return error_hint(error_new(ERR_CONFLICT, "its \"%s\" has failed and is tried again: %s",
                                    row->kind, job->why),
                          "It is tried every %d seconds; see also rametd --doctor.",
                          OPERATION_RETRY_MS / 1000);
    return error_hint(
        error_new(ERR_CONFLICT, "a failed \"%s\" of it is not undone yet: %s", row->kind, job->why),
        "It is tried every %d seconds; see also rametd --doctor.", OPERATION_RETRY_MS / 1000);
}

Error *operations_check_settled(Operations *operations, const char *target)
{
    Error *e = NULL;

    g_mutex_lock(&operations->lock);
    GQueue *queue = g_hash_table_lookup(operations->targets, target);
    for (GList *node = queue ? queue->head : NULL; !e && node; node = node->next)
        if (((const Job *)node->data)->why)
            e = operation_refuse(node->data);
    g_mutex_unlock(&operations->lock);
    return e;
}

static bool operations_queue_has(const GQueue *queue, const char *kind)
{
    for (const GList *node = queue->head; node; node = node->next)
        if (!kind || g_str_equal(((const Job *)node->data)->kind->name, kind))
            return true;
    return false;
}

bool operations_is_busy(Operations *operations, const char *kind, const char *target)
{
    GHashTableIter iter;
    void *key, *queue;
    bool is_busy = false;

    g_mutex_lock(&operations->lock);
    g_hash_table_iter_init(&iter, operations->targets);
    while (!is_busy && g_hash_table_iter_next(&iter, &key, &queue))
        is_busy = (!target || g_str_equal(key, target)) && operations_queue_has(queue, kind);
    g_mutex_unlock(&operations->lock);
    return is_busy;
}

/* NULL for a row of a kind that nobody knows. */
static Job *operations_recover_job(Operations *operations, OperationRow *row_taken)
{
    Registration *registration = g_hash_table_lookup(operations->kinds, row_taken->kind);

    if (!registration) {
        log_error("unknown operation in the journal, left alone", "kind", row_taken->kind, "target",
                  row_taken->target);
        operation_row_free(row_taken);
        return NULL;
    }
    log_info("recovering", "operation", row_taken->kind, "target", row_taken->target);
    Job *job = operations_job(operations, row_taken, registration);
    job->was_interrupted = row_taken->state == OPERATION_RUNNING;
    return job;
}

/* None of a target is begun before all of it is known: what takes over does so here, too. */
static void operations_recover_locked(Operations *operations, GPtrArray *jobs)
{
    for (unsigned i = 0; i < jobs->len; i++) {
        Job *job = jobs->pdata[i];
        GQueue *queue = operations_queue_of_locked(operations, job->operation.row->target);
        if (job->kind->takes_over)
            g_queue_push_head(queue, job);
        else
            g_queue_push_tail(queue, job);
    }
    for (unsigned i = 0; i < jobs->len; i++) {
        Job *job = jobs->pdata[i];
        GQueue *queue = g_hash_table_lookup(operations->targets, job->operation.row->target);
        if (g_queue_peek_head(queue) == job)
            operations_start_locked(operations, job);
    }
}

Error *operations_recover(Operations *operations)
{
    g_autoptr(GPtrArray) rows = NULL;
    g_autoptr(GPtrArray) jobs = g_ptr_array_new();

    TRY(store_list_operations(operations->store, &rows));
    while (rows->len > 0) {
        Job *job = operations_recover_job(operations, g_ptr_array_steal_index(rows, 0));
        if (job)
            g_ptr_array_add(jobs, job);
    }
    g_mutex_lock(&operations->lock);
    operations_recover_locked(operations, jobs);
    g_mutex_unlock(&operations->lock);
    return NULL;
}

/*
 * The kinds, and what they write down.
 */
#include "operation_fixture.h"

#include <string.h>

#include "base/effect.h"
#include "base/fs.h"

GMutex trace_lock;
GCond trace_changed;
GString *trace;
const char *failing_step, *failing_undo;
int n_ended;
int n_writes_to_skip, n_failing_writes;

void trace_add(const char *text)
{
    g_mutex_lock(&trace_lock);
    g_string_append_printf(trace, "%s%s", trace->len ? " " : "", text);
    g_cond_broadcast(&trace_changed);
    g_mutex_unlock(&trace_lock);
}

Error *trace_step(const char *name)
{
    trace_add(name);
    if (g_strcmp0(name, failing_step) == 0)
        return error_new(ERR_EXTERNAL, "broken");
    return NULL;
}

Error *trace_undo(const char *name)
{
    g_autofree char *text = g_strdup_printf("-%s", name);

    trace_add(text);
    return g_strcmp0(name, failing_undo) == 0 ? error_new(ERR_EXTERNAL, "stuck") : NULL;
}

static Error *run_a(Operation *operation)
{
    return trace_step("a");
}

Error *undo_a(Operation *operation)
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

Error *run_c(Operation *operation)
{
    return trace_step("c");
}

Error *load(Operation *operation)
{
    return g_str_equal(operation->row->target, "gone") ? error_new(ERR_NOT_FOUND, "gone") : NULL;
}

void unload(Operation *operation)
{
}

Error *finish(Operation *operation)
{
    trace_add("finish");
    return NULL;
}

Error *fail(Operation *operation, const Error *cause)
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

const OperationKind resuming_kind = {.name = "resuming",
                                     .steps = abc_steps,
                                     .resumes = true,
                                     .load = load,
                                     .unload = unload,
                                     .finish = finish,
                                     .fail = fail};
const OperationKind undone_kind = {.name = "undone",
                                   .steps = abc_steps,
                                   .is_long = true,
                                   .load = load,
                                   .unload = unload,
                                   .finish = finish,
                                   .fail = fail};
const OperationKind retrying_kind = {.name = "retrying",
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

const OperationKind leading_kind = {.name = "leading",
                                    .steps = single_steps,
                                    .resumes = true,
                                    .load = load,
                                    .unload = unload,
                                    .finish = finish_and_follow,
                                    .fail = fail};

/* As a full disk does it. */
static Error *fail_write(const char *what)
{
    g_mutex_lock(&trace_lock);
    bool fails = n_writes_to_skip == 0 && n_failing_writes > 0;
    if (n_writes_to_skip > 0)
        n_writes_to_skip--;
    else if (fails)
        n_failing_writes--;
    g_mutex_unlock(&trace_lock);
    return fails ? error_new(ERR_NO_SPACE, "the disk is full") : NULL;
}

static Error *finish_wrong(Operation *operation)
{
    operation_follow(operation, &resuming_kind, "other", NULL);
    trace_add("finish");
    return error_new(ERR_CONFLICT, "taken");
}

const OperationKind misled_kind = {.name = "misled",
                                   .steps = abc_steps,
                                   .resumes = true,
                                   .load = load,
                                   .unload = unload,
                                   .finish = finish_wrong,
                                   .fail = fail};

static Error *drop(Operation *operation)
{
    trace_add("drop");
    return NULL;
}

const OperationKind leaving_kind = {.name = "leaving",
                                    .steps = abc_steps,
                                    .resumes = true,
                                    .load = load,
                                    .unload = unload,
                                    .finish = finish,
                                    .fail = fail,
                                    .drop = drop};

static Error *run_destroy(Operation *operation)
{
    return trace_step("destroy");
}

static const Step destroy_steps[] = {{"destroying", run_destroy, NULL}, {0}};
const OperationKind destroy_kind = {.name = "destroy",
                                    .steps = destroy_steps,
                                    .resumes = true,
                                    .retries = true,
                                    .takes_over = true,
                                    .load = load,
                                    .unload = unload,
                                    .finish = finish,
                                    .fail = fail};
const OperationKind polite_kind = {.name = "polite",
                                   .steps = abc_steps,
                                   .gives_way = true,
                                   .load = load,
                                   .unload = unload,
                                   .finish = finish,
                                   .fail = fail};

/* --- fixture --- */

void check(Error *e)
{
    if (e)
        g_error("%s (%s)", e->message, e->detail ? e->detail : "");
}

void start_runner(Fixture *f)
{
    static const OperationKind *const kinds[] = {
        &resuming_kind, &undone_kind,  &retrying_kind, &leading_kind,
        &misled_kind,   &leaving_kind, &destroy_kind,  &polite_kind,
    };

    check(operations_new(f->store, N_WORKERS, 1, &f->operations));
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        operations_register(f->operations, kinds[i], f);
}

void set_up(Fixture *f, const void *unused)
{
    f->dir = g_dir_make_tmp("ramet-test-XXXXXX", NULL);
    check(store_open(f->dir, STORE_READ_WRITE, &f->store));
    trace = g_string_new(NULL);
    failing_step = failing_undo = NULL;
    n_ended = 0;
    n_failing_writes = n_writes_to_skip = 0;
    effect_hook = fail_write;
    start_runner(f);
}

void tear_down(Fixture *f, const void *unused)
{
    operations_free(f->operations);
    store_close(f->store);
    effect_hook = NULL;
    check(fs_remove_tree(f->dir));
    g_free(f->dir);
    g_string_free(trace, TRUE);
}

void on_ended(const Error *cause, void *data)
{
    g_mutex_lock(&trace_lock);
    n_ended++;
    g_cond_broadcast(&trace_changed);
    g_mutex_unlock(&trace_lock);
}

OperationRow *record(Fixture *f, const OperationKind *kind, const char *target)
{
    OperationRow *row = operation_row(kind, target, NULL);

    check(store_insert_operation(f->store, row));
    return row;
}

void run_to_end(Fixture *f, const OperationKind *kind, const char *target)
{
    int before = n_ended;

    operations_submit_take(f->operations, record(f, kind, target), on_ended, NULL);
    g_mutex_lock(&trace_lock);
    while (n_ended == before)
        g_cond_wait(&trace_changed, &trace_lock);
    g_mutex_unlock(&trace_lock);
}

void wait_for(const char *text)
{
    g_mutex_lock(&trace_lock);
    while (!strstr(trace->str, text))
        g_cond_wait(&trace_changed, &trace_lock);
    g_mutex_unlock(&trace_lock);
}

/* Rows left in the journal once all that runs has ended. */
unsigned journal_length(Fixture *f)
{
    g_autoptr(GPtrArray) rows = NULL;

    operations_free(f->operations);
    check(store_list_operations(f->store, &rows));
    start_runner(f);
    return rows->len;
}

void wait_until_owed(Fixture *f, const char *kind)
{
    g_autofree char *pattern = g_strdup_printf("*\"%s\"*", kind);

    for (bool is_owed = false; !is_owed;) {
        g_autoptr(Error) e = operations_check_settled(f->operations, "t");
        is_owed = e && g_pattern_match_simple(pattern, e->message);
        g_thread_yield();
    }
}

/* Its next try is now. */
void try_again(Fixture *f, const char *kind)
{
    wait_until_owed(f, kind);
    operations_hurry(f->operations);
}

/*
 * What the doctor finds: each way in which the store and the world can disagree, one at a time.
 */
#include "engine/doctor.h"

#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "engine/clone/clone.h"
#include "engine/kinds.h"
#include "store/operation.h"
#include "store/snapshot.h"
#include "world_fixture.h"

#define MINUTE_MS INT64_C(60000)

/* "kind name: message" of each, and a line's end. */
static char *findings_of(WorldFixture *f)
{
    g_autoptr(GPtrArray) findings = NULL;
    GString *text = g_string_new("");

    must(engine_examine(&f->engine, &findings));
    for (unsigned i = 0; i < findings->len; i++) {
        const Finding *finding = findings->pdata[i];

        g_string_append_printf(text, "%s %s %s: %s\n", finding->is_error ? "error" : "warning",
                               finding->kind, finding->name, finding->message);
        g_assert_true(finding->hint && *finding->hint);
    }
    return g_string_free(text, FALSE);
}

/* --- operations --- */

static void add_operation(WorldFixture *f, const char *kind, OperationState state, int64_t age_ms)
{
    g_autoptr(OperationRow) row = operation_row_new();

    row->uid = g_strdup("o1");
    row->kind = g_strdup(kind);
    row->target = g_strdup("elsewhere");
    row->state = state;
    row->args = g_strdup("{}");
    row->error = g_strdup(state == OPERATION_UNDOING ? "what had failed" : "");
    row->created_at_ms = clock_now_ms() - age_ms;
    must(store_insert_operation(f->engine.store, row));
}

static void new_operation(WorldFixture *f)
{
    add_operation(f, "reset", OPERATION_RUNNING, 9 * MINUTE_MS);
}

static void old_operation(WorldFixture *f)
{
    add_operation(f, "reset", OPERATION_RUNNING, 11 * MINUTE_MS);
}

/* A long one that is tried again and again has failed again and again. */
static void old_and_retried(WorldFixture *f)
{
    add_operation(f, snapshot_delete_kind.name, OPERATION_RUNNING, 100 * MINUTE_MS);
}

static void old_and_long(WorldFixture *f)
{
    static const OperationKind refresh_kind = {.name = "refresh", .is_long = true};

    operations_register(f->engine.operations, &refresh_kind, NULL);
    add_operation(f, refresh_kind.name, OPERATION_RUNNING, 100 * MINUTE_MS);
}

static void owed_undo(WorldFixture *f)
{
    add_operation(f, "reset", OPERATION_UNDOING, 0);
}

/* --- what is missing --- */

static void no_instance(WorldFixture *f)
{
    world_stop_instances();
}

static void no_snapshot_data(WorldFixture *f)
{
    g_autoptr(Snapshot) snapshot = snapshot_new();

    snapshot->uid = g_strdup("lost");
    snapshot->id = g_strdup("p@lost");
    snapshot->pool = g_strdup("p");
    snapshot->is_ready = true;
    must(store_insert_snapshot(f->engine.store, snapshot));
}

static void not_ready(WorldFixture *f)
{
    must(store_set_snapshot_ready(f->engine.store, "s2", false));
}

static void forever_creating(WorldFixture *f)
{
    g_autoptr(Clone) clone = the_clone(f);

    must(store_move_clone(f->engine.store, clone->uid, CLONE_IN(OK), CLONE_RESETTING, ""));
}

static void fatal(WorldFixture *f)
{
    g_autoptr(Clone) clone = the_clone(f);

    world_stop_instances();
    must(store_move_clone(f->engine.store, clone->uid, CLONE_IN(OK), CLONE_FATAL, "it is broken"));
}

/* --- what is too much --- */

/* The store forgets the clone that runs. */
static void unknown_clone(WorldFixture *f)
{
    g_autoptr(Clone) clone = the_clone(f);

    must(store_delete_clone(f->engine.store, clone->uid));
}

static void unknown_snapshot(WorldFixture *f)
{
    world_add_snapshot("stranger");
}

typedef struct Case {
    const char *name;
    void (*make)(WorldFixture *f);
    const char *found[5]; /* parts of lines, one for each line; none: all is well */
} Case;

static const Case cases[] = {
    {"nothing", NULL, {NULL}},
    {"operation", new_operation, {NULL}},
    {"old-operation",
     old_operation,
     {"error operation elsewhere: \"reset\" was begun 11 minutes ago"}},
    {"old-and-retried", old_and_retried, {"\"delete-snapshot\" was begun 100 minutes ago"}},
    {"old-operation-that-may-last", old_and_long, {NULL}},
    {"owed-undo", owed_undo, {"error operation elsewhere: what had failed"}},
    {"no-instance", no_instance, {"error clone c: its postgres does not run"}},
    {"no-snapshot", no_snapshot_data, {"error snapshot p@lost: its data is missing"}},
    {"not-ready", not_ready, {"error snapshot s2: no operation works on it"}},
    {"no-operation", forever_creating, {"error clone c: no operation works on it"}},
    {"fatal", fatal, {"warning clone c: it is broken"}},
    {"unknown-clone",
     unknown_clone,
     {"warning volume p/", "warning port ", "warning instance ", "warning socket directory "}},
    {"unknown-snapshot",
     unknown_snapshot,
     {"warning snapshot p/stranger: the store knows no such"}},
};

static void test_case(WorldFixture *f, const void *data)
{
    const Case *test = data;
    unsigned n = 0, n_lines = 0;

    if (test->make)
        test->make(f);

    g_autofree char *text = findings_of(f);

    for (const char *end = text; (end = strchr(end, '\n')); end++)
        n_lines++;
    while (test->found[n])
        n++;
    for (unsigned i = 0; i < n; i++)
        if (!strstr(text, test->found[i]))
            g_error("\"%s\" is not found, but: %s", test->found[i], text);
    if (n_lines != n)
        g_error("%u findings instead of %u: %s", n_lines, n, text);
}

/* It looks, and that is all: asked again it finds the same. */
static void test_looking(WorldFixture *f, const void *unused)
{
    unknown_clone(f);
    unknown_snapshot(f);
    g_autofree char *first = findings_of(f);
    g_autofree char *second = findings_of(f);

    g_assert_cmpstr(first, ==, second);
    g_assert_cmpint(*first, !=, '\0');
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strconcat("/doctor/", cases[i].name, NULL);
        g_test_add(path, WorldFixture, &cases[i], world_set_up, test_case, world_tear_down);
    }
    g_test_add("/doctor/looking", WorldFixture, NULL, world_set_up, test_looking, world_tear_down);
    return g_test_run();
}

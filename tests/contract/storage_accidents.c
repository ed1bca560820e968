/*
 * Accidents at the n-th program that a verb starts: it fails before it did anything, it did its
 * work and nobody hears of it, or we die. Whatever happened can be undone by name, and done again.
 * For drivers that start no programs there is little to go wrong here.
 */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/proc.h"
#include "storage_fixture.h"
#include "storage_tests.h"

#define CREATION_PROGRAMS_MAX 20 /* more than making a pool starts   */
#define VERB_PROGRAMS_MAX     4  /* as many as a verb starts at most */

typedef enum Accident {
    ACCIDENT_BEFORE,
    ACCIDENT_AFTER,
    ACCIDENT_KILL
} Accident;

static int programs_left;
static Accident accident_kind;

static Error *accident_hook(const ProcSpec *spec, ProcResult *ret_result)
{
    bool is_due = programs_left-- == 0;
    Error *e = NULL;

    if (is_due && accident_kind == ACCIDENT_KILL)
        _exit(EXIT_SUCCESS);
    proc_run_hook = NULL;
    if (!is_due || accident_kind == ACCIDENT_AFTER)
        e = proc_run(spec, ret_result);
    proc_run_hook = accident_hook;
    if (e || !is_due)
        return e;
    return error_new(ERR_EXTERNAL, "program \"%s\" had an accident", spec->argv[0]);
}

static void accident_arm(Accident kind, int programs)
{
    accident_kind = kind;
    programs_left = programs;
    proc_run_hook = accident_hook;
}

static void accident_disarm(void)
{
    proc_run_hook = NULL;
}

/* --- pools --- */

/*
 * Programs that may fail without harm (direct I/O refused, detaching): the pool is there all the
 * same.
 */
static void test_failed_creation_leaves_nothing(void)
{
    int failures = 0;

    for (int i = 0; i < CREATION_PROGRAMS_MAX; i++) {
        PoolFixture f;

        fixture_init(&f);
        accident_arm(ACCIDENT_BEFORE, i);

        g_autoptr(Error) e = storage_create_pool(&f.spec, fixture_pool_size);
        bool is_over = programs_left >= 0; /* it needed fewer programs */

        accident_disarm();
        failures += e != NULL;
        if (!e)
            ASSERT_OK(storage_destroy_pool(&f.spec, false));
        fixture_assert_nothing_left(&f);
        fixture_clear(&f);
        if (is_over)
            break;
    }
    g_assert_cmpint(failures, >=, 2); /* mkfs and mount at the least */
}

static void create_and_die(const PoolFixture *f, int programs)
{
    pid_t child = fork();

    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        accident_arm(ACCIDENT_KILL, programs);
        error_free(storage_create_pool(&f->spec, fixture_pool_size));
        _exit(EXIT_SUCCESS);
    }
    g_assert_cmpint(waitpid(child, NULL, 0), ==, child);
}

static void test_killed_creation_can_be_removed(void)
{
    for (int i = 0; i < 4; i++) {
        PoolFixture f;

        fixture_init(&f);
        create_and_die(&f, i);
        ASSERT_OK(storage_destroy_pool(&f.spec, true));
        fixture_assert_nothing_left(&f);
        ASSERT_OK(storage_create_pool(&f.spec, fixture_pool_size));
        ASSERT_OK(storage_destroy_pool(&f.spec, false));
        fixture_assert_nothing_left(&f);
        fixture_clear(&f);
    }
}

/* --- verbs --- */

static Error *create_x(PoolFixture *f)
{
    const Manifest manifest = fixture_manifest("golden", "x");

    return storage_create_volume(f->pool, "x", &manifest);
}

static Error *clone_x(PoolFixture *f)
{
    const Manifest manifest = fixture_manifest("clone", "x");

    return storage_clone(f->pool, "s", "x", &manifest);
}

static Error *snapshot_x(PoolFixture *f)
{
    const Manifest manifest = fixture_manifest("snapshot", "x");

    return storage_snapshot(f->pool, "v", "x", &manifest);
}

static const struct {
    Error *(*make)(PoolFixture *f);
    Error *(*destroy)(Pool *pool, const char *name);
} makings[] = {
    {create_x, storage_destroy_volume},
    {clone_x, storage_destroy_volume},
    {snapshot_x, storage_destroy_snapshot},
};

static void make_with_accident(PoolFixture *f, size_t making, Accident kind, int programs)
{
    accident_arm(kind, programs);

    g_autoptr(Error) e = makings[making].make(f);

    accident_disarm();
    if (e) {
        ASSERT_OK(makings[making].destroy(f->pool, "x"));
        ASSERT_OK(makings[making].make(f));
    }
    ASSERT_OK(makings[making].destroy(f->pool, "x"));
}

static void test_accidents_in_making(PoolFixture *f, gconstpointer data)
{
    make_volume(f, "v");
    write_text(f, "v", "file", "text");
    make_snapshot(f, "v", "s");
    for (Accident kind = ACCIDENT_BEFORE; kind <= ACCIDENT_AFTER; kind++)
        for (int programs = 0; programs < VERB_PROGRAMS_MAX / 2; programs++)
            for (size_t i = 0; i < G_N_ELEMENTS(makings); i++)
                make_with_accident(f, i, kind, programs);
    assert_volume_text(f, "v", "file", "text");
    assert_snapshot_text(f, "s", "file", "text");
}

/* The second try must succeed; the pool is opened again in between, as after a crash, or not. */
static void destroy_with_accident(PoolFixture *f, Error *(*destroy)(Pool *pool, const char *name),
                                  const char *name, Accident kind, int programs)
{
    accident_arm(kind, programs);
    error_free(destroy(f->pool, name));
    accident_disarm();
    if (programs % 2 == 1) {
        storage_close_pool(f->pool);
        ASSERT_OK(storage_open_pool(&f->spec, &f->pool));
    }
    ASSERT_OK(destroy(f->pool, name));
}

static void destroy_all_with_accidents(PoolFixture *f, Accident kind, int programs)
{
    make_volume(f, "v");
    write_text(f, "v", "file", "text");
    make_snapshot(f, "v", "s");
    make_clone(f, "s", "c");
    destroy_with_accident(f, storage_destroy_volume, "v", kind, programs);
    assert_snapshot_text(f, "s", "file", "text");
    destroy_with_accident(f, storage_destroy_snapshot, "s", kind, programs);
    assert_volume_text(f, "c", "file", "text");
    destroy_with_accident(f, storage_destroy_volume, "c", kind, programs);
}

static void test_accidents_in_destroying(PoolFixture *f, gconstpointer data)
{
    g_autoptr(GPtrArray) entries = NULL;

    for (Accident kind = ACCIDENT_BEFORE; kind <= ACCIDENT_AFTER; kind++)
        for (int programs = 0; programs < VERB_PROGRAMS_MAX; programs++)
            destroy_all_with_accidents(f, kind, programs);
    ASSERT_OK(storage_list(f->pool, &entries));
    g_assert_cmpuint(entries->len, ==, 0);
}

#define ADD(path, function)                                                                        \
    g_test_add("/storage/accident/" path, PoolFixture, NULL, fixture_setup, function,              \
               fixture_teardown)

void storage_add_accident_tests(void)
{
    ADD("making", test_accidents_in_making);
    ADD("destroying", test_accidents_in_destroying);
    g_test_add_func("/storage/accident/failed-creation-leaves-nothing",
                    test_failed_creation_leaves_nothing);
    g_test_add_func("/storage/accident/killed-creation-can-be-removed",
                    test_killed_creation_can_be_removed);
}

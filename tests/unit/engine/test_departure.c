/*
 * What keeps clones, snapshots and pools from going, over a real store.
 */
#include "engine/departure.h"

#include "base/clock.h"
#include "base/fs.h"

typedef struct Fixture {
    char *dir;
    Store *store;
} Fixture;

static void must(Error *e)
{
    if (e)
        g_error("%s (%s)", e->message, e->detail ? e->detail : "-");
}

static void add_snapshot(Fixture *f, const char *uid, const char *clone_id)
{
    g_autoptr(Snapshot) snapshot = snapshot_new();

    snapshot->uid = g_strdup(uid);
    snapshot->id = g_strdup_printf("p@%s", uid);
    snapshot->pool = g_strdup("p");
    snapshot->branch = g_strdup("main");
    snapshot->clone_id = g_strdup(clone_id);
    snapshot->is_ready = true;
    must(store_insert_snapshot(f->store, snapshot));
}

static void add_clone(Fixture *f, const char *id, const char *snapshot_uid, bool is_protected)
{
    g_autoptr(Clone) clone = clone_new();

    clone->uid = g_strdup(id);
    clone->id = g_strdup(id);
    clone->pool = g_strdup("p");
    clone->snapshot_uid = g_strdup(snapshot_uid);
    clone->is_protected = is_protected;
    must(store_insert_clone(f->store, clone));
}

static void set_up(Fixture *f, const void *unused)
{
    f->dir = g_dir_make_tmp("ramet-departure-XXXXXX", NULL);
    must(store_open(f->dir, STORE_READ_WRITE, &f->store));
}

static void tear_down(Fixture *f, const void *unused)
{
    store_close(f->store);
    must(fs_remove_tree(f->dir));
    g_free(f->dir);
}

static void assert_refused(Error *e_taken, const char *message, const char *detail)
{
    g_autoptr(Error) e = e_taken;

    g_assert_nonnull(e);
    g_assert_cmpint(e->code, ==, ERR_CONFLICT);
    g_assert_cmpstr(e->message, ==, message);
    g_assert_cmpstr(e->detail, ==, detail);
    g_assert_nonnull(e->hint);
}

static Error *snapshot_asks(Fixture *f, const char *uid, bool is_forced)
{
    g_autoptr(Snapshot) snapshot = NULL;

    must(store_get_snapshot_by_uid(f->store, uid, &snapshot));
    return snapshot_may_go(f->store, snapshot, is_forced);
}

static void test_clones(Fixture *f, const void *unused)
{
    int64_t now_ms = clock_now_ms();
    const struct {
        CloneState state;
        bool is_protected;
        int64_t till_ms;
        bool may_go;
    } cases[] = {
        {CLONE_OK, false, 0, true},
        {CLONE_OK, true, 0, false},
        {CLONE_OK, true, now_ms + 3600000, false},
        {CLONE_OK, true, now_ms - 1, true},
        {CLONE_FATAL, true, 0, true},
        {CLONE_RESETTING, true, 0, false},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Clone) clone = clone_new();

        clone->id = g_strdup("c");
        clone->state = cases[i].state;
        clone->is_protected = cases[i].is_protected;
        clone->protected_till_ms = cases[i].till_ms;
        if (cases[i].may_go)
            must(clone_may_go(clone));
        else
            assert_refused(clone_may_go(clone), "clone is protected", NULL);
    }
}

static void test_snapshots(Fixture *f, const void *unused)
{
    add_snapshot(f, "golden", "");
    add_snapshot(f, "s", "c0");
    assert_refused(snapshot_asks(f, "golden", true),
                   "cannot destroy automatic snapshot in the pool", NULL);
    must(snapshot_asks(f, "s", false));

    add_clone(f, "c1", "s", false);
    assert_refused(snapshot_asks(f, "s", false),
                   "cannot delete snapshot p@s because it has dependent clones: c1", NULL);
    must(snapshot_asks(f, "s", true));

    add_clone(f, "c2", "s", true);
    assert_refused(snapshot_asks(f, "s", true),
                   "cannot delete snapshot p@s because it has dependent protected clones: c2",
                   NULL);

    must(store_set_snapshot_lease(f->store, "s", true, 0, 0));
    assert_refused(snapshot_asks(f, "s", true), "snapshot p@s is protected", NULL);
}

static void test_pools(Fixture *f, const void *unused)
{
    must(pool_may_go(f->store, "p", false));
    add_snapshot(f, "s", "");
    add_clone(f, "c1", "s", true);
    assert_refused(pool_may_go(f->store, "p", false), "pool \"p\" has 1 clones and 1 snapshots",
                   "c1, p@s");
    for (int i = 2; i < 15; i++) {
        g_autofree char *uid = g_strdup_printf("s%d", i);
        add_snapshot(f, uid, "");
    }
    g_autoptr(Error) e = pool_may_go(f->store, "p", false);
    g_assert_true(e && g_str_has_prefix(e->detail, "c1, p@s") &&
                  g_str_has_suffix(e->detail, ", …"));
    must(pool_may_go(f->store, "p", true));
    must(pool_may_go(f->store, "another", false));
}

#define ADD(name, function)                                                                        \
    g_test_add("/departure/" name, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("clones", test_clones);
    ADD("snapshots", test_snapshots);
    ADD("pools", test_pools);
    return g_test_run();
}

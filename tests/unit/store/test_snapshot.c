/*
 * Snapshots: what is found by id, by uid, as the latest, and by its clones.
 */
#include "store/snapshot.h"

#include "fixture.h"
#include "store/operation.h"

static void add(Fixture *f, const char *uid, const char *branch, int64_t at_ms, bool is_ready)
{
    g_autoptr(Snapshot) snapshot = fixture_snapshot(uid, at_ms);

    g_free(snapshot->branch);
    snapshot->branch = g_strdup(branch);
    snapshot->is_ready = is_ready;
    assert_ok(store_insert_snapshot(f->store, snapshot));
}

static void assert_latest(const Fixture *f, const char *branch, const char *uid)
{
    g_autoptr(Snapshot) snapshot = NULL;

    assert_ok(store_latest_snapshot(f->store, branch, &snapshot));
    g_assert_cmpstr(snapshot->uid, ==, uid);
}

static void test_insert_get(Fixture *f, const void *unused)
{
    g_autoptr(Snapshot) snapshot = fixture_snapshot("s1", 1000);
    g_autoptr(Snapshot) by_id = NULL;
    g_autoptr(Snapshot) by_uid = NULL;

    snapshot->pool = g_strdup("pool");
    snapshot->parent_uid = g_strdup("s0");
    snapshot->clone_id = g_strdup("ci-7");
    snapshot->message = g_strdup("it's \"done\"\n");
    snapshot->pg_major = 15;
    snapshot->created_at_ms = 2000;
    snapshot->logical_size = INT64_C(1) << 40;
    snapshot->is_protected = true;
    snapshot->protected_till_ms = 3000;
    snapshot->delete_at_ms = 4000;
    assert_ok(store_insert_snapshot(f->store, snapshot));

    assert_ok(store_get_snapshot(f->store, "s1-id", &by_id));
    assert_ok(store_get_snapshot_by_uid(f->store, "s1", &by_uid));
    g_assert_cmpstr(by_id->uid, ==, "s1");
    g_assert_cmpstr(by_uid->id, ==, "s1-id");
    g_assert_cmpstr(by_uid->pool, ==, "pool");
    g_assert_cmpstr(by_uid->branch, ==, "main");
    g_assert_cmpstr(by_uid->parent_uid, ==, "s0");
    g_assert_cmpstr(by_uid->clone_id, ==, "ci-7");
    g_assert_cmpstr(by_uid->message, ==, "it's \"done\"\n");
    g_assert_cmpint(by_uid->pg_major, ==, 15);
    g_assert_cmpint(by_uid->data_state_at_ms, ==, 1000);
    g_assert_cmpint(by_uid->created_at_ms, ==, 2000);
    g_assert_cmpint(by_uid->logical_size, ==, INT64_C(1) << 40);
    g_assert_true(by_uid->is_protected);
    g_assert_cmpint(by_uid->protected_till_ms, ==, 3000);
    g_assert_cmpint(by_uid->delete_at_ms, ==, 4000);
    g_assert_true(by_uid->is_ready);
    snapshot_free(NULL);
}

static void test_conflict(Fixture *f, const void *unused)
{
    g_autoptr(Snapshot) same_id = fixture_snapshot("s2", 1000);

    fixture_add_snapshot(f, "s1");
    same_id->id[1] = '1';
    assert_error(store_insert_snapshot(f->store, same_id), ERR_CONFLICT,
                 "snapshot s1-id already exists");
}

static void test_not_ready(Fixture *f, const void *unused)
{
    g_autoptr(Snapshot) snapshot = NULL;
    g_autoptr(Snapshot) ready = NULL;

    add(f, "s1", "main", 1000, false);
    assert_error(store_get_snapshot(f->store, "s1-id", &ready), ERR_NOT_FOUND, "no snapshot found");
    assert_error(store_latest_snapshot(f->store, NULL, &ready), ERR_NOT_FOUND, "no snapshot found");
    assert_ok(store_get_snapshot_by_uid(f->store, "s1", &snapshot));

    assert_ok(store_set_snapshot_ready(f->store, "s1", true));
    assert_ok(store_set_snapshot_lease(f->store, "s1", true, 5, 7));
    assert_ok(store_get_snapshot(f->store, "s1-id", &ready));
    g_assert_true(ready->is_protected);
    g_assert_cmpint(ready->protected_till_ms, ==, 5);
    g_assert_cmpint(ready->delete_at_ms, ==, 7);
}

static void test_latest(Fixture *f, const void *unused)
{
    Snapshot *none = NULL;

    add(f, "s1", "main", 1000, true);
    add(f, "s2", "dev", 3000, true);
    add(f, "s3", "main", 2000, true);
    add(f, "s4", "main", 4000, false);
    assert_latest(f, NULL, "s2");
    assert_latest(f, "main", "s3");
    assert_latest(f, "dev", "s2");
    assert_error(store_latest_snapshot(f->store, "nix", &none), ERR_NOT_FOUND, "no snapshot found");
}

static void test_list(Fixture *f, const void *unused)
{
    static const char *const expected[] = {"s3", "s1", "s2"};
    g_autoptr(GPtrArray) snapshots = NULL;

    add(f, "s1", "main", 2000, false);
    add(f, "s2", "dev", 1000, true);
    add(f, "s3", "main", 3000, true);
    assert_ok(store_list_snapshots(f->store, &snapshots));
    g_assert_cmpuint(snapshots->len, ==, G_N_ELEMENTS(expected));
    for (unsigned i = 0; i < snapshots->len; i++)
        g_assert_cmpstr(((Snapshot *)snapshots->pdata[i])->uid, ==, expected[i]);
}

static void test_delete(Fixture *f, const void *unused)
{
    fixture_add_snapshot(f, "s1");
    assert_ok(fixture_add_clone(f, "c1", 6000));
    assert_error(store_delete_snapshot(f->store, "s1"), ERR_CONFLICT, "snapshot \"s1\" has clones");
    assert_ok(store_delete_clone(f->store, "c1"));
    assert_ok(store_delete_snapshot(f->store, "s1"));
    assert_ok(store_delete_snapshot(f->store, "s1"));
    assert_error(store_set_snapshot_ready(f->store, "s1", true), ERR_NOT_FOUND,
                 "no snapshot found");
}

static void test_clones(Fixture *f, const void *unused)
{
    g_autoptr(GPtrArray) ids = NULL;
    g_autoptr(GPtrArray) none = NULL;

    fixture_add_snapshot(f, "s1");
    fixture_add_snapshot(f, "s2");
    assert_ok(fixture_add_clone(f, "b", 6000));
    assert_ok(fixture_add_clone(f, "a", 6001));
    assert_ok(store_list_snapshot_clones(f->store, "s1", &ids));
    g_assert_cmpuint(ids->len, ==, 2);
    g_assert_cmpstr(ids->pdata[0], ==, "a-id");
    g_assert_cmpstr(ids->pdata[1], ==, "b-id");
    assert_ok(store_list_snapshot_clones(f->store, "s2", &none));
    g_assert_cmpuint(none->len, ==, 0);
}

static void add_reset(Fixture *f, const char *kind, const char *clone, const char *args)
{
    g_autoptr(OperationRow) row = operation_row_new();

    row->uid = g_strdup_printf("%s-%s", kind, clone);
    row->kind = g_strdup(kind);
    row->target = g_strdup(clone);
    row->args = g_strdup(args);
    row->error = g_strdup("");
    assert_ok(store_insert_operation(f->store, row));
}

static void assert_users(Fixture *f, const char *uid, const char *expected)
{
    g_autoptr(GPtrArray) ids = NULL;

    assert_ok(store_list_snapshot_users(f->store, uid, "reset", &ids));
    g_ptr_array_add(ids, NULL);
    g_autofree char *names = g_strjoinv(" ", (char **)ids->pdata);
    g_assert_cmpstr(names, ==, expected);
}

/* Those of it, and those that a reset leads to it or back, each once; other operations do not count. */
static void test_users(Fixture *f, const void *unused)
{
    fixture_add_snapshot(f, "s1");
    fixture_add_snapshot(f, "s2");
    assert_ok(fixture_add_clone(f, "a", 6000));
    assert_ok(fixture_add_clone(f, "b", 6001));
    assert_users(f, "s1", "a-id b-id");
    assert_users(f, "s2", "");
    add_reset(f, "reset", "b", "{\"snapshot\": \"s2\", \"oldSnapshot\": \"s1\"}");
    add_reset(f, "start", "a", "{\"snapshot\": \"s2\"}");
    add_reset(f, "reset", "gone", "{\"snapshot\": \"s2\"}");
    assert_users(f, "s1", "a-id b-id");
    assert_users(f, "s2", "b-id");
    assert_ok(store_set_clone_volume(f->store, "b", "p", "v",
                                     "s2")); /* it has swapped, and is not over */
    assert_users(f, "s1", "a-id b-id");
    assert_users(f, "s2", "b-id");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fixture_test("/store/snapshot/insert-get", test_insert_get);
    fixture_test("/store/snapshot/conflict", test_conflict);
    fixture_test("/store/snapshot/not-ready", test_not_ready);
    fixture_test("/store/snapshot/latest", test_latest);
    fixture_test("/store/snapshot/list", test_list);
    fixture_test("/store/snapshot/delete", test_delete);
    fixture_test("/store/snapshot/clones", test_clones);
    fixture_test("/store/snapshot/users", test_users);
    return g_test_run();
}

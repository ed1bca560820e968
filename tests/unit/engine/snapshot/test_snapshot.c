/*
 * Who needs a snapshot, and ids of snapshots, over a real store without pools.
 */
#include "engine/snapshot/snapshot.h"

#include <string.h>

#include "base/fs.h"
#include "engine/clone/clone.h"
#include "engine/kinds.h"

typedef struct Fixture {
    char *dir;
    Store *store;
} Fixture;

static void must(Error *e)
{
    if (e)
        g_error("unexpected error: %s", e->message);
}

static void add_snapshot(Fixture *f, const char *uid, int64_t at_ms)
{
    g_autoptr(Snapshot) snapshot = snapshot_new();

    snapshot->uid = g_strdup(uid);
    snapshot->id = g_strdup_printf("%s-id", uid);
    snapshot->data_state_at_ms = at_ms;
    snapshot->is_ready = true;
    must(store_insert_snapshot(f->store, snapshot));
}

static void add_clone(Fixture *f, const char *uid, const char *snapshot_uid)
{
    g_autoptr(Clone) clone = clone_new();

    clone->uid = g_strdup(uid);
    clone->id = g_strdup_printf("%s-id", uid);
    clone->snapshot_uid = g_strdup(snapshot_uid);
    must(store_insert_clone(f->store, clone));
}

static void set_up(Fixture *f, const void *unused)
{
    f->dir = g_dir_make_tmp("ramet-store-XXXXXX", NULL);
    must(store_open(f->dir, STORE_READ_WRITE, &f->store));
    add_snapshot(f, "old", 1000);
    add_snapshot(f, "new", 2000);
    add_clone(f, "c1", "old");
}

static void tear_down(Fixture *f, const void *unused)
{
    store_close(f->store);
    must(fs_remove_tree(f->dir));
    g_free(f->dir);
}

static char *users(Fixture *f, const char *uid)
{
    g_autoptr(GPtrArray) ids = NULL;

    must(snapshot_list_users(f->store, uid, &ids));
    g_ptr_array_add(ids, NULL);
    return g_strjoinv(" ", (char **)ids->pdata);
}

static void add_reset(Fixture *f, const char *target, const char *to, const char *from)
{
    json_t *args = json_pack("{ssss}", "snapshot", to, "oldSnapshot", from);
    g_autoptr(OperationRow) row = operation_row(&clone_reset_kind, target, args);

    json_decref(args);
    must(store_insert_operation(f->store, row));
}

/* From the acceptance of a reset on: where it goes, and where it may have to go back to. */
static void test_reset_holds(Fixture *f, const void *unused)
{
    g_autofree char *before = users(f, "new");

    add_reset(f, "c1", "new", "old");
    g_autofree char *target = users(f, "new");
    g_autofree char *origin = users(f, "old");

    g_assert_cmpstr(before, ==, "");
    g_assert_cmpstr(target, ==, "c1-id");
    g_assert_cmpstr(origin, ==, "c1-id");
}

static void test_reset_of_what_is_gone(Fixture *f, const void *unused)
{
    add_reset(f, "gone", "new", "old");
    g_autofree char *target = users(f, "new");

    g_assert_cmpstr(target, ==, "");
}

/* Two of one second, in different places: stamps are used once on a server. */
static void test_stamps(Fixture *f, const void *unused)
{
    static const char *const places[] = {"pool", "other", "pool/branch/main/c1/r0"};
    g_autoptr(GHashTable) stamps = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
        g_autoptr(Snapshot) snapshot = snapshot_new();

        snapshot->uid = g_strdup_printf("s%zu", i);
        snapshot->data_state_at_ms = 5000;
        must(snapshot_insert(f->store, snapshot, places[i]));
        g_assert_true(g_str_has_prefix(snapshot->id, places[i]));
        g_assert_true(g_hash_table_add(stamps, g_strdup(strchr(snapshot->id, '@'))));
        g_assert_cmpint(snapshot->data_state_at_ms, ==, 5000 + (int64_t)i * 1000);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/snapshot/reset-holds", Fixture, NULL, set_up, test_reset_holds, tear_down);
    g_test_add("/snapshot/reset-of-what-is-gone", Fixture, NULL, set_up, test_reset_of_what_is_gone,
               tear_down);
    g_test_add("/snapshot/stamps", Fixture, NULL, set_up, test_stamps, tear_down);
    return g_test_run();
}

/*
 * Clones: fields, keys, and the moves between states.
 */
#include "store/clone.h"

#include "fixture.h"

static Clone *get_clone(const Fixture *f, const char *uid)
{
    Clone *clone = NULL;

    assert_ok(store_get_clone_by_uid(f->store, uid, &clone));
    return clone;
}

static Clone *full_clone(void)
{
    Clone *clone = fixture_clone("c1", 6000);

    clone->state = CLONE_OK;
    clone->message = g_strdup("ready");
    clone->pool = g_strdup("pool");
    clone->volume = g_strdup("volume");
    clone->branch = g_strdup("main");
    clone->revision = 3;
    clone->db_user = g_strdup("user \"quoted\"");
    clone->db_secret = g_strdup("SCRAM-SHA-256$4096:…");
    clone->db_name = g_strdup("Datenbank ä");
    clone->is_restricted = true;
    clone->extra_conf = g_strdup("{\"a\": 'b'}");
    clone->is_protected = true;
    clone->protected_till_ms = INT64_MAX;
    clone->created_at_ms = 1;
    clone->started_at_ms = 2;
    clone->cloning_time_s = 0.087;
    return clone;
}

static void assert_same(const Clone *a, const Clone *b)
{
    g_assert_cmpstr(a->uid, ==, b->uid);
    g_assert_cmpstr(a->id, ==, b->id);
    g_assert_cmpint(a->state, ==, b->state);
    g_assert_cmpstr(a->message, ==, b->message);
    g_assert_cmpstr(a->snapshot_uid, ==, b->snapshot_uid);
    g_assert_cmpstr(a->pool, ==, b->pool);
    g_assert_cmpstr(a->volume, ==, b->volume);
    g_assert_cmpstr(a->branch, ==, b->branch);
    g_assert_cmpint(a->revision, ==, b->revision);
    g_assert_cmpint(a->port, ==, b->port);
    g_assert_cmpstr(a->db_user, ==, b->db_user);
    g_assert_cmpstr(a->db_secret, ==, b->db_secret);
    g_assert_cmpstr(a->db_name, ==, b->db_name);
    g_assert_cmpint(a->is_restricted, ==, b->is_restricted);
    g_assert_cmpstr(a->extra_conf, ==, b->extra_conf);
    g_assert_cmpint(a->is_protected, ==, b->is_protected);
    g_assert_cmpint(a->protected_till_ms, ==, b->protected_till_ms);
    g_assert_cmpint(a->created_at_ms, ==, b->created_at_ms);
    g_assert_cmpint(a->started_at_ms, ==, b->started_at_ms);
    g_assert_cmpfloat(a->cloning_time_s, ==, b->cloning_time_s);
}

static void test_insert_get(Fixture *f, const void *unused)
{
    g_autoptr(Clone) clone = full_clone();
    g_autoptr(Clone) by_uid = NULL;
    g_autoptr(Clone) by_id = NULL;

    fixture_add_snapshot(f, "s1");
    assert_ok(store_insert_clone(f->store, clone));
    by_uid = get_clone(f, "c1");
    assert_same(by_uid, clone);
    assert_ok(store_get_clone(f->store, "c1-id", &by_id));
    assert_same(by_id, clone);
    clone_free(NULL);
}

static void test_unset_text(Fixture *f, const void *unused)
{
    g_autoptr(Clone) clone = NULL;

    fixture_add_snapshot(f, "s1");
    assert_ok(fixture_add_clone(f, "c1", 6000));
    clone = get_clone(f, "c1");
    g_assert_cmpstr(clone->message, ==, "");
    g_assert_cmpstr(clone->extra_conf, ==, "");
}

static void test_not_found(Fixture *f, const void *unused)
{
    g_autoptr(Clone) clone = fixture_clone("c1", 6000);
    Clone *untouched = clone;

    assert_error(store_get_clone(f->store, "c1", &untouched), ERR_NOT_FOUND, "clone not found");
    assert_error(store_get_clone_by_uid(f->store, "c1", &untouched), ERR_NOT_FOUND,
                 "clone not found");
    g_assert_true(untouched == clone);
    assert_error(store_insert_clone(f->store, clone), ERR_NOT_FOUND, "no snapshot found");
    assert_error(store_set_clone_limits(f->store, "c1", "{}"), ERR_NOT_FOUND, "clone not found");
    assert_error(store_move_clone(f->store, "c1", CLONE_IN(OK), CLONE_OK, ""), ERR_NOT_FOUND,
                 "clone not found");
    assert_ok(store_delete_clone(f->store, "c1"));
}

static void test_conflict(Fixture *f, const void *unused)
{
    g_autoptr(Clone) same_id = fixture_clone("c3", 6003);

    fixture_add_snapshot(f, "s1");
    assert_ok(fixture_add_clone(f, "c1", 6001));
    assert_error(fixture_add_clone(f, "c2", 6001), ERR_CONFLICT,
                 "port 6001 is taken by another clone");
    g_free(same_id->id);
    same_id->id = g_strdup("c1-id");
    assert_error(store_insert_clone(f->store, same_id), ERR_CONFLICT,
                 "clone with ID \"c1-id\" already exists");

    assert_ok(fixture_add_clone(f, "c4", 0)); /* no port yet: any number of them */
    assert_ok(fixture_add_clone(f, "c5", 0));
}

/* Each change writes what it names, and nothing else. */
static void test_changes(Fixture *f, const void *unused)
{
    g_autoptr(Clone) expected = full_clone();
    g_autoptr(Clone) read = NULL;

    fixture_add_snapshot(f, "s1");
    fixture_add_snapshot(f, "s2");
    assert_ok(store_insert_clone(f->store, expected));

    expected->snapshot_uid[1] = '2';
    expected->volume[0] = 'V';
    expected->is_protected = false;
    expected->protected_till_ms = 0;
    expected->started_at_ms = 77;
    expected->cloning_time_s = 1.5;
    expected->message[0] = 'R';
    assert_ok(store_set_clone_volume(f->store, "c1", "pool", "Volume", "s2"));
    assert_ok(store_set_clone_protection(f->store, "c1", false, 0));
    assert_ok(store_start_clone(f->store, "c1", 77, 1.5));
    assert_ok(store_start_clone(f->store, "c1", 77, -1));
    assert_ok(store_set_clone_message(f->store, "c1", "Ready"));
    assert_ok(store_set_clone_limits(f->store, "c1", "{\"cpus\": 1}"));
    assert_ok(store_set_clone_reset_error(f->store, "c1", "no room"));
    read = get_clone(f, "c1");
    assert_same(read, expected);
    g_assert_cmpstr(read->limits, ==, "{\"cpus\": 1}");
    g_assert_cmpstr(read->reset_error, ==, "no room");

    assert_error(store_set_clone_volume(f->store, "c1", "pool", "v", "s3"), ERR_NOT_FOUND,
                 "no snapshot found");
}

static void test_wanted(Fixture *f, const void *unused)
{
    static const struct {
        CloneState state;
        const char *reset_error;
        CloneWanted wanted;
    } cases[] = {
        {CLONE_CREATING, "", CLONE_WANTED_REST},        {CLONE_OK, "", CLONE_WANTED_RUN},
        {CLONE_RESETTING, "", CLONE_WANTED_SWAP},       {CLONE_DELETING, "", CLONE_WANTED_GONE},
        {CLONE_FATAL, "", CLONE_WANTED_REST},           {CLONE_FATAL, "no room", CLONE_WANTED_RUN},
        {CLONE_DELETING, "no room", CLONE_WANTED_GONE},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Clone) clone = full_clone();

        clone->state = cases[i].state;
        g_free(clone->reset_error);
        clone->reset_error = g_strdup(cases[i].reset_error);
        g_assert_cmpint(clone_wanted(clone), ==, cases[i].wanted);
    }
}

/* Every pair of states, so that a change of the table is a change of this test. */
static void test_moves(Fixture *f, const void *unused)
{
    static const char *const allowed[] = {
        "CREATING OK",        "CREATING DELETING", "CREATING FATAL",  "OK OK",
        "OK RESETTING",       "OK DELETING",       "OK FATAL",        "RESETTING OK",
        "RESETTING DELETING", "DELETING FATAL",    "RESETTING FATAL", "FATAL OK",
        "FATAL RESETTING",    "FATAL DELETING",    "FATAL FATAL",     NULL,
    };

    fixture_add_snapshot(f, "s1");
    for (unsigned from = CLONE_CREATING; from <= CLONE_FATAL; from++) {
        for (unsigned to = CLONE_CREATING; to <= CLONE_FATAL; to++) {
            g_autoptr(Clone) clone = fixture_clone("c1", 6000);
            g_autofree char *move =
                g_strdup_printf("%s %s", clone_state_name(from), clone_state_name(to));
            g_autofree char *refusal =
                g_strdup_printf("clone \"c1-id\" is %s and cannot become %s",
                                clone_state_name(from), clone_state_name(to));
            Error *e;

            clone->state = from;
            assert_ok(store_insert_clone(f->store, clone));
            assert_error(store_move_clone(f->store, "c1", ~(1u << from), to, "why"), ERR_CONFLICT,
                         refusal); /* not expected there */
            e = store_move_clone(f->store, "c1", 1u << from, to, "why");
            if (g_strv_contains(allowed, move))
                assert_ok(e);
            else
                assert_error(e, ERR_CONFLICT, refusal);
            assert_ok(store_delete_clone(f->store, "c1"));
        }
    }
}

static void test_move_message(Fixture *f, const void *unused)
{
    g_autoptr(Clone) fatal = NULL;
    g_autoptr(Clone) ok = NULL;

    fixture_add_snapshot(f, "s1");
    assert_ok(fixture_add_clone(f, "c1", 6000));
    assert_ok(store_move_clone(f->store, "c1", CLONE_IN(CREATING), CLONE_FATAL, "disk on fire"));
    fatal = get_clone(f, "c1");
    g_assert_cmpint(fatal->state, ==, CLONE_FATAL);
    g_assert_cmpstr(fatal->message, ==, "disk on fire");
    assert_ok(store_move_clone(f->store, "c1", CLONE_IN(FATAL), CLONE_OK, NULL));
    ok = get_clone(f, "c1");
    g_assert_cmpint(ok->state, ==, CLONE_OK);
    g_assert_cmpstr(ok->message, ==, "");
}

static void test_list(Fixture *f, const void *unused)
{
    g_autoptr(GPtrArray) none = NULL;
    g_autoptr(GPtrArray) clones = NULL;

    assert_ok(store_list_clones(f->store, &none));
    g_assert_cmpuint(none->len, ==, 0);

    fixture_add_snapshot(f, "s1");
    for (int i = 0; i < 1000; i++) {
        g_autofree char *uid = g_strdup_printf("c%d", i);
        g_autoptr(Clone) clone = fixture_clone(uid, 6000 + i);

        clone->created_at_ms = (i * 7919) % 1000; /* a permutation */
        assert_ok(store_insert_clone(f->store, clone));
    }
    assert_ok(store_list_clones(f->store, &clones));
    g_assert_cmpuint(clones->len, ==, 1000);
    for (unsigned i = 0; i < clones->len; i++)
        g_assert_cmpint(((Clone *)clones->pdata[i])->created_at_ms, ==, 999 - i);
}

static void test_delete(Fixture *f, const void *unused)
{
    Clone *clone = NULL;

    fixture_add_snapshot(f, "s1");
    assert_ok(fixture_add_clone(f, "c1", 6000));
    assert_ok(store_delete_clone(f->store, "c1"));
    assert_error(store_get_clone_by_uid(f->store, "c1", &clone), ERR_NOT_FOUND, "clone not found");
    assert_ok(fixture_add_clone(f, "c1", 6000)); /* id and port are free again */
}

static void test_rolled_back(Fixture *f, const void *unused)
{
    Clone *clone = NULL;
    StoreTransaction *tx = NULL;

    fixture_add_snapshot(f, "s1");
    assert_ok(store_begin(f->store, STORE_DURABLE, &tx));
    assert_ok(fixture_add_clone(f, "c1", 6000));
    assert_ok(store_move_clone(f->store, "c1", CLONE_IN(CREATING), CLONE_OK, ""));
    store_rollback(tx);
    assert_error(store_get_clone(f->store, "c1-id", &clone), ERR_NOT_FOUND, "clone not found");
}

static void test_volume(Fixture *f, const void *unused)
{
    g_autoptr(Clone) clone = full_clone();
    bool is = true;

    fixture_add_snapshot(f, "s1");
    assert_ok(store_is_clone_volume(f->store, "pool", "volume", &is));
    g_assert_false(is);
    assert_ok(store_insert_clone(f->store, clone));
    assert_ok(store_is_clone_volume(f->store, "pool", "volume", &is));
    g_assert_true(is);
    assert_ok(store_is_clone_volume(f->store, "other", "volume", &is));
    g_assert_false(is);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fixture_test("/store/clone/insert-get", test_insert_get);
    fixture_test("/store/clone/unset-text", test_unset_text);
    fixture_test("/store/clone/not-found", test_not_found);
    fixture_test("/store/clone/conflict", test_conflict);
    fixture_test("/store/clone/changes", test_changes);
    fixture_test("/store/clone/wanted", test_wanted);
    fixture_test("/store/clone/moves", test_moves);
    fixture_test("/store/clone/move-message", test_move_message);
    fixture_test("/store/clone/list", test_list);
    fixture_test("/store/clone/delete", test_delete);
    fixture_test("/store/clone/rolled-back", test_rolled_back);
    fixture_test("/store/clone/volume", test_volume);
    return g_test_run();
}

/*
 * A store in a directory of its own for each test, and checks of errors.
 */
#pragma once

#include "base/fs.h"
#include "store/clone.h"
#include "store/snapshot.h"
#include "store/store.h"

typedef struct Fixture {
    char *dir;
    Store *store;
} Fixture;

static inline void assert_ok(Error *e)
{
    if (e)
        g_error("unexpected error: %s (%s)", e->message, e->detail ? e->detail : "-");
}

/* The error has this code and message, or a message that ends so after "…"; it is freed. */
static inline void assert_error(Error *e, ErrorCode code, const char *message)
{
    g_autoptr(Error) owned = e;

    g_assert_nonnull(e);
    g_assert_cmpstr(error_code_name(e->code), ==, error_code_name(code));
    if (g_str_has_prefix(message, "…"))
        g_assert_true(g_str_has_suffix(e->message, message + strlen("…")));
    else
        g_assert_cmpstr(e->message, ==, message);
}

/* The same, and it has a hint. */
static inline void assert_hinted(Error *e, ErrorCode code, const char *message)
{
    g_assert_nonnull(e);
    g_assert_nonnull(e->hint);
    assert_error(e, code, message);
}

static inline void fixture_open(Fixture *f, StoreMode mode)
{
    assert_ok(store_open(f->dir, mode, &f->store));
}

static inline void fixture_close(Fixture *f)
{
    store_close(g_steal_pointer(&f->store));
}

static inline void fixture_make_dir(Fixture *f, const void *unused)
{
    f->dir = g_dir_make_tmp("ramet-store-XXXXXX", NULL);
    g_assert_nonnull(f->dir);
}

static inline void fixture_set_up(Fixture *f, const void *unused)
{
    fixture_make_dir(f, NULL);
    fixture_open(f, STORE_READ_WRITE);
}

static inline void fixture_tear_down(Fixture *f, const void *unused)
{
    fixture_close(f);
    assert_ok(fs_remove_tree(f->dir));
    g_free(f->dir);
}

/* A snapshot "<uid>-id" on branch main, ready, of data state and creation at that moment. */
static inline Snapshot *fixture_snapshot(const char *uid, int64_t at_ms)
{
    Snapshot *snapshot = snapshot_new();

    snapshot->uid = g_strdup(uid);
    snapshot->id = g_strdup_printf("%s-id", uid);
    snapshot->branch = g_strdup("main");
    snapshot->data_state_at_ms = at_ms;
    snapshot->created_at_ms = at_ms;
    snapshot->is_ready = true;
    return snapshot;
}

static inline void fixture_add_snapshot(Fixture *f, const char *uid)
{
    g_autoptr(Snapshot) snapshot = fixture_snapshot(uid, 1000);

    assert_ok(store_insert_snapshot(f->store, snapshot));
}

/* A clone "<uid>-id" of snapshot "s1". */
static inline Clone *fixture_clone(const char *uid, int64_t port)
{
    Clone *clone = clone_new();

    clone->uid = g_strdup(uid);
    clone->id = g_strdup_printf("%s-id", uid);
    clone->snapshot_uid = g_strdup("s1");
    clone->port = port;
    return clone;
}

static inline Error *fixture_add_clone(Fixture *f, const char *uid, int64_t port)
{
    g_autoptr(Clone) clone = fixture_clone(uid, port);

    return store_insert_clone(f->store, clone);
}

#define fixture_test(path, test)                                                                   \
    g_test_add(path, Fixture, NULL, fixture_set_up, test, fixture_tear_down)

/* For tests that open the store themselves. */
#define fixture_dir_test(path, test)                                                               \
    g_test_add(path, Fixture, NULL, fixture_make_dir, test, fixture_tear_down)

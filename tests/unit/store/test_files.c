/*
 * The store's files under an open store: deleted ones are written anew with all that was committed,
 * and another database in their place is left as it is.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "fixture.h"
#include "store/db.h"

static char *path_of(const Fixture *f, const char *name)
{
    return g_build_filename(f->dir, name, NULL);
}

static void lose(const Fixture *f, const char *name)
{
    g_autofree char *path = path_of(f, name);

    g_assert_cmpint(unlink(path), ==, 0);
}

static Error *set_durably(Store *store, const char *name, const char *value)
{
    g_autoptr(StoreTransaction) tx = NULL;

    TRY(store_begin(store, STORE_DURABLE, &tx));
    TRY(store_set_fact(store, name, value));
    return store_commit(&tx);
}

static void assert_fact(Store *store, const char *name, const char *expected)
{
    g_autofree char *value = NULL;

    assert_ok(store_get_fact(store, name, &value));
    g_assert_cmpstr(value, ==, expected);
}

/* What another process, and the next server, would see. */
static void assert_on_disk(const Fixture *f, const char *name, const char *expected)
{
    g_autoptr(Store) reader = NULL;

    assert_ok(store_open(f->dir, STORE_READ_ONLY, &reader));
    g_assert_null(store_refusal(reader));
    assert_fact(reader, name, expected);
}

static unsigned rescues(const Fixture *f)
{
    unsigned n = 0;

    assert_ok(store_look(f->store, &n));
    return n;
}

static const char *const losses[][4] = {
    {"ramet.db"},
    {"ramet.db-wal"},
    {"ramet.db-shm"},
    {"ramet.db", "ramet.db-wal", "ramet.db-shm"},
};

/* Noticed before the next durable change is begun. */
static void test_deleted(Fixture *f, const void *unused)
{
    for (size_t i = 0; i < G_N_ELEMENTS(losses); i++) {
        g_autofree char *value = g_strdup_printf("%zu", i);

        assert_ok(set_durably(f->store, "before", value));
        for (size_t j = 0; losses[i][j]; j++)
            lose(f, losses[i][j]);
        assert_ok(set_durably(f->store, "after", value));
        g_assert_cmpuint(rescues(f), ==, i + 1);
        assert_on_disk(f, "before", value);
        assert_on_disk(f, "after", value);
    }
    fixture_close(f);
    fixture_open(f, STORE_READ_WRITE);
    assert_fact(f->store, "after", "3");
}

/* Deleted inside of a transaction: before its commit is told. */
static void test_deleted_in_transaction(Fixture *f, const void *unused)
{
    StoreTransaction *tx = NULL;

    assert_ok(store_begin(f->store, STORE_DURABLE, &tx));
    assert_ok(store_set_fact(f->store, "told", "yes"));
    lose(f, "ramet.db");
    lose(f, "ramet.db-wal");
    assert_ok(store_commit(&tx));
    assert_on_disk(f, "told", "yes");
}

/* Without any change, by the look that is taken every second. */
static void test_look(Fixture *f, const void *unused)
{
    assert_ok(set_durably(f->store, "told", "yes"));
    g_assert_cmpuint(rescues(f), ==, 0);
    lose(f, "ramet.db");
    g_assert_cmpuint(rescues(f), ==, 1);
    assert_on_disk(f, "told", "yes");
}

static void test_nowhere_to_write(Fixture *f, const void *unused)
{
    g_autofree char *away = g_strconcat(f->dir, ".away", NULL);
    unsigned n = 0;

    g_assert_cmpint(rename(f->dir, away), ==, 0);
    assert_hinted(set_durably(f->store, "a", "b"), ERR_EXTERNAL, "…: No such file or directory");
    error_free(store_look(f->store, &n));
    g_assert_cmpuint(n, ==, 0);
    g_assert_cmpint(rename(away, f->dir), ==, 0);
}

/* It went to a file that is gone: who asked is not told that it is done. */
static void test_nowhere_to_write_in_transaction(Fixture *f, const void *unused)
{
    g_autofree char *away = g_strconcat(f->dir, ".away", NULL);
    g_autoptr(Error) refusal = NULL;
    StoreTransaction *tx = NULL;

    assert_ok(store_begin(f->store, STORE_DURABLE, &tx));
    assert_ok(store_set_fact(f->store, "told", "yes"));
    g_assert_cmpint(rename(f->dir, away), ==, 0);
    assert_hinted(store_commit(&tx), ERR_EXTERNAL, "…: No such file or directory");
    refusal = store_refusal(f->store);
    g_assert_nonnull(refusal);
    g_assert_cmpint(rename(away, f->dir), ==, 0);
}

static char *make_other_database(const Fixture *f)
{
    g_autofree char *dir = path_of(f, "other");
    g_autoptr(Store) other = NULL;

    assert_ok(fs_make_dir(dir, 0700, NULL));
    assert_ok(store_open(dir, STORE_READ_WRITE, &other));
    assert_ok(set_durably(other, "whose", "another's"));
    return g_build_filename(dir, "ramet.db", NULL);
}

static char *put_in_its_place(const Fixture *f, const char *from)
{
    char *to = path_of(f, "ramet.db");

    g_assert_cmpint(rename(from, to), ==, 0);
    return to;
}

static char *other_database(const Fixture *f)
{
    g_autofree char *from = make_other_database(f);

    return put_in_its_place(f, from);
}

/* Neither is lost: what the server knows is saved beside the other one. */
static void test_replaced(Fixture *f, const void *unused)
{
    g_autofree char *saved_dir = path_of(f, "saved");
    g_autofree char *saved = path_of(f, "ramet.db.saved");
    g_autofree char *moved = g_build_filename(saved_dir, "ramet.db", NULL);
    g_autoptr(Store) reader = NULL;

    assert_ok(set_durably(f->store, "whose", "ours"));

    g_autofree char *path = other_database(f);
    struct stat before, after;

    g_assert_cmpint(stat(path, &before), ==, 0);
    assert_hinted(set_durably(f->store, "whose", "x"), ERR_EXTERNAL,
                  "…has another ramet.db in its place");
    assert_fact(f->store, "whose", "ours"); /* still read */
    fixture_close(f);
    g_assert_cmpint(stat(path, &after), ==, 0);
    g_assert_cmpuint(before.st_ino, ==, after.st_ino);
    assert_on_disk(f, "whose", "another's"); /* our -wal was not read into it */

    assert_ok(fs_make_dir(saved_dir, 0700, NULL));
    g_assert_cmpint(rename(saved, moved), ==, 0);
    assert_ok(store_open(saved_dir, STORE_READ_ONLY, &reader));
    assert_fact(reader, "whose", "ours");
}

static void test_replaced_in_transaction(Fixture *f, const void *unused)
{
    g_autofree char *other = make_other_database(f);
    StoreTransaction *tx = NULL;

    assert_ok(store_begin(f->store, STORE_DURABLE, &tx));
    assert_ok(store_set_fact(f->store, "told", "yes"));
    g_free(put_in_its_place(f, other));
    assert_hinted(store_commit(&tx), ERR_EXTERNAL, "…has another ramet.db in its place");
}

/* --- a database of another program --- */

static void test_foreign(Fixture *f, const void *unused)
{
    static const char *const scripts[] = {
        "CREATE TABLE moz_places (id INTEGER PRIMARY KEY)",
        "CREATE TABLE fact (name TEXT); PRAGMA user_version = 2",
        "PRAGMA application_id = 12345",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(scripts); i++) {
        g_autofree char *path = path_of(f, "ramet.db");
        Db *db = NULL;

        assert_ok(fs_remove(path));
        assert_ok(db_open(path, STORE_READ_WRITE, &db));
        assert_ok(db_script(db, scripts[i]));
        db_close(db);
        for (unsigned mode = STORE_READ_WRITE; mode <= STORE_READ_ONLY; mode++)
            assert_hinted(store_open(f->dir, mode, &f->store), ERR_EXTERNAL,
                          "the database is not a store of Ramet");
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fixture_test("/store/files/deleted", test_deleted);
    fixture_test("/store/files/deleted_in_transaction", test_deleted_in_transaction);
    fixture_test("/store/files/look", test_look);
    fixture_test("/store/files/nowhere", test_nowhere_to_write);
    fixture_test("/store/files/nowhere_in_transaction", test_nowhere_to_write_in_transaction);
    fixture_test("/store/files/replaced", test_replaced);
    fixture_test("/store/files/replaced_in_transaction", test_replaced_in_transaction);
    fixture_dir_test("/store/files/foreign", test_foreign);
    return g_test_run();
}

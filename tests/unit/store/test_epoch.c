/*
 * The epoch: it grows with each durable commit, and a store that is older than a witness refuses all
 * changes: with its -wal cut, overwritten, with one byte flipped, or gone; with a backup in its place.
 */
#include "store/epoch.h"

#include <string.h>

#include "base/number_file.h"
#include "fixture.h"

typedef struct Copy {
    char *bytes;
    gsize size;
} Copy;

static char *path_of(const Fixture *f, const char *name)
{
    return g_build_filename(f->dir, name, NULL);
}

static Copy copy_of(const Fixture *f, const char *name)
{
    g_autofree char *path = path_of(f, name);
    Copy copy = {0};

    g_assert_true(g_file_get_contents(path, &copy.bytes, &copy.size, NULL));
    return copy;
}

static void put(const Fixture *f, const char *name, const Copy *copy)
{
    g_autofree char *path = path_of(f, name);

    g_assert_true(g_file_set_contents(path, copy->bytes, (gssize)copy->size, NULL));
}

static void set_durably(Fixture *f, const char *name, const char *value)
{
    g_autoptr(StoreTransaction) tx = NULL;

    assert_ok(store_begin(f->store, STORE_DURABLE, &tx));
    assert_ok(store_set_fact(f->store, name, value));
    assert_ok(store_commit(&tx));
}

static int64_t epoch_of(const Fixture *f)
{
    int64_t epoch = -1;

    assert_ok(store_get_epoch(f->store, &epoch));
    return epoch;
}

static void assert_takes_changes(Fixture *f)
{
    g_assert_null(store_refusal(f->store));
    set_durably(f, "a", "b");
}

static void assert_refuses(Fixture *f)
{
    g_autoptr(Error) why = store_refusal(f->store);
    g_autofree char *value = NULL;
    StoreTransaction *tx = NULL;

    g_assert_nonnull(why);
    g_assert_nonnull(strstr(why->message, "is older than it was"));
    g_assert_nonnull(why->hint);
    assert_hinted(store_begin(f->store, STORE_DURABLE, &tx), ERR_EXTERNAL, why->message);
    assert_hinted(store_set_fact(f->store, "a", "c"), ERR_EXTERNAL, why->message);
    assert_ok(store_begin(f->store, STORE_QUICK, &tx));
    assert_hinted(store_set_fact(f->store, "a", "c"), ERR_EXTERNAL, why->message);
    store_rollback(tx);
    assert_ok(store_get_fact(f->store, "a", &value)); /* it can be read */
}

static void test_grows(Fixture *f, const void *unused)
{
    g_autofree char *path = path_of(f, "ramet.epoch");
    int64_t begin = epoch_of(f), seen = 0;

    set_durably(f, "a", "b");
    set_durably(f, "a", "c");
    assert_ok(store_set_fact(f->store, "a", "d")); /* quick ones may be lost with the power */
    g_assert_cmpint(epoch_of(f), ==, begin + 2);
    assert_ok(number_file_read(path, &seen));
    g_assert_cmpint(seen, ==, begin + 2);
}

/* A transaction that is rolled back was none. */
static void test_rolled_back(Fixture *f, const void *unused)
{
    int64_t begin = epoch_of(f);
    StoreTransaction *tx = NULL;

    assert_ok(store_begin(f->store, STORE_DURABLE, &tx));
    store_rollback(tx);
    g_assert_cmpint(epoch_of(f), ==, begin);
}

/* --- what a killed server leaves, damaged --- */

typedef struct Damage {
    const char *what;
    void (*do_it)(Copy *wal);
} Damage;

static void damage_cut(Copy *wal)
{
    wal->size /= 2;
}

static void damage_empty(Copy *wal)
{
    wal->size = 0;
}

static void damage_overwrite(Copy *wal)
{
    memset(wal->bytes, 'x', wal->size);
}

static void damage_header(Copy *wal)
{
    wal->bytes[20] ^= 1;
}

/* In the first frame: all after it is lost. */
static void damage_first(Copy *wal)
{
    wal->bytes[100] ^= 1;
}

static void damage_middle(Copy *wal)
{
    wal->bytes[wal->size / 2] ^= 1;
}

/* In the last frame, of the commit that was just told. */
static void damage_last(Copy *wal)
{
    wal->bytes[wal->size - 100] ^= 1;
}

static const Damage damages[] = {
    {"cut", damage_cut},       {"empty", damage_empty}, {"overwritten", damage_overwrite},
    {"header", damage_header}, {"first", damage_first}, {"middle", damage_middle},
    {"last", damage_last},
};

/* The server is killed with its -wal as it is: the files are copied away under it, and put back. */
static void test_damaged_wal(Fixture *f, const void *unused)
{
    for (size_t i = 0; i < G_N_ELEMENTS(damages); i++) {
        g_test_message("%s", damages[i].what);
        fixture_open(f, STORE_READ_WRITE);
        set_durably(f, "a", "b");
        set_durably(f, "a", "told");

        Copy db = copy_of(f, "ramet.db"), wal = copy_of(f, "ramet.db-wal");
        Copy seen = copy_of(f, "ramet.epoch"), whole = wal;

        fixture_close(f);
        whole.bytes = g_memdup2(wal.bytes, wal.size);
        damages[i].do_it(&wal);
        put(f, "ramet.db", &db);
        put(f, "ramet.db-wal", &wal);
        put(f, "ramet.epoch", &seen);
        fixture_open(f, STORE_READ_WRITE);
        assert_refuses(f);
        fixture_close(f);

        put(f, "ramet.db", &db); /* the right ones are found */
        put(f, "ramet.db-wal", &whole);
        fixture_open(f, STORE_READ_WRITE);
        assert_takes_changes(f);
        fixture_close(f);
        g_free(db.bytes);
        g_free(wal.bytes);
        g_free(whole.bytes);
        g_free(seen.bytes);
    }
}

static void test_backup(Fixture *f, const void *unused)
{
    fixture_open(f, STORE_READ_WRITE);
    set_durably(f, "a", "b");
    fixture_close(f);

    Copy db = copy_of(f, "ramet.db");

    fixture_open(f, STORE_READ_WRITE);
    set_durably(f, "a", "c");
    fixture_close(f);
    put(f, "ramet.db", &db);
    fixture_open(f, STORE_READ_ONLY); /* the doctor's */
    assert_refuses(f);
    fixture_close(f);
    fixture_open(f, STORE_READ_WRITE);
    assert_refuses(f);
    fixture_close(f);

    assert_ok(store_accept(f->dir));
    fixture_open(f, STORE_READ_WRITE);
    assert_takes_changes(f);
    g_free(db.bytes);
}

/* The whole state directory is of yesterday: a pool that has seen more says so. */
static void test_other_witness(Fixture *f, const void *unused)
{
    set_durably(f, "a", "b");

    int64_t epoch = epoch_of(f);

    assert_ok(store_heed(f->store, "pool \"p\"", epoch));
    assert_takes_changes(f);
    assert_ok(store_heed(f->store, "pool \"p\"", epoch + 2));
    assert_refuses(f);
    assert_ok(store_heed(f->store, "pool \"q\"", epoch + 3)); /* the first to say so is named */

    g_autoptr(Error) why = store_refusal(f->store);

    g_assert_nonnull(strstr(why->message, "pool \"p\" has seen"));
}

static void test_accept_outdoes_witnesses(Fixture *f, const void *unused)
{
    fixture_open(f, STORE_READ_WRITE);
    set_durably(f, "a", "b");

    int64_t away = epoch_of(f) + 1000000;

    fixture_close(f);
    assert_ok(store_accept(f->dir));
    fixture_open(f, STORE_READ_WRITE);
    assert_ok(store_heed(f->store, "a pool that was away", away));
    assert_takes_changes(f);
}

/* There and back again: the one that was accepted last is the truth. */
static void test_accept_again(Fixture *f, const void *unused)
{
    fixture_open(f, STORE_READ_WRITE);
    set_durably(f, "a", "b");
    fixture_close(f);

    Copy first = copy_of(f, "ramet.db");

    assert_ok(store_accept(f->dir));
    fixture_open(f, STORE_READ_WRITE);
    set_durably(f, "a", "c");

    int64_t seen = epoch_of(f);

    fixture_close(f);
    put(f, "ramet.db", &first);
    assert_ok(store_accept(f->dir));
    fixture_open(f, STORE_READ_WRITE);
    assert_ok(store_heed(f->store, "pool \"p\"", seen));
    assert_takes_changes(f);
    g_free(first.bytes);
}

static void test_missing(Fixture *f, const void *unused)
{
    static const char *const names[] = {"ramet.db", "ramet.db-wal", "ramet.db-shm"};
    g_autofree char *value = NULL;

    fixture_open(f, STORE_READ_WRITE);
    set_durably(f, "a", "b");
    fixture_close(f);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = path_of(f, names[i]);

        assert_ok(fs_remove(path));
    }
    for (unsigned mode = STORE_READ_WRITE; mode <= STORE_READ_ONLY; mode++) {
        g_autoptr(Error) e = store_open(f->dir, mode, &f->store);

        g_assert_nonnull(e);
        g_assert_cmpint(e->code, ==, ERR_EXTERNAL);
        g_assert_nonnull(strstr(e->message, "is missing"));
        g_assert_nonnull(strstr(e->hint, "store accept"));
    }
    assert_ok(store_accept(f->dir));
    fixture_open(f, STORE_READ_WRITE);
    assert_ok(store_get_fact(f->store, "a", &value));
    g_assert_null(value);
    assert_takes_changes(f);
}

/* A power cut may leave the witness older, empty or gone: the store is right then. */
static void test_witness_lost(Fixture *f, const void *unused)
{
    static const char *const texts[] = {"", "00000000000000000001\n", "x"};
    g_autofree char *path = path_of(f, "ramet.epoch");

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        fixture_open(f, STORE_READ_WRITE);
        set_durably(f, "a", "b");
        fixture_close(f);
        assert_ok(fs_write_file(path, texts[i], NULL));
        fixture_open(f, STORE_READ_WRITE);
        assert_takes_changes(f);
        fixture_close(f);
    }
    assert_ok(fs_remove(path));
    fixture_open(f, STORE_READ_WRITE);
    assert_takes_changes(f);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fixture_test("/store/epoch/grows", test_grows);
    fixture_test("/store/epoch/rolled_back", test_rolled_back);
    fixture_dir_test("/store/epoch/damaged_wal", test_damaged_wal);
    fixture_dir_test("/store/epoch/backup", test_backup);
    fixture_test("/store/epoch/other_witness", test_other_witness);
    fixture_dir_test("/store/epoch/accept", test_accept_outdoes_witnesses);
    fixture_dir_test("/store/epoch/accept_again", test_accept_again);
    fixture_dir_test("/store/epoch/missing", test_missing);
    fixture_dir_test("/store/epoch/witness_lost", test_witness_lost);
    return g_test_run();
}

/*
 * The store as a file: opening, transactions, threads, crashes.
 */
#include "store/store.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/outside.h"
#include "base/proc.h"
#include "fixture.h"
#include "store/db.h"

static void assert_fact(Store *store, const char *name, const char *expected)
{
    g_autofree char *value = NULL;

    assert_ok(store_get_fact(store, name, &value));
    g_assert_cmpstr(value, ==, expected);
}

static void set_fact(Store *store, const char *name, const char *value)
{
    assert_ok(store_set_fact(store, name, value));
}

/* --- opening --- */

static void test_facts(Fixture *f, const void *unused)
{
    assert_fact(f->store, "instance_id", NULL);
    set_fact(f->store, "instance_id", "a");
    set_fact(f->store, "instance_id", "b");
    assert_fact(f->store, "instance_id", "b");
    fixture_close(f);
    fixture_open(f, STORE_READ_WRITE);
    assert_fact(f->store, "instance_id", "b");
}

static void test_private(Fixture *f, const void *unused)
{
    static const char *const names[] = {"ramet.db", "ramet.db-wal", "ramet.db-shm", "ramet.lock"};

    set_fact(f->store, "a", "b");
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(f->dir, names[i], NULL);
        struct stat st;

        g_assert_cmpint(stat(path, &st), ==, 0);
        g_assert_cmpint(st.st_mode & 0777, ==, 0600);
    }
}

static void test_second_opener(Fixture *f, const void *unused)
{
    g_autofree char *hint = g_strdup_printf("Stop process %d first, ", getpid());
    g_autoptr(Store) second = NULL;
    g_autoptr(Error) e = store_open(f->dir, STORE_READ_WRITE, &second);

    g_assert_nonnull(e);
    g_assert_cmpint(e->code, ==, ERR_CONFLICT);
    g_assert_true(g_str_has_prefix(e->hint, hint));
    g_assert_null(second);

    fixture_close(f);
    fixture_open(f, STORE_READ_WRITE);
}

static void test_shared(Fixture *f, const void *unused)
{
    g_autoptr(Store) shared = NULL;

    assert_ok(store_open(f->dir, STORE_SHARED, &shared));
    set_fact(shared, "from", "shared");
    assert_fact(f->store, "from", "shared");
    set_fact(f->store, "from", "server");
    assert_fact(shared, "from", "server");
}

static void test_read_only(Fixture *f, const void *unused)
{
    g_autoptr(Store) reader = NULL;
    g_autoptr(StoreTransaction) tx = NULL;

    set_fact(f->store, "a", "b");
    assert_ok(store_open(f->dir, STORE_READ_ONLY, &reader));
    assert_fact(reader, "a", "b");
    assert_hinted(store_set_fact(reader, "a", "c"), ERR_EXTERNAL, "…: cannot be written");
    assert_ok(store_begin(reader, STORE_DURABLE, &tx)); /* several reads of one state */
    assert_hinted(store_set_fact(reader, "a", "c"), ERR_EXTERNAL, "…: cannot be written");
    set_fact(f->store, "a", "changed");
    assert_fact(reader, "a", "b");
}

static void test_missing(Fixture *f, const void *unused)
{
    g_autofree char *nowhere = g_build_filename(f->dir, "nowhere", NULL);
    g_autofree char *message = g_strdup_printf("there is no store in \"%s\"", f->dir);

    assert_hinted(store_open(f->dir, STORE_SHARED, &f->store), ERR_NOT_FOUND, message);
    assert_hinted(store_open(f->dir, STORE_READ_ONLY, &f->store), ERR_NOT_FOUND, message);
    assert_hinted(store_open(nowhere, STORE_READ_WRITE, &f->store), ERR_EXTERNAL,
                  "…: No such file or directory");
}

static void overwrite(const Fixture *f, size_t offset)
{
    g_autofree char *path = g_build_filename(f->dir, "ramet.db", NULL);
    g_autofree char *content = NULL;
    size_t size = 0;

    g_assert_true(g_file_get_contents(path, &content, &size, NULL));
    memset(content + offset, 'x', size - offset);
    g_assert_true(g_file_set_contents(path, content, (gssize)size, NULL));
}

static void test_not_a_database(Fixture *f, const void *unused)
{
    fixture_open(f, STORE_READ_WRITE);
    fixture_close(f);
    overwrite(f, 0);
    assert_hinted(store_open(f->dir, STORE_READ_WRITE, &f->store), ERR_EXTERNAL,
                  "…: is damaged: this is not a SQLite file");
    assert_hinted(store_open(f->dir, STORE_READ_ONLY, &f->store), ERR_EXTERNAL,
                  "…: is damaged: this is not a SQLite file");
}

static void test_damaged(Fixture *f, const void *unused)
{
    fixture_open(f, STORE_READ_WRITE);
    fixture_close(f);
    overwrite(f, 8192); /* the schema lives on: only tables are hit */
    assert_hinted(store_open(f->dir, STORE_READ_WRITE, &f->store), ERR_EXTERNAL, "…: is damaged");
}

static void set_version(Fixture *f, const char *pragma)
{
    fixture_open(f, STORE_READ_WRITE);
    assert_ok(db_script(store_lock(f->store), pragma));
    store_unlock(f->store);
    fixture_close(f);
}

static void test_newer_version(Fixture *f, const void *unused)
{
    static const char message[] = "the store is of version 999, newer than this program knows (4)";

    set_version(f, "PRAGMA user_version = 999");
    assert_hinted(store_open(f->dir, STORE_READ_WRITE, &f->store), ERR_EXTERNAL, message);
    assert_hinted(store_open(f->dir, STORE_SHARED, &f->store), ERR_EXTERNAL, message);
}

static void test_older_version(Fixture *f, const void *unused)
{
    set_version(f, "PRAGMA user_version = 0");
    assert_hinted(store_open(f->dir, STORE_SHARED, &f->store), ERR_EXTERNAL,
                  "the store is of the older version 0 (this program: 4)");
    /* The tables are there already: the migration fails, and leaves all as it was. */
    assert_error(store_open(f->dir, STORE_READ_WRITE, &f->store), ERR_EXTERNAL,
                 "…: table fact already exists");
}

/* --- transactions --- */

static void test_commit(Fixture *f, const void *unused)
{
    for (StoreDurability durability = STORE_QUICK; durability <= STORE_DURABLE; durability++) {
        g_autofree char *name = g_strdup_printf("fact %u", durability);
        StoreTransaction *tx = NULL;

        assert_ok(store_begin(f->store, durability, &tx));
        set_fact(f->store, name, "kept");
        assert_fact(f->store, name, "kept");
        assert_ok(store_commit(&tx));
        g_assert_null(tx);
        assert_fact(f->store, name, "kept");
    }
}

/* An operation that fails half-way. */
static Error *set_two_facts(Store *store)
{
    g_autoptr(StoreTransaction) tx = NULL;

    TRY(store_begin(store, STORE_DURABLE, &tx));
    TRY(store_set_fact(store, "first", "1"));
    TRY(error_new(ERR_BUSY, "no second fact"));
    return store_commit(&tx);
}

static void test_rollback(Fixture *f, const void *unused)
{
    assert_error(set_two_facts(f->store), ERR_BUSY, "no second fact");
    assert_fact(f->store, "first", NULL);
    set_fact(f->store, "first", "2"); /* the lock is free, and no transaction open */
    assert_fact(f->store, "first", "2");
    store_rollback(NULL);
}

/* --- threads --- */

#define THREAD_ROUNDS 200

/* Adds one to a number in a fact: wrong as soon as two threads are in here at a time. */
static void *count_up(void *data)
{
    Store *store = data;

    for (int i = 0; i < THREAD_ROUNDS; i++) {
        g_autoptr(StoreTransaction) tx = NULL;
        g_autofree char *value = NULL;
        g_autofree char *next = NULL;

        assert_ok(store_begin(store, STORE_QUICK, &tx));
        assert_ok(store_get_fact(store, "count", &value));
        next = g_strdup_printf("%d", (value ? (int)strtol(value, NULL, 10) : 0) + 1);
        set_fact(store, "count", next);
        if (i % 10 == 9) /* this one leaves without a commit */
            continue;
        assert_ok(store_commit(&tx));
    }
    return NULL;
}

static void test_threads(Fixture *f, const void *unused)
{
    GThread *threads[2];

    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("counter", count_up, f->store);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    assert_fact(f->store, "count", "360"); /* 2 · 200 · 9/10 */
}

static void *read_fact(void *data)
{
    assert_fact(data, "name", "new");
    return NULL;
}

static void test_lock_held(Fixture *f, const void *unused)
{
    g_autoptr(StoreTransaction) tx = NULL;
    GThread *reader;

    set_fact(f->store, "name", "old");
    assert_ok(store_begin(f->store, STORE_QUICK, &tx));
    reader = g_thread_new("reader", read_fact, f->store);
    g_usleep(20000); /* time to do it wrong */
    set_fact(f->store, "name", "new");
    assert_ok(store_commit(&tx));
    g_thread_join(reader);
}

/* --- crash --- */

/* The child: commits in both ways, is in the middle of a third transaction, says so, and waits. */
static void work_until_killed(const char *dir, int ready_fd)
{
    Store *store = NULL;
    StoreTransaction *tx = NULL;

    assert_ok(store_open(dir, STORE_READ_WRITE, &store));
    set_fact(store, "quick", "kept");
    assert_ok(store_begin(store, STORE_DURABLE, &tx));
    set_fact(store, "durable", "kept");
    assert_ok(store_commit(&tx));
    assert_ok(store_begin(store, STORE_DURABLE, &tx));
    set_fact(store, "unfinished", "lost");
    set_fact(store, "quick", "changed");
    g_assert_cmpint(write(ready_fd, "!", 1), ==, 1);
    for (;;)
        pause();
}

static void test_kill(Fixture *f, const void *unused)
{
    int fds[2];
    char ready;
    pid_t child;

    g_assert_cmpint(pipe(fds), ==, 0);
    child = fork();
    if (child == 0)
        work_until_killed(f->dir, fds[1]);
    g_assert_cmpint(child, >, 0);
    close(fds[1]);
    g_assert_cmpint(read(fds[0], &ready, 1), ==, 1);
    close(fds[0]);
    g_assert_cmpint(kill(child, SIGKILL), ==, 0);
    g_assert_cmpint(waitpid(child, NULL, 0), ==, child);

    fixture_open(f, STORE_READ_WRITE);
    assert_fact(f->store, "quick", "kept");
    assert_fact(f->store, "durable", "kept");
    assert_fact(f->store, "unfinished", NULL);
}

/* --- nothing outside inside --- */

static Error *see_done(void *data, bool *ret_done)
{
    *ret_done = true;
    return NULL;
}

static void run_true(void)
{
    const char *const argv[] = {"true", NULL};

    assert_ok(proc_run(&(ProcSpec){.argv = argv, .timeout_ms = 10000}, NULL));
}

static void list_root(void)
{
    g_auto(GStrv) names = NULL;

    assert_ok(fs_list_dir("/", &names));
}

static void wait_for_it(void)
{
    assert_ok(wait_until(clock_monotonic_ms() + 1000, see_done, NULL));
}

static const struct {
    const char *name;
    void (*call)(void);
} outside_calls[] = {
    {"proc_run", run_true}, {"fs_list_dir", list_root}, {"wait_until", wait_for_it}};

/* In a process of its own: the second part of the test's path says which call. */
static void outside_child(Fixture *f, size_t which)
{
    g_autoptr(StoreTransaction) tx = NULL;

    outside_calls[which].call(); /* before, it may */
    assert_ok(store_begin(f->store, STORE_QUICK, &tx));
    outside_calls[which].call();
}

static void test_outside(Fixture *f, const void *data)
{
    size_t which = GPOINTER_TO_SIZE(data);
    g_autofree char *words =
        g_strdup_printf("*%s() is called with the store locked*", outside_calls[which].name);

    if (g_test_subprocess()) {
        outside_child(f, which);
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr(words);
}

/* What a failed begin, a commit and a rollback leave behind: nothing. */
static void test_outside_after(Fixture *f, const void *unused)
{
    g_autoptr(StoreTransaction) tx = NULL;

    assert_ok(store_begin(f->store, STORE_DURABLE, &tx));
    set_fact(f->store, "a", "b");
    assert_ok(store_commit(&tx));
    run_true();
    assert_ok(store_begin(f->store, STORE_QUICK, &tx));
    store_rollback(g_steal_pointer(&tx));
    run_true();
}

static void add_outside_tests(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(outside_calls); i++) {
        g_autofree char *path = g_strconcat("/store/outside/", outside_calls[i].name, NULL);

        g_test_add(path, Fixture, GSIZE_TO_POINTER(i), fixture_set_up, test_outside,
                   fixture_tear_down);
    }
    fixture_test("/store/outside/after", test_outside_after);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fixture_test("/store/facts", test_facts);
    fixture_test("/store/open/private", test_private);
    fixture_test("/store/open/second", test_second_opener);
    fixture_test("/store/open/shared", test_shared);
    fixture_test("/store/open/read-only", test_read_only);
    fixture_dir_test("/store/open/missing", test_missing);
    fixture_dir_test("/store/open/not-a-database", test_not_a_database);
    fixture_dir_test("/store/open/damaged", test_damaged);
    fixture_dir_test("/store/open/newer-version", test_newer_version);
    fixture_dir_test("/store/open/older-version", test_older_version);
    fixture_test("/store/transaction/commit", test_commit);
    fixture_test("/store/transaction/rollback", test_rollback);
    fixture_test("/store/threads/count", test_threads);
    fixture_test("/store/threads/lock-held", test_lock_held);
    fixture_dir_test("/store/kill", test_kill);
    if (outside_is_checked())
        add_outside_tests();
    return g_test_run();
}

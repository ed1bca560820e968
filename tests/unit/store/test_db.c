/*
 * Statements, values, errors and transactions of SQLite.
 */
#include "store/db.h"

#include "fixture.h"

static Error *count_rows(const DbRow *row, void *data)
{
    ++*(int *)data;
    return NULL;
}

static Error *refuse_row(const DbRow *row, void *data)
{
    ++*(int *)data;
    return error_new(ERR_BUSY, "enough");
}

static Error *check_row(const DbRow *row, void *data)
{
    g_autofree char *copy = db_row_dup(row, 1);

    g_assert_cmpint(db_row_int(row, 0), ==, INT64_MIN);
    g_assert_cmpstr(copy, ==, "'; DROP TABLE t; --");
    g_assert_cmpfloat(db_row_real(row, 2), ==, 0.25);
    g_assert_null(db_row_text(row, 3));
    g_assert_null(db_row_dup(row, 3));
    return count_rows(row, data);
}

static void test_values(Fixture *f, const void *unused)
{
    Db *db = store_lock(f->store);
    int count = 0;

    assert_ok(db_script(db, "CREATE TABLE t (a, b, c, d); CREATE TABLE u (a)"));
    assert_ok(db_run(db, "INSERT INTO t VALUES (?, ?, ?, ?)", DB_INT(INT64_MIN),
                     DB_TEXT("'; DROP TABLE t; --"), DB_REAL(0.25), DB_TEXT(NULL), DB_END));
    g_assert_cmpint(db_changes(db), ==, 1);
    assert_ok(db_query(db, "SELECT * FROM t WHERE a < ?", check_row, &count, DB_INT(0), DB_END));
    g_assert_cmpint(count, ==, 1);
    store_unlock(f->store);
}

static void test_run_values(Fixture *f, const void *unused)
{
    static const char insert[] = "INSERT INTO t VALUES (?, ?)";
    const DbValue values[] = {DB_INT(7), DB_TEXT("seven"), DB_END};
    const DbValue fewer[] = {DB_INT(8), DB_END};
    Db *db = store_lock(f->store);
    int count = 0;

    assert_ok(db_script(db, "CREATE TABLE t (a, b)"));
    assert_ok(db_run_values(db, insert, values));
    assert_ok(db_run_values(db, insert, fewer)); /* nothing of the run before is left in it */
    assert_ok(db_query(db, "SELECT 1 FROM t WHERE b = 'seven'", count_rows, &count, DB_END));
    g_assert_cmpint(count, ==, 1);
    store_unlock(f->store);
}

static void test_each_stops(Fixture *f, const void *unused)
{
    static const char query[] = "VALUES (1), (2), (3)";
    Db *db = store_lock(f->store);
    int count = 0;

    assert_error(db_query(db, query, refuse_row, &count, DB_END), ERR_BUSY, "enough");
    g_assert_cmpint(count, ==, 1);
    assert_ok(db_query(db, query, count_rows, &count, DB_END));
    g_assert_cmpint(count, ==, 4);
    store_unlock(f->store);
}

static void test_errors(Fixture *f, const void *unused)
{
    Db *db = store_lock(f->store);

    assert_ok(db_script(db, "CREATE TABLE t (a PRIMARY KEY, b UNIQUE, c NOT NULL)"));
    assert_ok(db_run(db, "INSERT INTO t VALUES (1, 1, 1)", DB_END));
    assert_error(db_run(db, "INSERT INTO t VALUES (1, 2, 1)", DB_END), ERR_CONFLICT,
                 "…: exists already");
    assert_error(db_run(db, "INSERT INTO t VALUES (2, 1, 1)", DB_END), ERR_CONFLICT,
                 "…: exists already");
    assert_error(db_run(db, "INSERT INTO t VALUES (2, 2, NULL)", DB_END), ERR_BUG,
                 "…: NOT NULL constraint failed: t.c");
    assert_error(db_run(db, "SELECT nonsense", DB_END), ERR_EXTERNAL,
                 "…: no such column: nonsense");
    assert_error(db_script(db, "nonsense"), ERR_EXTERNAL, "…: near \"nonsense\": syntax error");
    store_unlock(f->store);
}

static Error *fill_table(Db *db)
{
    Error *e = NULL;

    for (int i = 0; !e && i < 1000; i++)
        e = db_run(db, "INSERT INTO t VALUES (zeroblob(4096))", DB_END);
    return e;
}

static void test_full(Fixture *f, const void *unused)
{
    Db *db = store_lock(f->store);
    int count = 0;

    assert_ok(db_script(db, "CREATE TABLE t (a); PRAGMA max_page_count = 60"));
    assert_ok(db_begin(db, true));
    assert_hinted(fill_table(db), ERR_NO_SPACE, "…: the disk is full");
    db_rollback(db);
    assert_ok(db_query(db, "SELECT 1 FROM t", count_rows, &count, DB_END));
    g_assert_cmpint(count, ==, 0);
    store_unlock(f->store);
}

static void test_given_up(Fixture *f, const void *unused)
{
    Db *db = store_lock(f->store);

    assert_ok(db_script(db, "CREATE TABLE t (a UNIQUE)"));
    assert_ok(db_begin(db, false));
    assert_ok(db_run(db, "INSERT INTO t VALUES (1)", DB_END));
    assert_error(db_run(db, "INSERT OR ROLLBACK INTO t VALUES (1)", DB_END), ERR_CONFLICT,
                 "…: exists already");
    assert_error(db_run(db, "INSERT INTO t VALUES (2)", DB_END), ERR_EXTERNAL,
                 "…: the transaction has failed before");
    assert_error(db_commit(db), ERR_EXTERNAL, "…: the transaction has failed before");
    assert_ok(db_run(db, "INSERT INTO t VALUES (1)", DB_END));
    store_unlock(f->store);
}

static Error *check_level(const DbRow *row, void *data)
{
    g_assert_cmpint(db_row_int(row, 0), ==, GPOINTER_TO_INT(data));
    return NULL;
}

static void assert_synchronous(Db *db, int level)
{
    assert_ok(db_query(db, "PRAGMA synchronous", check_level, GINT_TO_POINTER(level), DB_END));
}

static void test_durability(Fixture *f, const void *unused)
{
    enum {
        NORMAL = 1,
        FULL = 2
    };
    Db *db = store_lock(f->store);

    assert_synchronous(db, NORMAL);
    assert_ok(db_begin(db, true));
    assert_synchronous(db, FULL);
    assert_ok(db_commit(db));
    assert_synchronous(db, NORMAL);
    assert_ok(db_begin(db, false));
    assert_synchronous(db, NORMAL);
    db_rollback(db);
    assert_ok(db_begin(db, true));
    db_rollback(db);
    assert_synchronous(db, NORMAL);
    store_unlock(f->store);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fixture_test("/store/db/values", test_values);
    fixture_test("/store/db/run-values", test_run_values);
    fixture_test("/store/db/each-stops", test_each_stops);
    fixture_test("/store/db/errors", test_errors);
    fixture_test("/store/db/full", test_full);
    fixture_test("/store/db/given-up", test_given_up);
    fixture_test("/store/db/durability", test_durability);
    return g_test_run();
}

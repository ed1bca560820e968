/*
 * Progress: lines of the real tools (PostgreSQL 15, LC_ALL=C), serial and parallel.
 */
#include "retrieval/progress.h"

static void assert_event(const char *line, bool is_end, ProgressKind kind, const char *name)
{
    ProgressEvent event = {0};

    g_assert_true(progress_parse(line, &event));
    g_assert_cmpint(event.is_end, ==, is_end);
    g_assert_cmpint(event.kind, ==, kind);
    g_assert_cmpstr(event.name, ==, name);
    g_free(event.name);
}

static void test_lines(void)
{
    assert_event("pg_dump: dumping contents of table \"other.my table\"", false, PROGRESS_TABLE,
                 "other.my table");
    assert_event("pg_dump: finished item 3417 TABLE DATA my table", true, PROGRESS_TABLE,
                 "my table");
    assert_event("pg_restore: processing data for table \"public.t\"", false, PROGRESS_TABLE,
                 "public.t");
    assert_event("pg_restore: creating INDEX \"other.my idx\"", false, PROGRESS_INDEX,
                 "other.my idx");
    assert_event("pg_restore: creating CONSTRAINT \"public.t t_pkey\"", false, PROGRESS_INDEX,
                 "public.t t_pkey");
    assert_event("pg_restore: finished item 3266 INDEX my idx", true, PROGRESS_INDEX, "my idx");
    assert_event("pg_restore: finished item 3268 CONSTRAINT t t_pkey", true, PROGRESS_INDEX,
                 "t t_pkey");
}

static void test_other_lines(void)
{
    static const char *const lines[] = {
        "",
        "pg_restore",
        "pg_restore: ",
        "pg_dump: reading indexes",
        "pg_restore: creating TABLE \"public.t\"",
        "pg_restore: launching item 3417 TABLE DATA my table",
        "pg_restore: finished item 12 COMMENT EXTENSION pg_trgm",
        "pg_restore: creating INDEX \"",
        "pg_restore: creating COMMENT \"INDEX x\"",
        NULL,
    };

    for (const char *const *line = lines; *line; line++) {
        ProgressEvent event = {0};
        g_assert_false(progress_parse(*line, &event));
    }
}

static Progress *progress_of_two_tables(void)
{
    Progress *progress = progress_new();

    progress_phase(progress, "dumping", 0, 40);
    progress_expect(progress, "app", PROGRESS_TABLE, "public.big", "big", 300);
    progress_expect(progress, "app", PROGRESS_TABLE, "public.small", "small", 100);
    return progress;
}

static void assert_numbers(Progress *progress, double percent, int64_t bytes_done,
                           int64_t tables_done)
{
    RetrievalProgress numbers;

    progress_read(progress, &numbers);
    g_assert_cmpfloat_with_epsilon(numbers.percent, percent, 0.001);
    g_assert_cmpint(numbers.bytes_done, ==, bytes_done);
    g_assert_cmpint(numbers.tables_done, ==, tables_done);
    g_assert_cmpint(numbers.bytes_total, ==, 400);
    g_assert_cmpint(numbers.tables_total, ==, 2);
    progress_clear(&numbers);
}

/* A serial tool says only beginnings: the next one is the end of the last. */
static void test_serial(void)
{
    g_autoptr(Progress) progress = progress_of_two_tables();

    progress_begin(progress, "app", false);
    progress_line(progress, "pg_dump: dumping contents of table \"public.big\"");
    assert_numbers(progress, 0, 0, 0);
    progress_line(progress, "pg_dump: dumping contents of table \"public.small\"");
    assert_numbers(progress, 30, 300, 1);
    progress_end(progress);
    assert_numbers(progress, 40, 400, 2);
}

static void test_parallel(void)
{
    g_autoptr(Progress) progress = progress_of_two_tables();

    progress_begin(progress, "app", true);
    progress_line(progress, "pg_dump: dumping contents of table \"public.big\"");
    progress_line(progress, "pg_dump: dumping contents of table \"public.small\"");
    assert_numbers(progress, 0, 0, 0);
    progress_line(progress, "pg_dump: finished item 2 TABLE DATA small");
    assert_numbers(progress, 10, 100, 1);
    progress_line(progress, "pg_dump: finished item 2 TABLE DATA small");
    assert_numbers(progress, 10, 100, 1);
    progress_line(progress, "pg_dump: finished item 1 TABLE DATA big");
    assert_numbers(progress, 40, 400, 2);
}

static void test_in_flight(void)
{
    g_autoptr(Progress) progress = progress_of_two_tables();

    progress_begin(progress, "app", false);
    progress_in_flight(progress, 50); /* nothing is under way: not believed */
    assert_numbers(progress, 0, 0, 0);
    progress_line(progress, "pg_dump: dumping contents of table \"public.big\"");
    progress_in_flight(progress, 150);
    assert_numbers(progress, 15, 150, 0);
    progress_in_flight(progress, 100000);
    assert_numbers(progress, 30, 300, 0);
}

static void test_never_goes_back(void)
{
    g_autoptr(Progress) progress = progress_of_two_tables();
    RetrievalProgress numbers;

    progress_begin(progress, "app", false);
    progress_line(progress, "pg_dump: dumping contents of table \"public.big\"");
    progress_in_flight(progress, 200);
    progress_in_flight(progress, 100);
    progress_read(progress, &numbers);
    g_assert_cmpfloat_with_epsilon(numbers.percent, 20, 0.001);
    g_assert_cmpstr(numbers.object, ==, "public.big");
    g_assert_cmpstr(numbers.database, ==, "app");
    progress_clear(&numbers);

    progress_phase(progress, "creating the cluster", 40, 41);
    progress_read(progress, &numbers);
    g_assert_cmpfloat_with_epsilon(numbers.percent, 40, 0.001);
    g_assert_cmpint(numbers.bytes_total, ==, 0);
    progress_clear(&numbers);

    progress_reset(progress);
    progress_read(progress, &numbers);
    g_assert_cmpfloat_with_epsilon(numbers.percent, 0, 0.001);
    progress_clear(&numbers);
}

/* The end of one database does not end the tables of another. */
static void test_two_databases(void)
{
    g_autoptr(Progress) progress = progress_new();
    RetrievalProgress numbers;

    progress_phase(progress, "dumping", 0, 100);
    progress_expect(progress, "a", PROGRESS_TABLE, "public.t", "t", 10);
    progress_expect(progress, "b", PROGRESS_TABLE, "public.t", "t", 30);
    progress_begin(progress, "a", false);
    progress_end(progress);
    progress_read(progress, &numbers);
    g_assert_cmpfloat_with_epsilon(numbers.percent, 25, 0.001);
    progress_clear(&numbers);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/progress/lines", test_lines);
    g_test_add_func("/progress/other-lines", test_other_lines);
    g_test_add_func("/progress/serial", test_serial);
    g_test_add_func("/progress/parallel", test_parallel);
    g_test_add_func("/progress/in-flight", test_in_flight);
    g_test_add_func("/progress/never-goes-back", test_never_goes_back);
    g_test_add_func("/progress/two-databases", test_two_databases);
    return g_test_run();
}

/*
 * Errors of tools: output of the real programs, cut to what matters.
 */
#include <string.h>

#include "retrieval/tool_error.h"

static Error *take(const char *tool, const char *output, Error *failure)
{
    g_autoptr(ToolErrors) errors = tool_errors_new(tool);
    g_auto(GStrv) lines = g_strsplit(output, "\n", -1);

    for (char **line = lines; *line; line++)
        tool_errors_line(errors, *line);
    return tool_errors_take(errors, failure);
}

static Error *failed(const char *tool)
{
    return error_new(ERR_EXTERNAL, "program \"%s\" failed with status 1", tool);
}

static void test_restore(void)
{
    g_autoptr(Error) e = take(
        "pg_restore",
        "pg_restore: connecting to database for restore\n"
        "pg_restore: creating TABLE \"public.places\"\n"
        "pg_restore: while PROCESSING TOC:\n"
        "pg_restore: from TOC entry 216; 1259 24577 TABLE places alice\n"
        "pg_restore: error: could not execute query: ERROR:  type \"geometry\" does not exist\n"
        "LINE 4:     g geometry\n"
        "Command was: CREATE TABLE public.places (\n"
        "    g geometry\n"
        ");\n"
        "pg_restore: creating TABLE \"public.other\"\n"
        "a line that belongs to nothing\n"
        "pg_restore: warning: errors ignored on restore: 1",
        failed("pg_restore"));

    g_assert_cmpint(e->code, ==, ERR_EXTERNAL);
    g_assert_cmpstr(e->message, ==,
                    "TABLE places alice: pg_restore: could not execute query: ERROR: type "
                    "\"geometry\" does not exist");
    g_assert_nonnull(strstr(e->detail, "LINE 4:     g geometry"));
    g_assert_nonnull(strstr(e->detail, "TABLE places alice"));
    g_assert_null(strstr(e->detail, "belongs to nothing"));
}

/* What pg_restore 15 says of a server of 14, and 17 of 16. */
static void test_older_server(void)
{
    g_autoptr(Error) created =
        take("pg_restore",
             "pg_restore: error: could not execute query: ERROR:  option \"locale_provider\" not "
             "recognized\n"
             "Command was: CREATE DATABASE shop WITH TEMPLATE = template0 LOCALE_PROVIDER = libc;\n"
             "pg_restore: error: could not execute query: ERROR:  database \"shop\" does not exist",
             failed("pg_restore"));
    g_autoptr(Error) set = take(
        "pg_restore",
        "pg_restore: error: could not execute query: ERROR:  unrecognized configuration parameter "
        "\"transaction_timeout\"\n"
        "Command was: SET transaction_timeout = 0;\n"
        "pg_restore: warning: errors ignored on restore: 1",
        failed("pg_restore"));

    g_assert_nonnull(strstr(created->hint, "client of the source's own major"));
    g_assert_nonnull(strstr(set->hint, "ignoreErrors"));
}

static void test_many(void)
{
    GString *output = g_string_new(NULL);

    for (int i = 1; i <= 8; i++)
        g_string_append_printf(
            output, "pg_restore: error: could not execute query: ERROR:  number %d\n", i);
    g_autofree char *text = g_string_free(output, FALSE);
    g_autoptr(Error) e = take("pg_restore", text, failed("pg_restore"));

    g_assert_nonnull(strstr(e->message, "number 1"));
    g_assert_nonnull(strstr(e->detail, "number 5"));
    g_assert_null(strstr(e->detail, "number 6"));
    g_assert_nonnull(strstr(e->detail, "3 more errors"));
}

static void test_source_dies(void)
{
    g_autoptr(Error) e = take(
        "pg_dump",
        "pg_dump: dumping contents of table \"public.big\"\n"
        "pg_dump: error: Dumping the contents of table \"big\" failed: PQgetCopyData() failed.\n"
        "pg_dump: detail: Error message from server: server closed the connection unexpectedly\n"
        "\tThis probably means the server terminated abnormally\n"
        "pg_dump: detail: Command was: COPY public.big (id) TO stdout;",
        failed("pg_dump"));

    g_assert_cmpint(e->code, ==, ERR_EXTERNAL);
    g_assert_cmpstr(
        e->message, ==,
        "pg_dump: Dumping the contents of table \"big\" failed: PQgetCopyData() failed.");
    g_assert_nonnull(strstr(e->hint, "ended"));
}

static void test_disk_full(void)
{
    g_autoptr(Error) e =
        take("pg_restore",
             "pg_restore: error: could not execute query: ERROR:  could not extend file "
             "\"base/5/16388\": No space left on device\n"
             "HINT:  Check free disk space.",
             failed("pg_restore"));

    g_assert_cmpint(e->code, ==, ERR_NO_SPACE);
    g_assert_nonnull(e->hint);
}

static char *hint_of(const char *tool, const char *line)
{
    g_autofree char *output = g_strdup_printf("%s: error: %s", tool, line);
    g_autoptr(Error) e = take(tool, output, failed(tool));

    return g_strdup(e->hint ? e->hint : "");
}

/* The same words, another situation: at the source, or in our own instance. */
static void test_hints_fit_the_situation(void)
{
    static const struct {
        const char *tool;
        const char *line;
        const char *hint; /* a part of it; "" = none fits */
    } cases[] = {
        {"pg_dump", "query failed: ERROR:  permission denied for table t", "pg_read_all_data"},
        {"pg_dump", "query failed: ERROR:  permission denied for large object 7", "--no-blobs"},
        {"pg_dump", "query failed: ERROR:  permission denied for function f", ""},
        {"pg_dumpall",
         "connection to server on socket \"x\" failed: FATAL:  permission denied for database "
         "\"template1\"",
         "GRANT CONNECT"},
        {"pg_restore", "could not execute query: ERROR:  permission denied for table t", ""},
        {"pg_restore", "could not execute query: ERROR:  could not connect to server \"far\"",
         "foreign server"},
        {"pg_restore", "could not execute query: ERROR:  password authentication failed", ""},
        {"pg_dump", "connection to server at \"h\" failed: Connection refused", "source runs"},
        {"pg_dump",
         "connection to server at \"h\" failed: FATAL:  unsupported startup parameter: options",
         "pooler"},
        {"pg_restore", "could not execute query: ERROR:  extension \"x\" is not available",
         "package"},
        {"pg_restore", "could not execute query: ERROR:  could not write: No space left on device",
         "pool"},
        {"pg_dump", "could not write to output file: No space left on device", "dumpLocation"},
        {"pg_dump",
         "query failed: ERROR:  could not write to file \"base/pgsql_tmp/x\": No space left on "
         "device",
         "source's own disk"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *hint = hint_of(cases[i].tool, cases[i].line);

        g_test_message("%s: %s", cases[i].line, hint);
        g_assert_true(*cases[i].hint ? strstr(hint, cases[i].hint) != NULL : *hint == '\0');
    }
}

static void test_no_error_seen(void)
{
    g_autoptr(Error) e =
        take("pg_dump", "pg_dump: reading indexes\nSegmentation fault", failed("pg_dump"));

    g_assert_cmpstr(e->message, ==, "program \"pg_dump\" failed with status 1");
    g_assert_null(take("pg_dump", "pg_dump: error: harmless", NULL));
}

static void test_cancelled(void)
{
    g_autoptr(Error) e = take("pg_dump", "pg_dump: error: terminated by user",
                              error_new(ERR_TIMEOUT, "program \"pg_dump\" was cancelled"));

    g_assert_cmpint(e->code, ==, ERR_TIMEOUT);
    g_assert_cmpstr(e->message, ==, "program \"pg_dump\" was cancelled");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tool-error/restore", test_restore);
    g_test_add_func("/tool-error/many", test_many);
    g_test_add_func("/tool-error/older-server", test_older_server);
    g_test_add_func("/tool-error/source-dies", test_source_dies);
    g_test_add_func("/tool-error/disk-full", test_disk_full);
    g_test_add_func("/tool-error/hints-fit-the-situation", test_hints_fit_the_situation);
    g_test_add_func("/tool-error/no-error-seen", test_no_error_seen);
    g_test_add_func("/tool-error/cancelled", test_cancelled);
    return g_test_run();
}

/*
 * Which names are names, and what stands beside them.
 */
#include "storage/names.h"

static void assert_name(const char *name, bool is_valid)
{
    g_autoptr(Error) e = names_check("volume", name);

    if (is_valid != !e)
        g_error("\"%s\" should %sbe valid", name, is_valid ? "" : "not ");
    if (e) {
        g_assert_cmpint(e->code, ==, ERR_INVALID);
        g_assert_nonnull(e->hint);
    }
}

static void test_valid(void)
{
    static const char *const valid[] = {"a", "0", "data", "a-b_c.d", "d3k0.partial", "a..", "9-"};
    g_autofree char *longest = g_strnfill(63, 'x');

    for (size_t i = 0; i < G_N_ELEMENTS(valid); i++)
        assert_name(valid[i], true);
    assert_name(longest, true);
}

static void test_invalid(void)
{
    static const char *const invalid[] = {NULL,   "",      ".",    "..",   ".a",   "-a",  "_a",
                                          "a/b",  "/",     "../a", "a\n",  "A",    "a b", "a'",
                                          "a\"b", "a\\",   "é",    "a;b",  "a*",   "a@b", "\xff",
                                          "a:b",  "a\x7f", "$a",   "a\tb", "a\x01"};
    g_autofree char *too_long = g_strnfill(64, 'x');
    g_autofree char *huge = g_strnfill(1 << 20, 'x');

    for (size_t i = 0; i < G_N_ELEMENTS(invalid); i++)
        assert_name(invalid[i], false);
    assert_name(too_long, false);
    assert_name(huge, false);
}

/* A message goes into logs and answers: it does not repeat a megabyte. */
static void test_message_is_short(void)
{
    g_autofree char *huge = g_strnfill(1 << 20, 'x');
    g_autoptr(Error) e = names_check("snapshot", huge);

    g_assert_cmpuint(strlen(e->message), <, 200);
}

static void test_work_in_progress(void)
{
    g_autofree char *partial = names_partial_path("/pool/volumes/a.b");
    g_autofree char *deleted = names_deleted_path("/pool/volumes/a.b");
    g_autofree char *of = names_of_partial(".a.b.partial");

    g_assert_cmpstr(partial, ==, "/pool/volumes/.a.b.partial");
    g_assert_cmpstr(deleted, ==, "/pool/volumes/.a.b.deleted");
    g_assert_cmpstr(of, ==, "a.b");
    g_assert_true(names_is_deleted(".a.b.deleted"));
}

static void test_not_in_progress(void)
{
    static const char *const others[] = {"a.partial", "a.deleted", ".partial",  ".deleted", ".a",
                                         "a",         "..partial", "..deleted", ""};

    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        g_autofree char *of = names_of_partial(others[i]);

        g_assert_null(of);
        g_assert_false(names_is_deleted(others[i]));
    }
    g_assert_false(names_is_deleted(".a.partial"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/storage/names/valid", test_valid);
    g_test_add_func("/storage/names/invalid", test_invalid);
    g_test_add_func("/storage/names/message-is-short", test_message_is_short);
    g_test_add_func("/storage/names/work-in-progress", test_work_in_progress);
    g_test_add_func("/storage/names/not-in-progress", test_not_in_progress);
    return g_test_run();
}

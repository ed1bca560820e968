/*
 * Errors: words, details, hints, copies.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"

static Error *fail_with(const Error *e)
{
    return error_copy(e);
}

static Error *pass_up(const Error *e, bool *ret_went_on)
{
    TRY(fail_with(e));
    *ret_went_on = true;
    return NULL;
}

static void test_new(void)
{
    g_autoptr(Error) e = error_new(ERR_CONFLICT, "clone \"%s\" exists", "c1");

    g_assert_cmpint(e->code, ==, ERR_CONFLICT);
    g_assert_cmpstr(e->message, ==, "clone \"c1\" exists");
    g_assert_null(e->detail);
    g_assert_null(e->hint);
}

static void test_errno(void)
{
    g_autoptr(Error) missing = error_errno(ENOENT, "could not open \"%s\"", "x");
    g_autoptr(Error) full = error_errno(ENOSPC, "could not write");
    g_autoptr(Error) quota = error_errno(EDQUOT, "could not write");

    g_assert_cmpint(missing->code, ==, ERR_EXTERNAL);
    g_assert_cmpstr(missing->message, ==, "could not open \"x\": No such file or directory");
    g_assert_cmpint(full->code, ==, ERR_NO_SPACE);
    g_assert_cmpint(quota->code, ==, ERR_NO_SPACE);
}

static void test_wrap(void)
{
    g_autoptr(Error) e = error_new(ERR_EXTERNAL, "program failed");
    const Error *same = e;

    e = error_wrap(g_steal_pointer(&e), "cloning snapshot \"%s\"", "p@1");
    e = error_wrap(g_steal_pointer(&e), "creating clone \"%s\"", "100%s");
    g_assert_true(e == same);
    g_assert_cmpint(e->code, ==, ERR_EXTERNAL);
    g_assert_cmpstr(e->message, ==,
                    "creating clone \"100%s\": cloning snapshot \"p@1\": program failed");
    g_assert_null(error_wrap(NULL, "nothing"));
}

static void test_detail_and_hint(void)
{
    g_autoptr(Error) e = error_new(ERR_BUSY, "no port is free");

    e = error_detail(g_steal_pointer(&e), "first");
    e = error_detail(g_steal_pointer(&e), "%s", "second");
    e = error_hint(g_steal_pointer(&e), "old");
    e = error_hint(g_steal_pointer(&e), "Widen %s.", "portPool");
    g_assert_cmpstr(e->message, ==, "no port is free");
    g_assert_cmpstr(e->detail, ==, "second");
    g_assert_cmpstr(e->hint, ==, "Widen portPool.");
    g_assert_null(error_detail(NULL, "x"));
    g_assert_null(error_hint(NULL, "x"));
}

static void test_detail_is_capped(void)
{
    g_autofree char *noise = g_strnfill(100000, 'x');
    g_autoptr(Error) e = error_detail(error_new(ERR_EXTERNAL, "m"), "%s\nthe end", noise);

    g_assert_cmpstr(e->detail, ==, "the end");
    e = error_detail(g_steal_pointer(&e), "%s", noise);
    g_assert_cmpuint(strlen(e->detail), ==, 8192);
}

static void test_words_are_utf8(void)
{
    g_autoptr(Error) e = error_new(ERR_INVALID, "name \"%s\"", "a\xff");

    e = error_detail(g_steal_pointer(&e), "%s", "\xc3");
    e = error_wrap(g_steal_pointer(&e), "%s", "\xe4");
    g_assert_true(g_utf8_validate(e->message, -1, NULL));
    g_assert_true(g_utf8_validate(e->detail, -1, NULL));
}

static void test_copy(void)
{
    g_autoptr(Error) e =
        error_hint(error_detail(error_new(ERR_DENIED, "message"), "detail"), "hint");
    g_autoptr(Error) copy = error_copy(e);

    g_assert_true(copy != e && copy->message != e->message);
    g_assert_cmpint(copy->code, ==, ERR_DENIED);
    g_assert_cmpstr(copy->message, ==, "message");
    g_assert_cmpstr(copy->detail, ==, "detail");
    g_assert_cmpstr(copy->hint, ==, "hint");
    g_assert_null(error_copy(NULL));
}

static void test_try(void)
{
    g_autoptr(Error) e = error_new(ERR_BUG, "b");
    bool went_on = false;
    g_autoptr(Error) passed = pass_up(e, &went_on);

    g_assert_cmpint(passed->code, ==, ERR_BUG);
    g_assert_false(went_on);
    g_assert_null(pass_up(NULL, &went_on));
    g_assert_true(went_on);
}

static void test_code_names(void)
{
    g_assert_cmpstr(error_code_name(ERR_INVALID), ==, "INVALID");
    g_assert_cmpstr(error_code_name(ERR_NO_SPACE), ==, "NO_SPACE");
    g_assert_cmpstr(error_code_name(ERR_BUG), ==, "BUG");
    for (ErrorCode code = ERR_INVALID; code <= ERR_BUG; code++)
        g_assert_cmpstr(error_code_name(code), !=, "UNKNOWN");
    g_assert_cmpstr(error_code_name((ErrorCode)0), ==, "UNKNOWN");
    g_assert_cmpstr(error_code_name((ErrorCode)99), ==, "UNKNOWN");
}

/* A clone's PostgreSQL has said it: it goes into the store, the log and each answer. */
static void test_words_are_capped(void)
{
    g_autofree char *noise = g_strnfill(1 << 20, 'x');
    g_autoptr(Error) e = error_hint(error_new(ERR_EXTERNAL, "é%s", noise), "%s", noise);

    e = error_wrap(g_steal_pointer(&e), "doing");
    g_assert_cmpuint(strlen(e->message), <, 20000);
    g_assert_true(g_str_has_prefix(e->message, "doing: éxxx"));
    g_assert_true(g_str_has_suffix(e->message, "x…"));
    g_assert_cmpuint(strlen(e->hint), <, 20000);

    g_autoptr(Error) odd = error_new(ERR_EXTERNAL, "%.16383s€%s", noise, noise);

    g_assert_true(g_str_has_suffix(odd->message, "x…"));
    g_assert_true(g_utf8_validate(odd->message, -1, NULL));
}

static void test_detail_ends_with_its_text(void)
{
    g_autoptr(Error) e = error_detail(error_new(ERR_EXTERNAL, "no"), "one\ntwo\n\n");

    g_assert_cmpstr(e->detail, ==, "one\ntwo");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/error/new", test_new);
    g_test_add_func("/error/errno", test_errno);
    g_test_add_func("/error/wrap", test_wrap);
    g_test_add_func("/error/detail-and-hint", test_detail_and_hint);
    g_test_add_func("/error/detail-is-capped", test_detail_is_capped);
    g_test_add_func("/error/words-are-capped", test_words_are_capped);
    g_test_add_func("/error/words-are-utf8", test_words_are_utf8);
    g_test_add_func("/error/copy", test_copy);
    g_test_add_func("/error/try", test_try);
    g_test_add_func("/error/code-names", test_code_names);
    g_test_add_func("/error/detail-ends-with-its-text", test_detail_ends_with_its_text);
    return g_test_run();
}

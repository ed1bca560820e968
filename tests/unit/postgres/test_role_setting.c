/*
 * Settings of roles: lists as the catalog keeps them.
 */
#include "postgres/role_setting.h"

/* The words between "|"; "none" for what is no list. */
static void assert_split(const char *list, const char *expected)
{
    g_auto(GStrv) words = role_setting_split(list);
    g_autofree char *joined = words ? g_strjoinv("|", words) : g_strdup("none");

    g_assert_cmpstr(joined, ==, expected);
}

static void test_lists(void)
{
    assert_split("public", "public");
    assert_split("\"$user\", public", "$user|public");
    assert_split("  a ,b,\t\"c, d\" ", "a|b|c, d");
    assert_split("\"My \"\"Schema\"\"\"", "My \"Schema\"");
    assert_split("\"\"", "");
    assert_split("", "");
    assert_split("жук, \"Ä\"", "жук|Ä");
}

static void test_what_is_no_list(void)
{
    assert_split("\"open", "none");
    assert_split("a,", "none");
    assert_split(",a", "none");
    assert_split("a b", "none");
    assert_split("\"a\"b", "none");
    assert_split("\"a\"\"", "none");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/role_setting/lists", test_lists);
    g_test_add_func("/role_setting/what-is-no-list", test_what_is_no_list);
    return g_test_run();
}

/*
 * Trees, merge order, aliases, and where an error is.
 */
#include "config/yaml.h"

#include <string.h>

static YamlTree *parse(const char *text)
{
    YamlTree *tree = NULL;
    YamlPlace place;
    g_autoptr(Error) error = yaml_parse(text, &place, &tree);

    if (error)
        g_error("%s", error->message);
    return tree;
}

static void expect_error(const char *text, int line, int column, const char *message)
{
    g_autoptr(YamlTree) tree = NULL;
    YamlPlace place = {0};
    g_autoptr(Error) error = yaml_parse(text, &place, &tree);

    g_assert_nonnull(error);
    g_assert_null(tree);
    g_assert_cmpint(error->code, ==, ERR_INVALID);
    g_assert_nonnull(strstr(error->message, message));
    g_assert_cmpint(place.line, ==, line);
    g_assert_cmpint(place.column, ==, column);
}

static const char *text_of(const YamlTree *tree, const char *section, const char *key)
{
    const YamlNode *node = yaml_get(yaml_get(yaml_root(tree), section), key);

    return node ? yaml_text(node) : NULL;
}

static void test_tree(void)
{
    g_autoptr(YamlTree) tree = parse("a: {x: 1}\nb:\n  - one\n  - 'two'\nc:\n");
    const YamlNode *list = yaml_get(yaml_root(tree), "b");
    const YamlPair *last = yaml_pair(yaml_root(tree), 2);

    g_assert_cmpint(yaml_kind(yaml_root(tree)), ==, YAML_MAPPING);
    g_assert_cmpuint(yaml_count(yaml_root(tree)), ==, 3);
    g_assert_cmpstr(text_of(tree, "a", "x"), ==, "1");
    g_assert_cmpint(yaml_kind(list), ==, YAML_SEQUENCE);
    g_assert_cmpuint(yaml_count(list), ==, 2);
    g_assert_true(yaml_is_plain(yaml_item(list, 0)));
    g_assert_false(yaml_is_plain(yaml_item(list, 1)));
    g_assert_cmpint(yaml_place(yaml_item(list, 0)).line, ==, 3);
    g_assert_cmpint(yaml_place(yaml_item(list, 0)).column, ==, 5);
    g_assert_cmpstr(last->key, ==, "c");
    g_assert_cmpint(last->place.line, ==, 5);
    g_assert_cmpstr(yaml_text(last->value), ==, "");
    g_assert_null(yaml_get(yaml_root(tree), "d"));
}

static void test_empty(void)
{
    g_autoptr(YamlTree) nothing = parse("");
    g_autoptr(YamlTree) comment = parse("# only this\n\n");

    g_assert_null(yaml_root(nothing));
    g_assert_null(yaml_root(comment));
}

static void test_str_tag(void)
{
    g_autoptr(YamlTree) tree = parse("a: {x: !!str 12, y: 12}\n");
    const YamlNode *section = yaml_get(yaml_root(tree), "a");

    g_assert_false(yaml_is_plain(yaml_get(section, "x")));
    g_assert_true(yaml_is_plain(yaml_get(section, "y")));
}

static void test_merge_order(void)
{
    g_autoptr(YamlTree) tree = parse("base: &base {before: base, after: base, own: base}\n"
                                     "user:\n"
                                     "  before: user\n"
                                     "  <<: *base\n"
                                     "  after: user\n");

    g_assert_cmpstr(text_of(tree, "user", "before"), ==, "base");
    g_assert_cmpstr(text_of(tree, "user", "after"), ==, "user");
    g_assert_cmpstr(text_of(tree, "user", "own"), ==, "base");
}

static void test_two_merges(void)
{
    g_autoptr(YamlTree) tree = parse("one: &one {x: 1, only: 1}\n"
                                     "two: &two {x: 2}\n"
                                     "user:\n"
                                     "  <<: *one\n"
                                     "  <<: *two\n"
                                     "list:\n"
                                     "  <<: [*one, *two]\n");
    const YamlNode *user = yaml_get(yaml_root(tree), "user");

    g_assert_cmpstr(text_of(tree, "user", "x"), ==, "2");
    g_assert_cmpstr(text_of(tree, "user", "only"), ==, "1");
    g_assert_cmpstr(text_of(tree, "list", "x"), ==, "1");
    g_assert_cmpuint(yaml_count(user), ==, 2);
    g_assert_true(yaml_pair(user, 0)->is_merged);
    g_assert_cmpint(yaml_pair(user, 0)->repeats_line, ==, 0);
    g_assert_cmpint(yaml_pair(user, 0)->place.line, ==, 2);
}

static void test_repeated_key(void)
{
    g_autoptr(YamlTree) tree = parse("a: 1\nb: 2\na: 3\n");
    const YamlPair *pair = yaml_pair(yaml_root(tree), 0);

    g_assert_cmpstr(yaml_text(pair->value), ==, "3");
    g_assert_cmpint(pair->place.line, ==, 3);
    g_assert_cmpint(pair->repeats_line, ==, 1);
}

static void test_anchor_redefined(void)
{
    g_autoptr(YamlTree) tree = parse("a: &x {v: 1}\nb: &x {v: 2}\nc: *x\n");

    g_assert_cmpstr(text_of(tree, "c", "v"), ==, "2");
    g_assert_true(yaml_is_anchor(yaml_get(yaml_root(tree), "a")));
}

static void test_errors(void)
{
    expect_error("a:\n  b: [1, 2\nc: 3\n", 3, 2, "syntax error");
    expect_error("a:\n\tb: 1\n", 2, 1, "tab");
    expect_error("a: b\n---\nc: d\n", 2, 1, "second document");
    expect_error("a: *nobody\n", 1, 5, "\"*nobody\" has no anchor");
    expect_error("a: &a [*a]\n", 1, 9, "no anchor"); /* never a circle */
    expect_error("a: 1\n<<: 5\n", 2, 1, "alias of a mapping");
    expect_error("<<: [1]\n", 1, 1, "mappings alone");
    expect_error("[a]: b\n", 1, 1, "key must be a plain text");
    expect_error("a: \"\\0\"\n", 1, 5, "not allowed");
}

static void test_secret_is_not_quoted(void)
{
    g_autoptr(YamlTree) tree = NULL;
    YamlPlace place;
    g_autoptr(Error) error = yaml_parse("token: \"hush\" hush\n  hush: hush\n", &place, &tree);

    g_assert_nonnull(error);
    g_assert_null(strstr(error->message, "hush"));
}

/* Ten lines that stand for ten billion values. */
static void test_bomb(void)
{
    g_autoptr(GString) text = g_string_new("a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n");
    g_autoptr(YamlTree) tree = NULL;
    YamlPlace place;

    for (int i = 1; i < 10; i++) {
        g_string_append_printf(text, "a%d: &a%d [", i, i);
        for (int j = 0; j < 10; j++)
            g_string_append_printf(text, "%s*a%d", j ? ", " : "", i - 1);
        g_string_append(text, "]\n");
    }
    g_autoptr(Error) error = yaml_parse(text->str, &place, &tree);
    g_assert_nonnull(error);
    g_assert_nonnull(strstr(error->message, "more than 100000 values"));
}

/* A tree of any depth in lines that are flat themselves. */
static void test_depth_of_aliases(void)
{
    g_autoptr(GString) text = g_string_new("a0: &a0 [1]\n");
    g_autoptr(YamlTree) tree = NULL;
    YamlPlace place;

    for (int i = 1; i < 40; i++)
        g_string_append_printf(text, "a%d: &a%d [*a%d]\n", i, i, i - 1);
    g_autoptr(Error) error = yaml_parse(text->str, &place, &tree);
    g_assert_nonnull(error);
    g_assert_nonnull(strstr(error->message, "levels deep"));
}

static void test_depth(void)
{
    g_autofree char *open = g_strnfill(200, '[');
    g_autofree char *close = g_strnfill(200, ']');
    g_autofree char *text = g_strconcat("a: ", open, close, "\n", NULL);
    g_autoptr(YamlTree) tree = NULL;
    YamlPlace place;
    g_autoptr(Error) error = yaml_parse(text, &place, &tree);

    g_assert_nonnull(error);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/config/yaml/tree", test_tree);
    g_test_add_func("/config/yaml/empty", test_empty);
    g_test_add_func("/config/yaml/str-tag", test_str_tag);
    g_test_add_func("/config/yaml/merge-order", test_merge_order);
    g_test_add_func("/config/yaml/two-merges", test_two_merges);
    g_test_add_func("/config/yaml/repeated-key", test_repeated_key);
    g_test_add_func("/config/yaml/anchor-redefined", test_anchor_redefined);
    g_test_add_func("/config/yaml/errors", test_errors);
    g_test_add_func("/config/yaml/secret-is-not-quoted", test_secret_is_not_quoted);
    g_test_add_func("/config/yaml/bomb", test_bomb);
    g_test_add_func("/config/yaml/depth", test_depth);
    g_test_add_func("/config/yaml/depth-of-aliases", test_depth_of_aliases);
    return g_test_run();
}

/*
 * Manifests as JSON, there and back, and what is refused.
 */
#include <glib.h>

#include "storage/manifest.h"

static void assert_invalid(const char *text, const char *expected)
{
    Manifest *manifest = NULL;
    g_autoptr(Error) e = manifest_parse(text, &manifest);

    g_assert_nonnull(e);
    g_assert_cmpint(e->code, ==, ERR_INVALID);
    if (!strstr(e->message, expected))
        g_error("\"%s\" does not say \"%s\"", e->message, expected);
    g_assert_null(manifest);
}

static void test_there_and_back(void)
{
    const Manifest manifest = {
        .uid = (char[]){"d3k0"},
        .kind = (char[]){"snapshot"},
        .id = (char[]){"pool@snapshot_20260701080000"},
        .pool = (char[]){"pool"},
        .branch = (char[]){"main"},
        .parent = (char[]){"d3jz"},
        .message = (char[]){"say \"hi\",\n\tübermorgen \\ 🐘"},
        .owner = (char[]){"joe"},
        .pg_major = 15,
        .data_state_at_ms = INT64_MAX,
        .created_at_ms = 1782892800123,
    };
    g_autofree char *text = manifest_format(&manifest);
    g_autoptr(Manifest) back = NULL;
    g_autoptr(Error) e = manifest_parse(text, &back);

    g_assert_null(e);
    g_assert_cmpstr(back->uid, ==, manifest.uid);
    g_assert_cmpstr(back->kind, ==, manifest.kind);
    g_assert_cmpstr(back->id, ==, manifest.id);
    g_assert_cmpstr(back->pool, ==, manifest.pool);
    g_assert_cmpstr(back->branch, ==, manifest.branch);
    g_assert_cmpstr(back->parent, ==, manifest.parent);
    g_assert_cmpstr(back->message, ==, manifest.message);
    g_assert_cmpstr(back->owner, ==, manifest.owner);
    g_assert_cmpint(back->pg_major, ==, manifest.pg_major);
    g_assert_cmpint(back->data_state_at_ms, ==, manifest.data_state_at_ms);
    g_assert_cmpint(back->created_at_ms, ==, manifest.created_at_ms);
}

static void test_unset_is_empty(void)
{
    const Manifest manifest = {.uid = (char[]){"u"}, .kind = (char[]){"golden"}};
    g_autofree char *text = manifest_format(&manifest);
    g_autoptr(Manifest) back = NULL;
    g_autoptr(Error) e = manifest_parse(text, &back);

    g_assert_null(e);
    g_assert_cmpstr(back->message, ==, "");
    g_assert_cmpint(back->pg_major, ==, 0);
}

static void test_invalid_utf8_is_repaired(void)
{
    const Manifest manifest = {.uid = (char[]){"u"},
                               .kind = (char[]){"clone"},
                               .message = (char[]){"a\xff"
                                                   "b"}};
    g_autofree char *text = manifest_format(&manifest);
    g_autoptr(Manifest) back = NULL;
    g_autoptr(Error) e = manifest_parse(text, &back);

    g_assert_null(e);
    g_assert_cmpstr(back->message, ==,
                    "a\xef\xbf\xbd"
                    "b");
}

/* What a later version adds, and what an earlier one did not have. */
static void test_other_versions(void)
{
    g_autoptr(Manifest) manifest = NULL;
    g_autoptr(Error) e =
        manifest_parse("{\"uid\": \"u\", \"kind\": \"clone\", \"labels\": [1]}", &manifest);

    g_assert_null(e);
    g_assert_cmpstr(manifest->branch, ==, "");
}

static void test_invalid(void)
{
    assert_invalid("", "line");
    assert_invalid("{", "line");
    assert_invalid("[]", "not a JSON object");
    assert_invalid("{}", "\"uid\" is not a string");
    assert_invalid("{\"uid\": \"\", \"kind\": \"clone\"}", "\"uid\" is empty");
    assert_invalid("{\"uid\": \"u\"}", "\"kind\" is not a string");
    assert_invalid("{\"uid\": 1, \"kind\": \"clone\"}", "\"uid\" is not a string");
    assert_invalid("{\"uid\": \"u\", \"kind\": \"dragon\"}", "unknown kind \"dragon\"");
    assert_invalid("{\"uid\": \"u\", \"kind\": \"clone\", \"pgMajor\": \"15\"}",
                   "\"pgMajor\" is not a whole number");
    assert_invalid("{\"uid\": \"u\", \"uid\": \"v\", \"kind\": \"clone\"}", "line");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/storage/manifest/there-and-back", test_there_and_back);
    g_test_add_func("/storage/manifest/unset-is-empty", test_unset_is_empty);
    g_test_add_func("/storage/manifest/invalid-utf8-is-repaired", test_invalid_utf8_is_repaired);
    g_test_add_func("/storage/manifest/other-versions", test_other_versions);
    g_test_add_func("/storage/manifest/invalid", test_invalid);
    return g_test_run();
}

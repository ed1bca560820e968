/*
 * The config file, there and back, and the settings read from it.
 */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "base/fs.h"
#include "cli/args.h"
#include "cli/json_path.h"
#include "cli/profile.h"
#include "cli/settings.h"

static const char profile_dblab[] = "current_environment: dev\n"
                                    "environments:\n"
                                    "  dev:\n"
                                    "    url: http://127.0.0.1:2345/\n"
                                    "    token: \"${TEST_TOKEN}x\"\n"
                                    "    insecure: true\n"
                                    "    request_timeout: 1m30s\n"
                                    "    forwarding:\n"
                                    "      server_url: ssh://user@host:22\n"
                                    "      local_port: 8888\n"
                                    "      identity_file: \"\"\n"
                                    "    branching:\n"
                                    "      current_branch: dev\n"
                                    "    of_later: [1, two]\n"
                                    "settings:\n"
                                    "  tz: Europe/Berlin\n";

static json_t *parse_good(const char *text)
{
    json_t *root = NULL;
    g_autoptr(Error) e = profile_parse(text, "cli.yml", &root);

    g_assert_null(e);
    return root;
}

static void test_round_trip(void)
{
    g_autoptr(json_t) first = parse_good(profile_dblab);
    g_autofree char *text = profile_format(first);
    g_autoptr(json_t) second = parse_good(text);

    g_assert_true(json_equal(first, second));
    g_assert_cmpstr(json_text_at(first, "environments.dev.forwarding.local_port"), ==, "8888");
    g_assert_true(json_flag_at(first, "environments.dev.insecure"));
    g_assert_nonnull(strstr(text, "  tz: \"Europe/Berlin\"\n"));
}

/* A text stays the text it was, whatever YAML would make of it unquoted. */
static void test_odd_texts(void)
{
    static const char *const texts[] = {"",        "true",    "null", "~",          "a: b",
                                        "# c",     "\"q\"\\", "- x",  "two\nlines", "tab\t",
                                        "ünïcode", "{}",      "*a",   "0x10"};

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(json_t) root = json_object();
        g_autoptr(json_t) again = NULL;
        g_autofree char *yaml = NULL;

        json_object_set_new(root, "plain", json_string(texts[i]));
        json_object_set_new(root, texts[i], json_string("key"));
        yaml = profile_format(root);
        again = parse_good(yaml);
        g_assert_true(json_equal(root, again));
    }
}

static void test_empty(void)
{
    g_autoptr(json_t) nothing = parse_good("");
    g_autoptr(json_t) comment = parse_good("# nothing yet\n");

    g_assert_cmpuint(json_object_size(nothing), ==, 0);
    g_assert_cmpuint(json_object_size(comment), ==, 0);
}

static void test_bad(void)
{
    static const char *const texts[] = {"environments: [\n", "a:\n  b: 'x\n", "- list\n", "text"};

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        json_t *root = NULL;
        g_autoptr(Error) e = profile_parse(texts[i], "cli.yml", &root);

        g_assert_nonnull(e);
        g_assert_cmpint(e->code, ==, ERR_INVALID);
        g_assert_nonnull(strstr(e->message, "config file \"cli.yml\""));
    }
}

static void assert_refused(const char *text, const char *why)
{
    json_t *root = NULL;
    g_autoptr(Error) e = profile_parse(text, "cli.yml", &root);

    g_assert_nonnull(e);
    g_assert_cmpint(e->code, ==, ERR_INVALID);
    g_assert_nonnull(strstr(e->message, why));
}

/* A few lines that stand for a billion values, for themselves, for a tree without end. */
static void test_aliases_are_bounded(void)
{
    g_autoptr(GString) bomb = g_string_new("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    g_autoptr(GString) merges = g_string_new("a0: &a0 {k: x}\n");
    g_autoptr(GString) chain = g_string_new("a0: &a0 [x]\n");
    g_autoptr(GString) brackets = g_string_new("a: ");

    for (int i = 1; i < 9; i++) {
        g_string_append_printf(bomb, "a%d: &a%d [", i, i);
        g_string_append_printf(merges, "a%d: &a%d {", i, i);
        for (int j = 0; j < 10; j++) {
            g_string_append_printf(bomb, "%s*a%d", j ? ", " : "", i - 1);
            g_string_append_printf(merges, "%sk%d: *a%d", j ? ", " : "", j, i - 1);
        }
        g_string_append(bomb, "]\n");
        g_string_append(merges, ", <<: *a0}\n");
    }
    for (int i = 1; i < 100; i++)
        g_string_append_printf(chain, "a%d: &a%d [*a%d]\n", i, i, i - 1);
    for (int i = 0; i < 30; i++)
        g_string_append_c(brackets, '[');
    for (int i = 0; i < 30; i++)
        g_string_append_c(brackets, ']');
    assert_refused(bomb->str, "more than 10000 values");
    assert_refused(merges->str, "more than 10000 values");
    assert_refused(chain->str, "levels deep");
    assert_refused(brackets->str, "levels deep");
    assert_refused("a: &a [*a]\n", "");
    assert_refused("a: *none\n", "");
}

/* Files of the DBLab client may use them, as YAML has it: own keys win over merged ones. */
static void test_aliases(void)
{
    g_autoptr(json_t) root = parse_good("base: &b {url: u, token: t}\n"
                                        "environments:\n"
                                        "  one: {<<: *b, token: own}\n"
                                        "  two: *b\n"
                                        "  three: {<<: [*b, {insecure: true}]}\n");

    g_assert_cmpstr(json_text_at(root, "environments.one.url"), ==, "u");
    g_assert_cmpstr(json_text_at(root, "environments.one.token"), ==, "own");
    g_assert_cmpstr(json_text_at(root, "environments.two.token"), ==, "t");
    g_assert_cmpstr(json_text_at(root, "environments.three.url"), ==, "u");
    g_assert_true(json_flag_at(root, "environments.three.insecure"));
}

static Profile *load_good(void)
{
    Profile *profile = NULL;
    g_autoptr(Error) e = profile_load_to_change(&profile);

    g_assert_null(e);
    return profile;
}

/* No file, then DBLab's, then our own, which is written beside it. */
static void test_files(void)
{
    g_autofree char *theirs = g_build_filename(g_get_home_dir(), ".dblab", "cli", "cli.yml", NULL);
    g_autofree char *their_dir = g_path_get_dirname(theirs);
    g_autofree char *ours = g_build_filename(g_get_home_dir(), ".ramet", "cli.yml", NULL);
    g_autofree char *our_dir = g_path_get_dirname(ours);
    g_autofree char *their_text = NULL;
    g_autoptr(Profile) none = NULL;
    g_autoptr(Profile) dblab = NULL;
    g_autoptr(Profile) own = NULL;
    GStatBuf info;
    Error *e = NULL;

    e = profile_load(&none);
    g_assert_null(e);
    g_assert_false(none->exists);
    g_assert_null(profile_current(none));
    g_assert_cmpint(g_mkdir_with_parents(their_dir, 0755), ==, 0);
    g_assert_true(g_file_set_contents(theirs, profile_dblab, -1, NULL));
    dblab = load_good();
    g_assert_true(dblab->exists);
    g_assert_cmpstr(profile_current_id(dblab), ==, "dev");

    json_object_set_new(profile_environments(dblab), "two", json_object());
    profile_set_current_id(dblab, "two");
    e = profile_save(dblab);
    g_assert_null(e);
    e = profile_load(&own);
    g_assert_null(e);
    g_assert_cmpstr(profile_current_id(own), ==, "two");
    g_assert_nonnull(profile_environment(own, "dev"));
    g_assert_null(profile_environment(own, "three"));
    g_assert_cmpint(g_stat(ours, &info), ==, 0);
    g_assert_cmpint(info.st_mode & 0777, ==, 0600);
    g_assert_cmpint(g_stat(our_dir, &info), ==, 0);
    g_assert_cmpint(info.st_mode & 0777, ==, 0700);
    g_assert_true(g_file_get_contents(theirs, &their_text, NULL, NULL));
    g_assert_cmpstr(their_text, ==, profile_dblab);
}

/* --- settings --- */

static Error *resolve(const char *yaml, const char *line, Settings **ret_settings)
{
    g_auto(GStrv) words = g_strsplit(line, " ", -1);
    g_autoptr(Args) args = NULL;
    g_autoptr(Profile) profile = profile_new();

    json_decref(profile->root);
    profile->root = parse_good(yaml);
    TRY(args_parse((const char *const *)words, &args));
    return settings_resolve(args, profile, ret_settings);
}

static Settings *resolve_good(const char *yaml, const char *line)
{
    Settings *settings = NULL;
    g_autoptr(Error) e = resolve(yaml, line, &settings);

    g_assert_null(e);
    return settings;
}

static void test_settings_of_file(void)
{
    g_autoptr(Settings) settings = NULL;

    g_setenv("TEST_TOKEN", "secret", TRUE);
    settings = resolve_good(profile_dblab, "clone list");
    g_assert_cmpstr(settings->url, ==, "http://127.0.0.1:8888"); /* through the tunnel */
    g_assert_cmpstr(settings->token, ==, "secretx");
    g_assert_cmpstr(settings->branch, ==, "dev");
    g_assert_cmpint(settings->timeout_ms, ==, 90000);
    g_assert_true(settings->is_insecure);
}

static void test_settings_precedence(void)
{
    g_autoptr(Settings) settings = NULL;

    g_setenv("DBLAB_CLI_CURRENT_BRANCH", "of-variable", TRUE);
    settings = resolve_good(profile_dblab, "clone list --url https://h/base/ --token $t "
                                           "--forwarding-local-port 99 --insecure=false "
                                           "--request-timeout 0");
    g_unsetenv("DBLAB_CLI_CURRENT_BRANCH");
    g_assert_cmpstr(settings->url, ==, "https://h:99/base");
    g_assert_cmpstr(settings->token, ==, "$t"); /* only the file's is expanded */
    g_assert_cmpstr(settings->branch, ==, "of-variable");
    g_assert_cmpint(settings->timeout_ms, ==, 60000);
    g_assert_false(settings->is_insecure);
}

static void test_settings_missing(void)
{
    Settings *settings = NULL;
    g_autoptr(Error) no_url = resolve("", "clone list", &settings);
    g_autoptr(Error) no_variable = NULL;

    g_assert_nonnull(no_url);
    g_assert_nonnull(no_url->hint);
    g_unsetenv("TEST_TOKEN");
    no_variable = resolve(profile_dblab, "clone list", &settings);
    g_assert_nonnull(no_variable);
    g_assert_cmpstr(no_variable->message, ==, "environment variable \"TEST_TOKEN\" is not set");
    g_assert_null(settings);
}

static void test_urls(void)
{
    static const struct {
        const char *text;
        const char *url;
    } rows[] = {
        {"127.0.0.1:2345", "http://127.0.0.1:2345"},
        {"localhost", "http://localhost"},
        {"localhost:2345/", "http://localhost:2345"},
        {"https://ramet.example.com/api//", "https://ramet.example.com/api"},
        {"http://[::1]:2345", "http://[::1]:2345"},
        {"ftp://x", NULL},
        {"http://", NULL},
        {"http://h:99999", NULL},
        {"", NULL},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *url = NULL;
        g_autoptr(Error) e = settings_parse_url(rows[i].text, NULL, &url);

        g_assert_cmpstr(url, ==, rows[i].url);
        g_assert_cmpint(e != NULL, ==, rows[i].url == NULL);
    }
}

int main(int argc, char **argv)
{
    g_autofree char *home = g_dir_make_tmp("ramet-test-XXXXXX", NULL);
    int failures = 0;
    Error *e = NULL;

    g_setenv("HOME", home, TRUE); /* before GLib reads it for the first time */
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/profile/round_trip", test_round_trip);
    g_test_add_func("/profile/odd_texts", test_odd_texts);
    g_test_add_func("/profile/empty", test_empty);
    g_test_add_func("/profile/bad", test_bad);
    g_test_add_func("/profile/aliases", test_aliases);
    g_test_add_func("/profile/aliases_are_bounded", test_aliases_are_bounded);
    g_test_add_func("/profile/files", test_files);
    g_test_add_func("/settings/of_file", test_settings_of_file);
    g_test_add_func("/settings/precedence", test_settings_precedence);
    g_test_add_func("/settings/missing", test_settings_missing);
    g_test_add_func("/settings/urls", test_urls);
    failures = g_test_run();
    e = fs_remove_tree(home);
    g_assert_null(e);
    return failures;
}

/*
 * Text of configuration files, and which settings are refused.
 */
#include "postgres/conf.h"

#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/proc.h"

typedef json_t Json;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Json, json_decref)

static Json *parse(const char *text)
{
    Json *json = json_loads(text, 0, NULL);

    g_assert_nonnull(json);
    return json;
}

static bool has_line(const char *text, const char *line)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    return g_strv_contains((const char *const *)lines, line);
}

static void test_layers(void)
{
    g_autoptr(Json) low = parse("{\"work_mem\": \"1MB\", \"jit\": true, \"archive_mode\": null}");
    g_autoptr(Json) high = parse("{\"Work_Mem\": \"2MB\", \"geqo_seed\": 0.25, \"port\": 7000}");
    ConfSpec spec = {.purpose = CONF_CLONE, .major = 15, .layers = {low, NULL, high}};
    g_autofree char *text = conf_format(&spec);

    g_assert_true(has_line(text, "work_mem = '2MB'"));
    g_assert_null(strstr(text, "1MB"));
    g_assert_true(has_line(text, "jit = 'on'"));
    g_assert_true(has_line(text, "geqo_seed = '0.25'"));
    g_assert_true(has_line(text, "port = '7000'"));
    g_assert_null(strstr(text, "archive_mode"));
}

static void test_quoting(void)
{
    g_autoptr(Json) layer =
        parse("{\"a.b\": \"it's C:\\\\x\\n#\", \"bad name\": \"x\", \"list\": []}");
    ConfSpec spec = {.purpose = CONF_CLONE, .major = 15, .layers = {layer}};
    g_autofree char *text = conf_format(&spec);

    g_assert_true(has_line(text, "a.b = 'it''s C:\\\\x\\012#'"));
    g_assert_null(strstr(text, "bad name"));
    g_assert_null(strstr(text, "list"));
}

static void test_majors(void)
{
    ConfSpec oldest = {.purpose = CONF_CLONE, .major = 9};
    g_autofree char *oldest_text = conf_format(&oldest);
    ConfSpec old = {.purpose = CONF_CLONE, .major = 11};
    ConfSpec new = {.purpose = CONF_CLONE, .major = 17};
    g_autofree char *old_text = conf_format(&old);
    g_autofree char *new_text = conf_format(&new);

    g_assert_null(strstr(oldest_text, "password_encryption"));
    g_assert_null(strstr(oldest_text, "max_logical_replication_workers"));
    g_assert_true(has_line(old_text, "password_encryption = 'scram-sha-256'"));
    g_assert_null(strstr(old_text, "wal_init_zero"));
    g_assert_null(strstr(old_text, "recovery_init_sync_method"));
    g_assert_true(has_line(new_text, "wal_init_zero = 'off'"));
    g_assert_true(has_line(new_text, "recovery_init_sync_method = 'syncfs'"));
    g_assert_null(strstr(new_text, "fsync = 'off'"));
}

static void test_load(void)
{
    ConfSpec spec = {.purpose = CONF_LOAD, .major = 15};
    g_autofree char *text = conf_format(&spec);

    g_assert_true(has_line(text, "fsync = 'off'"));
    g_assert_true(has_line(text, "wal_level = 'minimal'"));
    g_assert_true(has_line(text, "max_wal_senders = '0'"));
    g_assert_true(
        g_regex_match_simple("^maintenance_work_mem = '[0-9]+MB'$", text, G_REGEX_MULTILINE, 0));
}

static void assert_names(const char *settings, const char *words)
{
    g_autoptr(Json) json = parse(settings);
    g_autoptr(Error) e = conf_check_names(json);

    if (words == NULL) {
        g_assert_null(e);
        return;
    }
    g_assert_nonnull(e);
    g_assert_cmpint(e->code, ==, ERR_INVALID);
    g_assert_nonnull(strstr(e->message, words));
}

static void test_names(void)
{
    assert_names("{}", NULL);
    assert_names("{\"work_mem\": \"1MB\", \"auto_explain.log_timing\": true, \"x\": 1}", NULL);
    assert_names("{\"port\": 1}", "\"port\" cannot be set");
    assert_names("{\"LISTEN_Addresses\": \"*\"}", "cannot be set");
    assert_names("{\"archive_command\": \"rm\"}", "cannot be set");
    assert_names("{\"work mem\": \"1MB\"}", "not a name");
    assert_names("{\"\": \"1MB\"}", "not a name");
    assert_names("{\"a.b.c\": \"1MB\"}", "not a name");
    assert_names("{\"x\\ny\": \"1MB\"}", "\\x0a");
    assert_names("{\"x\\n\": \"1MB\"}", "not a name");
    assert_names("{\"x\": \"a\\nport = 1\"}", "line break");
    assert_names("{\"x\": {}}", "not a scalar");
    assert_names("{\"x\": null}", "not a scalar");
    assert_names("[]", "not an object");
}

static void test_many_and_long(void)
{
    g_autoptr(Json) many = json_object();
    g_autoptr(Json) large = json_object();
    g_autofree char *value = g_strnfill(4097, 'x');

    for (int i = 0; i <= 200; i++) {
        g_autofree char *name = g_strdup_printf("x%d", i);
        g_assert_null(conf_check_names(many));
        json_object_set_new(many, name, json_true());
    }
    g_autoptr(Error) e = conf_check_names(many);
    g_assert_cmpint(e->code, ==, ERR_INVALID);

    json_object_set_new(large, "x", json_string(value));
    g_autoptr(Error) too_long = conf_check_names(large);
    g_assert_cmpint(too_long->code, ==, ERR_INVALID);
    g_assert_null(conf_check_names(NULL));
}

static void test_hba(void)
{
    g_autofree char *scram = conf_hba(&(ConfAccess){.manager = "it \"is\" me"});
    g_autofree char *md5 =
        conf_hba(&(ConfAccess){.manager = "postgres", .user = "alice", .accepts_md5 = true});
    g_autofree char *own = conf_hba(&(ConfAccess){.manager = "postgres", .user = "postgres"});
    const char *reject = strstr(scram, "host all \"it \"\"is\"\" me\" 0.0.0.0/0 reject\n");
    const char *accept = strstr(scram, "host all all 0.0.0.0/0 scram-sha-256\n");

    g_assert_nonnull(reject);
    g_assert_nonnull(accept);
    g_assert_true(reject < accept);
    g_assert_nonnull(strstr(scram, "host all \"it \"\"is\"\" me\" ::/0 reject\n"));
    g_assert_nonnull(strstr(scram, "host all all ::/0 scram-sha-256\n"));
    g_assert_nonnull(strstr(scram, "local all \"it \"\"is\"\" me\" peer map=ramet\n"));
    g_assert_null(strstr(scram, "trust"));
    g_assert_null(strstr(scram, "md5"));
    g_assert_nonnull(strstr(md5, "host all all 0.0.0.0/0 md5\n"));
    g_assert_nonnull(strstr(md5, "reject"));
    g_assert_null(strstr(own, "reject")); /* the clone's user is the manager himself */
    g_assert_nonnull(
        strstr(own, "local template1 \"postgres\" peer map=ramet\nlocal all all scram"));
}

static void test_ident(void)
{
    const struct passwd *self = getpwuid(geteuid());
    g_autofree char *ours = g_strdup_printf("ramet \"%s\" \"boss\"", self->pw_name);
    g_autofree char *alone = conf_ident(&(ConfAccess){.manager = "boss"});
    g_autofree char *text = conf_ident(&(ConfAccess){.manager = "boss", .tool_user = "dbrunner"});
    g_autofree char *same =
        conf_ident(&(ConfAccess){.manager = "boss", .tool_user = self->pw_name});

    g_assert_true(has_line(text, "ramet \"dbrunner\" \"boss\""));
    g_assert_true(has_line(text, ours));
    g_assert_true(has_line(alone, ours));
    g_assert_null(strstr(strstr(alone, ours) + 1, "ramet"));
    g_assert_true(has_line(same, ours));
    g_assert_null(strstr(strstr(same, ours) + 1, "ramet"));
}

static void test_take_over(void)
{
    static const char original[] = "lc_messages = 'de_DE.UTF-8'\t# kept\n#lc_time = 'C'\n"
                                   "archive_command = 'cp %p /x'\nport = 5433\nTimeZone='Etc/UTC'\n"
                                   "default_text_search_config = 'pg_catalog.german'\n";
    g_autofree char *dir = g_dir_make_tmp("ramet-conf-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "postgresql.conf", NULL);
    const char *user = getpwuid(geteuid())->pw_name;
    g_autofree char *first = NULL;
    g_autofree char *second = NULL;

    g_assert_true(g_file_set_contents(path, original, -1, NULL));
    g_assert_null(conf_take_over(dir, user, &(ConfAccess){.manager = "postgres"}));
    g_assert_null(fs_read_file(path, 10000, &first));
    g_assert_true(has_line(first, "lc_messages = 'de_DE.UTF-8'\t# kept"));
    g_assert_true(has_line(first, "TimeZone='Etc/UTC'"));
    g_assert_true(has_line(first, "default_text_search_config = 'pg_catalog.german'"));
    g_assert_true(has_line(first, "include 'ramet.conf'"));
    g_assert_null(strstr(first, "archive_command"));
    g_assert_null(strstr(first, "port"));

    g_assert_null(conf_take_over(dir, user, &(ConfAccess){.manager = "postgres"}));
    g_assert_null(fs_read_file(path, 10000, &second));
    g_assert_cmpstr(first, ==, second);
    g_assert_null(fs_remove_tree(dir));
}

/*
 * What postgres printed: it tells unknown names alone at first, and bad values when there are none.
 */
static int n_asked;

static Error *play_postgres(const ProcSpec *spec, ProcResult *ret_result)
{
    static const char *const answers[] = {
        "LOG:  unrecognized configuration parameter \"nosuch\" in file \"/x/postgresql.conf\" line "
        "1\n"
        "FATAL:  configuration file \"/x/postgresql.conf\" contains errors\n",
        "LOG:  invalid value for parameter \"work_mem\": \"abc\"\n"
        "LOG:  -5 8kB is outside the valid range for parameter \"shared_buffers\" (16 .. "
        "1073741823)\n"
        "FATAL:  configuration file \"/x/postgresql.conf\" contains errors\n",
    };
    g_autofree char *path = g_build_filename(spec->cwd, "postgresql.conf", NULL);
    g_autofree char *text = NULL;

    g_assert_cmpstr(spec->argv[1], ==, "-D");
    g_assert_null(fs_read_file(path, 10000, &text));
    g_assert_cmpint(strstr(text, "nosuch = 'x'") != NULL, ==, n_asked == 0);
    ret_result->errors = g_strdup(answers[n_asked++]);
    return error_new(ERR_EXTERNAL, "program \"postgres\" failed with status 1");
}

static Error *run_here(const ProcSpec *spec, ProcResult *ret_result, void *data)
{
    return proc_run(spec, ret_result);
}

static void test_values(void)
{
    const ProgramRunner runner = {g_get_tmp_dir(), run_here, NULL};
    char bin_dir[] = "/pg/bin";
    Installation installation = {.major = 15, .bin_dir = bin_dir};
    g_autoptr(Json) settings =
        parse("{\"nosuch\": \"x\", \"work_mem\": \"abc\", \"shared_buffers\": -5}");

    proc_run_hook = play_postgres;
    g_autoptr(Error) e =
        conf_check_values(&installation, getpwuid(geteuid())->pw_name, &runner, settings);
    proc_run_hook = NULL;

    g_assert_cmpint(n_asked, ==, 2);
    g_assert_cmpint(e->code, ==, ERR_INVALID);
    g_assert_cmpstr(
        e->message, ==,
        "invalid setting: unrecognized configuration parameter \"nosuch\" (and 2 more)");
    g_assert_true(has_line(e->detail, "invalid value for parameter \"work_mem\": \"abc\""));
    g_assert_nonnull(strstr(e->detail, "shared_buffers"));
    g_assert_null(strstr(e->detail, "postgresql.conf"));
    g_assert_cmpuint(json_object_size(settings), ==, 3);
}

/* Whatever is in their place: a clone's superuser can put anything there. */
static void test_end_recovery(void)
{
    g_autofree char *dir = g_dir_make_tmp("ramet-recovery-XXXXXX", NULL);
    g_autofree char *old = g_build_filename(dir, "recovery.conf", NULL);
    g_autofree char *signal = g_build_filename(dir, "standby.signal", NULL);
    g_autofree char *below = g_build_filename(dir, "recovery.signal", "below", NULL);
    g_autofree char *data = g_build_filename(dir, "PG_VERSION", NULL);

    g_assert_null(fs_write_file(data, "15\n", NULL));
    g_assert_null(fs_write_file(old, "standby_mode = on\n", NULL));
    g_assert_cmpint(symlink(data, signal), ==, 0);
    g_assert_null(fs_make_dir(below, 0700, NULL));
    g_assert_null(conf_end_recovery(dir));
    g_assert_null(conf_end_recovery(dir));

    g_auto(GStrv) names = NULL;
    g_assert_null(fs_list_dir(dir, &names));
    g_assert_cmpuint(g_strv_length(names), ==, 1);
    g_assert_cmpstr(names[0], ==, "PG_VERSION");
    g_assert_null(fs_remove_tree(dir));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/conf/layers", test_layers);
    g_test_add_func("/conf/quoting", test_quoting);
    g_test_add_func("/conf/majors", test_majors);
    g_test_add_func("/conf/load", test_load);
    g_test_add_func("/conf/names", test_names);
    g_test_add_func("/conf/many-and-long", test_many_and_long);
    g_test_add_func("/conf/hba", test_hba);
    g_test_add_func("/conf/ident", test_ident);
    g_test_add_func("/conf/take-over", test_take_over);
    g_test_add_func("/conf/end-recovery", test_end_recovery);
    g_test_add_func("/conf/values", test_values);
    return g_test_run();
}

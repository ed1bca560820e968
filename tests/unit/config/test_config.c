/*
 * From a file to a Config: values, types, defaults, variables, and all problems at once.
 */
#include "fixture.h"

/* The style of the published examples: anchors, and two "<<" in one mapping. */
static const char published[] =
    "server:\n"
    "  verificationToken: \"${RAMET_TEST_TOKEN}\"\n"
    "  port: 2345\n"
    "  disableConfigModification: off\n"
    "global:\n"
    "  engine: postgres\n"
    "  debug: yes\n"
    "  database: {username: postgres, dbname: postgres}\n"
    "poolManager:\n"
    "  mountDir: /var/lib/dblab\n"
    "  dataSubDir: data\n"
    "  clonesMountSubDir: clones\n"
    "  socketSubDir: sockets\n"
    "  observerSubDir: observer\n"
    "  preSnapshotSuffix: \"_pre\"\n"
    "  selectedPool: \"\"\n"
    "databaseContainer: &db_container\n"
    "  dockerImage: \"postgresai/extended-postgres:15\"\n"
    "  containerConfig:\n"
    "    \"shm-size\": 1gb\n"
    "  ownKey: anything\n"
    "databaseConfigs: &db_configs\n"
    "  configs:\n"
    "    shared_buffers: 1GB\n"
    "    jit: off\n"
    "    work_mem: 0100\n"
    "    random_page_cost: 1.5\n"
    "    quoted: '0777'\n"
    "    absent:\n"
    "runtime: {trusted: true}\n"
    "provision:\n"
    "  <<: *db_container\n"
    "  portPool: {from: 6000, to: 6099}\n"
    "  useSudo: false\n"
    "  cloneAccessAddresses: \"127.0.0.1\"\n"
    "cloning:\n"
    "  maxIdleMinutes: 120\n"
    "retrieval:\n"
    "  refresh: {timetable: \"\", skipStartRefresh: true}\n"
    "  jobs: [logicalDump, logicalRestore, logicalSnapshot]\n"
    "  spec:\n"
    "    logicalDump:\n"
    "      options:\n"
    "        <<: *db_container\n"
    "        dumpLocation: /var/lib/dblab/dump\n"
    "        source:\n"
    "          type: remote\n"
    "          connection: {dbname: app, host: db.example, port: 5433, username: dumper}\n"
    "        databases:\n"
    "          app:\n"
    "          42: {tables: [public.a, 7], excludeTables: []}\n"
    "        parallelJobs: 4\n"
    "        immediateRestore: {enabled: false, configs: {fsync: off}}\n"
    "        customOptions: [--no-owner, -N=x]\n"
    "    logicalRestore:\n"
    "      options:\n"
    "        <<: *db_container\n"
    "        <<: *db_configs\n"
    "        dumpLocation: /var/lib/dblab/dump\n"
    "        queryPreprocessing: {queryPath: \"\", maxParallelWorkers: 2, inline: \"\"}\n"
    "    logicalSnapshot:\n"
    "      options:\n"
    "        preprocessingScript: \"\"\n"
    "        <<: *db_configs\n"
    "        dataPatching:\n"
    "          <<: *db_container\n"
    "          queryPreprocessing: {queryPath: \"\", maxParallelWorkers: 2, inline: \"\"}\n"
    "    physicalRestore:\n"
    "      options: {tool: 5, nonsense: [1]}\n"
    "diagnostic: {logsRetentionDays: 7}\n"
    "embeddedUI: {enabled: false, port: 2346}\n"
    "webhooks:\n"
    "  hooks:\n";

static void expect_json(const json_t *value, const char *text)
{
    g_autofree char *got = value ? json_dumps(value, JSON_SORT_KEYS | JSON_COMPACT) : NULL;

    g_assert_cmpstr(got, ==, text);
}

static void test_published(void)
{
    g_auto(Fixture) fixture = {0};

    g_setenv("RAMET_TEST_TOKEN", "s3cret", true);
    g_unsetenv("PGPASSWORD");
    fixture_read(&fixture, published);
    g_assert_null(fixture.error);

    const Config *config = fixture.config;
    g_assert_cmpstr(config->server.verification_token, ==, "s3cret");
    g_assert_cmpint(config->server.port, ==, 2345);
    g_assert_false(config->server.disable_config_modification);
    g_assert_true(config->global.debug);
    g_assert_cmpstr(config->pool_manager.mount_dir, ==, "/var/lib/dblab");
    g_assert_cmpint(config->provision.port_to, ==, 6099);
    g_assert_cmpstr(config->provision.docker_image, ==, "postgresai/extended-postgres:15");
    expect_json(config->provision.container_config, "{\"shm-size\":\"1gb\"}");
    g_assert_cmpint(config->cloning.max_idle_minutes, ==, 120);

    const RetrievalConfig *retrieval = &config->retrieval;
    const char *settings = "{\"jit\":false,\"quoted\":\"0777\",\"random_page_cost\":1.5,"
                           "\"shared_buffers\":\"1GB\",\"work_mem\":64}";
    expect_json(retrieval->jobs, "[\"logicalDump\",\"logicalRestore\",\"logicalSnapshot\"]");
    g_assert_true(retrieval->skip_start_refresh);
    g_assert_true(retrieval->dump.is_set && retrieval->restore.is_set &&
                  retrieval->snapshot.is_set);
    g_assert_cmpint(retrieval->dump.port, ==, 5433);
    g_assert_cmpstr(retrieval->dump.username, ==, "dumper");
    g_assert_cmpint(retrieval->dump.parallel_jobs, ==, 4);
    g_assert_false(retrieval->dump.is_immediate_restore);
    expect_json(retrieval->dump.databases,
                "{\"42\":{\"excludeTables\":[],\"tables\":[\"public.a\",\"7\"]},\"app\":{}}");
    expect_json(retrieval->dump.custom_options, "[\"--no-owner\",\"-N=x\"]");
    expect_json(config->database_configs, settings);
    expect_json(retrieval->restore.configs, settings);
    expect_json(retrieval->snapshot.configs, settings);
}

/* A harmless file is quiet: of the whole example, only the containers' options have no effect. */
static void test_published_warnings(void)
{
    g_auto(Fixture) fixture = {0};

    g_setenv("RAMET_TEST_TOKEN", "s3cret", true);
    fixture_read(&fixture, published);
    g_assert_cmpuint(fixture.problems->len, ==, 3);
    fixture_expect(&fixture, "provision.dockerImage", 18, true,
                   "has no effect with the \"oci\" runtime");
    fixture_expect(&fixture, "retrieval.spec.logicalDump.options.containerConfig", 19, true,
                   "not built yet: accepted, without effect");
}

static void test_defaults(void)
{
    g_auto(Fixture) fixture = {0};

    g_unsetenv("PGPASSWORD");
    fixture_read(&fixture, FIXTURE_REQUIRED);
    g_assert_null(fixture.error);
    g_assert_cmpuint(fixture.problems->len, ==, 0);

    const Config *config = fixture.config;
    g_assert_cmpstr(config->server.host, ==, "");
    g_assert_cmpint(config->server.port, ==, 2345);
    g_assert_cmpstr(config->server.state_dir, ==, "/var/lib/ramet");
    g_assert_cmpstr(config->provision.clone_access_addresses, ==, "");
    g_assert_cmpstr(config->cloning.access_host, ==, "localhost");
    g_assert_cmpint(config->cloning.max_idle_minutes, ==, 0);
    g_assert_cmpstr(config->global.database_username, ==, "postgres");
    g_assert_cmpstr(config->global.database_dbname, ==, "postgres");
    g_assert_cmpstr(config->pool_manager.data_sub_dir, ==, "data");
    g_assert_cmpstr(config->pool_manager.selected_pool, ==, "");
    g_assert_cmpstr(config->runtime.driver, ==, "oci");
    g_assert_cmpstr(config->runtime.network, ==, "none");
    g_assert_cmpstr(config->postgres.os_user, ==, "postgres");
    g_assert_null(config->postgres.bin_dirs);
    g_assert_null(config->database_configs);
    g_assert_null(config->retrieval.jobs);
    g_assert_false(config->retrieval.dump.is_set);
    g_assert_cmpint(config->retrieval.dump.port, ==, 5432);
    g_assert_cmpstr(config->retrieval.dump.password, ==, "");
    g_assert_cmpint(config->retrieval.dump.parallel_jobs, ==, 1);
    g_assert_cmpint(config->retrieval.restore.parallel_jobs, ==, 1);
    g_assert_cmpint(config->retrieval.snapshot.patch_workers, ==, 2);
}

/* "key:" without a value is as good as no key. */
static void test_null_is_absent(void)
{
    g_auto(Fixture) fixture = {0};

    fixture_read(&fixture, FIXTURE_REQUIRED "cloning:\n  maxIdleMinutes:\n  accessHost: ~\n"
                                            "global:\nplatform:\nretrieval:\n  jobs:\n");
    g_assert_null(fixture.error);
    g_assert_cmpuint(fixture.problems->len, ==, 0);
    g_assert_cmpstr(fixture.config->cloning.access_host, ==, "localhost");
}

static void test_five_errors(void)
{
    g_auto(Fixture) fixture = {0};

    fixture_read(&fixture, "server:\n"
                           "  allowNoToken: maybe\n"
                           "  verificationToken: t\n"
                           "  port: 99999\n"
                           "runtime: {trusted: true}\n"
                           "provision:\n"
                           "  portPool: {from: 6000, to: 6099}\n"
                           "poolManager:\n"
                           "  mountDir: relative/dir\n"
                           "cloning:\n"
                           "  maxIdleMinutes: -5\n"
                           "postgres:\n"
                           "  binDirs: {a: b}\n");
    fixture_expect(&fixture, "server.allowNoToken", 2, false,
                   "must be true or false, not \"maybe\"");
    fixture_expect(&fixture, "server.port", 4, false, "must be from 1 to 65535, not 99999");
    fixture_expect(&fixture, "poolManager.mountDir", 9, false, "must be an absolute path");
    fixture_expect(&fixture, "cloning.maxIdleMinutes", 11, false,
                   "must be from 0 to 5270400 minutes, not -5");
    fixture_expect(&fixture, "postgres.binDirs", 13, false,
                   "must be a list of words, not a mapping");
    g_assert_cmpuint(fixture.problems->len, ==, 5);

    g_autofree char *message = g_strdup_printf("configuration \"%s\" has 5 errors", fixture.path);
    g_autofree char *line = g_strdup_printf("%s:4: server.port: must be", fixture.path);
    g_assert_cmpint(fixture.error->code, ==, ERR_INVALID);
    g_assert_cmpstr(fixture.error->message, ==, message);
    g_assert_nonnull(strstr(fixture.error->detail, line));
    for (guint i = 1; i < fixture.problems->len; i++)
        g_assert_cmpint(((ConfigProblem *)g_ptr_array_index(fixture.problems, i - 1))->line, <,
                        ((ConfigProblem *)g_ptr_array_index(fixture.problems, i))->line);
}

/* The same mistake twice on one line is two mistakes. */
static void test_errors_on_one_line(void)
{
    g_auto(Fixture) fixture = {0};

    fixture_read(&fixture, "server: {allowNoToken: true}\n"
                           "poolManager: {mountDir: /pools}\n"
                           "runtime: {trusted: true}\n"
                           "provision: {portPool: {from: -1, to: -1}}\n");
    fixture_expect(&fixture, "provision.portPool.from", 4, false,
                   "must be from 0 to 65535, not -1");
    fixture_expect(&fixture, "provision.portPool.to", 4, false, "must be from 0 to 65535, not -1");
    g_assert_cmpuint(fixture.problems->len, ==, 2);
}

static void test_types(void)
{
    static const struct {
        const char *text;
        const char *path;
        const char *message;
    } cases[] = {
        {"cloning: {maxIdleMinutes: soon}", "cloning.maxIdleMinutes",
         "must be a whole number, not \"soon\""},
        {"cloning: {maxIdleMinutes: '5'}", "cloning.maxIdleMinutes",
         "must be a whole number, not the text \"5\""},
        {"cloning: {maxIdleMinutes: 1.5}", "cloning.maxIdleMinutes",
         "must be a whole number, not \"1.5\""},
        {"cloning: {maxIdleMinutes: 08}", "cloning.maxIdleMinutes",
         "must be a whole number, not \"08\""},
        {"cloning: {maxIdleMinutes: [1]}", "cloning.maxIdleMinutes",
         "must be a whole number, not a list"},
        {"cloning: {accessHost: {a: b}}", "cloning.accessHost", "must be a text, not a mapping"},
        {"global: {debug: 1}", "global.debug", "must be true or false, not \"1\""},
        {"global: [debug]", "global", "must be a mapping, not a list"},
        {"global: text", "global", "must be a mapping, not \"text\""},
        {"global: {engine: mysql}", "global.engine", "unknown value \"mysql\""},
        {"postgres: {binDirs: /usr}", "postgres.binDirs", "must be a list of words, not \"/usr\""},
        {"postgres: {binDirs: [/a, [/b]]}", "postgres.binDirs",
         "must be a list of words, not a list"},
        {"databaseConfigs: {configs: [a]}", "databaseConfigs.configs",
         "must be a mapping, not a list"},
        {"databaseConfigs: {configs: {a: [1]}}", "databaseConfigs.configs.a",
         "must be a single value, not a list"},
        {"retention: {unusedBranchMinutes: x}", "retention.unusedBranchMinutes",
         "must be a whole number, not \"x\""},
        {"webhooks: {hooks: {url: x}}", "webhooks.hooks", "must be a list, not a mapping"},
        {"webhooks: {hooks: [{trigger: x}]}", "webhooks.hooks[0].trigger",
         "must be a list of words, not \"x\""},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(Fixture) fixture = {0};
        g_autofree char *text = g_strconcat(FIXTURE_REQUIRED, cases[i].text, "\n", NULL);
        g_test_message("%s", cases[i].text);
        fixture_read(&fixture, text);
        for (guint j = fixture.problems->len; j-- > 0;)
            if (((ConfigProblem *)g_ptr_array_index(fixture.problems, j))->is_warning)
                g_ptr_array_remove_index(fixture.problems, j);
        fixture_expect(&fixture, cases[i].path, 5, false, cases[i].message);
        g_assert_cmpuint(fixture.problems->len, ==, 1);
    }
}

/* Where a text is wanted, a number or a word stays as it is written. */
static void test_text_keeps_its_form(void)
{
    g_auto(Fixture) fixture = {0};

    fixture_read(&fixture, FIXTURE_REQUIRED "global: {database: {username: 0123, dbname: no}}\n");
    g_assert_null(fixture.error);
    g_assert_cmpstr(fixture.config->global.database_username, ==, "0123");
    g_assert_cmpstr(fixture.config->global.database_dbname, ==, "no");
}

static void test_hints(void)
{
    g_auto(Fixture) fixture = {0};

    fixture_read(&fixture, FIXTURE_REQUIRED "cloning: {maxIdleMinutes: '5'}\n"
                                            "global: {debug: 'yes', engine: mysql}\n"
                                            "retention: {unusedBranchMinutes: 09}\n");
    g_assert_cmpstr(fixture_find(&fixture, "cloning.maxIdleMinutes")->hint, ==,
                    "Remove the quotes.");
    g_assert_cmpstr(fixture_find(&fixture, "global.debug")->hint, ==, "Remove the quotes.");
    g_assert_cmpstr(fixture_find(&fixture, "global.engine")->hint, ==, "One of \"postgres\".");
}

static void test_unknown_keys(void)
{
    g_auto(Fixture) fixture = {0};

    fixture_read(&fixture, FIXTURE_REQUIRED "cloning:\n"
                                            "  maxIdleMinute: 5\n"
                                            "  zzz: 5\n"
                                            "  portPool.from: 5\n"
                                            "clonning: {}\n"
                                            "x-mine: &mine {a: b}\n"
                                            "retrieval: {spec: {logicalDunp: {}}}\n");
    g_assert_null(fixture.error);
    fixture_expect(&fixture, "cloning.maxIdleMinute", 6, true, "unknown key, ignored");
    fixture_expect(&fixture, "cloning.zzz", 7, true, "unknown key, ignored");
    fixture_expect(&fixture, "clonning", 9, true, "unknown key, ignored");
    g_assert_cmpstr(fixture_find(&fixture, "cloning.maxIdleMinute")->hint, ==,
                    "Did you mean \"maxIdleMinutes\"?");
    g_assert_null(fixture_find(&fixture, "cloning.zzz")->hint);
    g_assert_nonnull(fixture_find(&fixture, "cloning.portPool.from"));
    g_assert_cmpstr(fixture_find(&fixture, "clonning")->hint, ==, "Did you mean \"cloning\"?");
    g_assert_cmpstr(fixture_find(&fixture, "retrieval.spec.logicalDunp")->hint, ==,
                    "Did you mean \"logicalDump\"?");
    g_assert_null(fixture_find(&fixture, "x-mine"));
    g_assert_cmpuint(fixture.problems->len, ==, 5);
}

static void test_not_built(void)
{
    g_auto(Fixture) fixture = {0};
    const char *message = "not built yet: accepted, without effect";

    fixture_read(&fixture, FIXTURE_REQUIRED
                 "platform: {url: x, orgKey: y}\n"
                 "retention: {unusedSnapshotMinutes: 5, checkIntervalMinutes: 5}\n"
                 "observer: {replacementRules: {a: b}}\n"
                 "embeddedUI: {enabled: true}\n"
                 "retrieval:\n"
                 "  refresh: {timetable: 0 4 * * *}\n"
                 "  jobs: [logicalSnapshot]\n"
                 "  spec:\n"
                 "    logicalSnapshot:\n"
                 "      options: {preprocessingScript: mask.sh, databaseRename: {a: b}}\n"
                 "    logicalRestore: {options: {skipPolicies: true}}\n");
    g_assert_null(fixture.error);
    fixture_expect(&fixture, "platform", 5, true, message);
    fixture_expect(&fixture, "retention.unusedSnapshotMinutes", 6, true, message);
    fixture_expect(&fixture, "observer", 7, true, message);
    fixture_expect(&fixture, "embeddedUI", 8, true, message);
    fixture_expect(&fixture, "retrieval.refresh.timetable", 10, true, message);
    fixture_expect(&fixture, "retrieval.spec.logicalSnapshot.options.preprocessingScript", 14, true,
                   message);
    g_assert_nonnull(
        fixture_find(&fixture, "retrieval.spec.logicalSnapshot.options.preprocessingScript")->hint);
    g_assert_null(fixture_find(&fixture, "platform.url"));
    g_assert_null(fixture_find(&fixture, "retrieval.spec.logicalRestore.options.skipPolicies"));
    fixture_expect(&fixture, "retrieval.spec.logicalSnapshot.options.databaseRename", 14, true,
                   message);
    g_assert_cmpuint(fixture_count(&fixture, true), ==, 7);
}

static void test_repeated_key(void)
{
    g_auto(Fixture) fixture = {0};

    fixture_read(&fixture, FIXTURE_REQUIRED "cloning:\n  maxIdleMinutes: 1\n  maxIdleMinutes: 2\n"
                                            "cloning: {}\n");
    fixture_expect(&fixture, "cloning", 8, false, "given twice, first on line 5");
    fixture_read(&fixture, FIXTURE_REQUIRED "cloning:\n  maxIdleMinutes: 1\n  maxIdleMinutes: 2\n");
    fixture_expect(&fixture, "cloning.maxIdleMinutes", 7, false, "given twice, first on line 6");
    fixture_read(&fixture, FIXTURE_REQUIRED "databaseConfigs: {configs: {a: 1, a: 2}}\n");
    fixture_expect(&fixture, "databaseConfigs.configs.a", 5, false, "given twice, first on line 5");
}

static void test_expansion(void)
{
    g_auto(Fixture) fixture = {0};
    const char *text = FIXTURE_REQUIRED "platform: {accessToken: $RAMET_TEST_B}\n"
                                        "webhooks:\n"
                                        "  hooks:\n"
                                        "    - {url: $NOT_EXPANDED, secret: a}\n"
                                        "    - {url: x, secret: '${RAMET_TEST_B}'}\n";

    g_setenv("RAMET_TEST_B", "x", true);
    fixture_read(&fixture, text);
    g_assert_null(fixture.error);

    g_unsetenv("RAMET_TEST_B");
    fixture_read(&fixture, text);
    g_assert_cmpuint(fixture_count(&fixture, false), ==, 2);
    fixture_expect(
        &fixture, "platform.accessToken", 5, false,
        "config field platform.accessToken: environment variable \"RAMET_TEST_B\" is not set");
    fixture_expect(
        &fixture, "webhooks.hooks[1].secret", 9, false,
        "config field webhooks.hooks[1].secret: environment variable \"RAMET_TEST_B\" is "
        "not set");
}

static void test_literal_elsewhere(void)
{
    g_auto(Fixture) fixture = {0};

    fixture_read(&fixture, FIXTURE_REQUIRED "cloning: {accessHost: $HOME}\n");
    g_assert_null(fixture.error);
    g_assert_cmpstr(fixture.config->cloning.access_host, ==, "$HOME");
}

#define DUMP_JOB                                                                                   \
    "retrieval:\n  jobs: [logicalDump]\n  spec:\n    logicalDump:\n      options:\n"               \
    "        dumpLocation: /dump\n        source:\n"

static void test_source_password(void)
{
    g_auto(Fixture) fixture = {0};
    const char *text =
        FIXTURE_REQUIRED DUMP_JOB "          connection: {host: db, password: from-file}\n";

    g_unsetenv("PGPASSWORD");
    fixture_read(&fixture, text);
    g_assert_cmpstr(fixture.config->retrieval.dump.password, ==, "from-file");

    g_setenv("PGPASSWORD", "from-environment", true);
    fixture_read(&fixture, text);
    g_assert_cmpstr(fixture.config->retrieval.dump.password, ==, "from-environment");
    g_unsetenv("PGPASSWORD");
}

static void test_secrets_are_silent(void)
{
    static const char *const texts[] = {
        FIXTURE_REQUIRED "platform: {orgKey: {hush-value: 1}, accessToken: '${hush-value}'}\n",
        FIXTURE_REQUIRED DUMP_JOB "          connectionString: postgresql://u:hush-value@db/app\n",
        FIXTURE_REQUIRED DUMP_JOB "          connection: {password: [hush-value]}\n",
        FIXTURE_REQUIRED "retrieval:\n  jobs: [physicalRestore]\n  spec:\n"
                         "    physicalRestore: {options: {envs: hush-value}}\n",
        "server: {verificationToken: hush-value, port: x}\n",
        "server: {verificationToken: \"hush-value\" hush-value}\n",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_auto(Fixture) fixture = {0};
        g_test_message("%s", texts[i]);
        fixture_read(&fixture, texts[i]);
        g_assert_nonnull(fixture.error);
        fixture_expect_silence(&fixture, "hush-value");
    }
}

static void test_unfit_files(void)
{
    static const struct {
        const char *text;
        size_t length;
        int line;
        const char *message;
    } cases[] = {
        {"", 0, 0, "is empty"},
        {"# comment\n", 10, 0, "is empty"},
        {"- a\n", 4, 0, "must hold sections such as \"server:\""},
        {"word\n", 5, 0, "must hold sections such as \"server:\""},
        {"a: b\nc: \xff\n", 10, 2, "is not UTF-8 text"},
        {"a: b\nc: \0d\n", 11, 2, "is not UTF-8 text"},
        {"a:\n\tb: 1\n", 9, 2,
         "column 1: syntax error: tab character may not be used as indentation"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(Fixture) fixture = {0};
        fixture_read_bytes(&fixture, cases[i].text, cases[i].length);
        g_assert_cmpuint(fixture.problems->len, ==, 1);
        fixture_expect(&fixture, "", cases[i].line, false, cases[i].message);
    }
}

static void test_large_file(void)
{
    g_auto(Fixture) fixture = {0};
    g_autofree char *text = g_strnfill(2 * 1024 * 1024, '#');

    fixture_read(&fixture, text);
    fixture_expect(&fixture, "", 0, false, "is larger than 1 MiB");
    text[1024 * 1024] = '\0';
    fixture_read(&fixture, text);
    fixture_expect(&fixture, "", 0, false, "is empty");
}

static void test_directory_and_missing_file(void)
{
    g_autoptr(GPtrArray) problems = NULL;
    g_autoptr(GPtrArray) none = NULL;
    g_autoptr(Config) config = NULL;
    g_autoptr(Error) directory = config_read(g_get_tmp_dir(), &problems, &config);
    g_autoptr(Error) missing = config_read("/nowhere/server.yml", &none, &config);

    g_assert_cmpint(directory->code, ==, ERR_INVALID);
    g_assert_nonnull(strstr(directory->detail, "is a directory"));
    g_assert_cmpint(missing->code, ==, ERR_NOT_FOUND);
    g_assert_cmpstr(missing->message, ==, "configuration \"/nowhere/server.yml\" does not exist");
    g_assert_null(config);
    g_assert_nonnull(none);
}

static void test_problems_are_capped(void)
{
    g_auto(Fixture) fixture = {0};
    g_autoptr(GString) text = g_string_new(FIXTURE_REQUIRED "global: {debug: x}\n");

    for (int i = 0; i < 1000; i++)
        g_string_append_printf(text, "unknown%d: 1\n", i);
    fixture_read(&fixture, text->str);
    g_assert_cmpuint(fixture_count(&fixture, true), ==, 200);
    g_assert_cmpuint(fixture_count(&fixture, false), ==, 1); /* warnings leave room for errors */
}

static void test_problem_text(void)
{
    char path[] = "a.b";
    char message[] = "is bad";
    char naming_message[] = "config field a.b: is bad";
    char hint[] = "Do.";
    ConfigProblem full = {.line = 12, .path = path, .message = message, .hint = hint};
    ConfigProblem bare = {.is_warning = true, .message = message};
    ConfigProblem named = {.line = 1, .path = path, .message = naming_message};
    g_autofree char *full_text = config_problem_text("server.yml", &full);
    g_autofree char *bare_text = config_problem_text("server.yml", &bare);
    g_autofree char *named_text = config_problem_text("server.yml", &named);

    g_assert_cmpstr(full_text, ==, "server.yml:12: a.b: is bad (Do.)");
    g_assert_cmpstr(bare_text, ==, "server.yml: warning: is bad");
    g_assert_cmpstr(named_text, ==, "server.yml:1: config field a.b: is bad");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/config/config/published", test_published);
    g_test_add_func("/config/config/published-warnings", test_published_warnings);
    g_test_add_func("/config/config/defaults", test_defaults);
    g_test_add_func("/config/config/null-is-absent", test_null_is_absent);
    g_test_add_func("/config/config/five-errors", test_five_errors);
    g_test_add_func("/config/config/errors-on-one-line", test_errors_on_one_line);
    g_test_add_func("/config/config/types", test_types);
    g_test_add_func("/config/config/text-keeps-its-form", test_text_keeps_its_form);
    g_test_add_func("/config/config/hints", test_hints);
    g_test_add_func("/config/config/unknown-keys", test_unknown_keys);
    g_test_add_func("/config/config/not-built", test_not_built);
    g_test_add_func("/config/config/repeated-key", test_repeated_key);
    g_test_add_func("/config/config/expansion", test_expansion);
    g_test_add_func("/config/config/literal-elsewhere", test_literal_elsewhere);
    g_test_add_func("/config/config/source-password", test_source_password);
    g_test_add_func("/config/config/secrets-are-silent", test_secrets_are_silent);
    g_test_add_func("/config/config/unfit-files", test_unfit_files);
    g_test_add_func("/config/config/large-file", test_large_file);
    g_test_add_func("/config/config/directory-and-missing", test_directory_and_missing_file);
    g_test_add_func("/config/config/problems-are-capped", test_problems_are_capped);
    g_test_add_func("/config/config/problem-text", test_problem_text);
    return g_test_run();
}

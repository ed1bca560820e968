/*
 * Rules across options, with the words of the compatibility contract.
 */
#include "fixture.h"

typedef struct Case {
    const char *text;
    const char *path;
    int line; /* -1 = no such problem */
    const char *message;
} Case;

#define SERVER "server: {allowNoToken: true}\n"
#define PORTS  "provision: {portPool: {from: 6000, to: 6099}}\n"
#define POOLS  "poolManager: {mountDir: /pools}\n"
#define TRUST  "runtime: {driver: process, trusted: true}\n"

#define OPTIONS_MESSAGE(what, option)                                                              \
    "invalid custom " what " options: invalid option \"" option                                    \
    "\": due to security reasons, current implementation of custom options supports only "         \
    "letters, numbers, hyphen, underscore, equal sign, and double quotes"

static void run_cases(const Case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        g_auto(Fixture) fixture = {0};
        g_test_message("%s", cases[i].text);
        fixture_read(&fixture, cases[i].text);
        if (cases[i].line < 0) {
            g_assert_null(fixture_find(&fixture, cases[i].path));
            continue;
        }
        fixture_expect(&fixture, cases[i].path, cases[i].line, false, cases[i].message);
        g_assert_cmpuint(fixture_count(&fixture, false), ==, 1);
    }
}

static void test_server(void)
{
    static const Case cases[] = {
        {"server: {port: 1}\n" PORTS POOLS TRUST, "server.verificationToken", 1,
         "an empty token lets everyone in"},
        {PORTS POOLS TRUST, "server.verificationToken", 0, "an empty token lets everyone in"},
        {"server: {verificationToken: t}\n" PORTS POOLS TRUST, "server.verificationToken", -1, ""},
        {SERVER PORTS POOLS TRUST, "server.verificationToken", -1, ""},
        {"server:\n  allowNoToken: true\n  stateDir: here\n" PORTS POOLS TRUST, "server.stateDir",
         3, "must be an absolute path"},
    };

    run_cases(cases, G_N_ELEMENTS(cases));
}

static void test_port_pool(void)
{
    static const Case cases[] = {
        {SERVER POOLS TRUST "provision:\n  portPool:\n    to: 5\n", "provision.portPool.from", 5,
         "\"portPool.from\" must be defined and be greater than 0"},
        {SERVER POOLS TRUST "provision:\n  portPool:\n    from: 5\n    to: 0\n",
         "provision.portPool.to", 7, "\"portPool.to\" must be defined and be greater than 0"},
        {SERVER POOLS TRUST "provision:\n  portPool: {from: 7, to: 6}\n", "provision.portPool", 5,
         "\"portPool\" must include at least one port"},
        {SERVER POOLS TRUST "provision: {portPool: {from: 7, to: 7}}\n", "provision.portPool", -1,
         ""},
        {SERVER POOLS TRUST "provision: {portPool: {from: 2300, to: 2400}}\n", "provision.portPool",
         4, "\"portPool\" must not include the server's own port 2345"},
        {SERVER POOLS TRUST "provision: {portPool: {from: -1, to: 5}}\n", "provision.portPool.from",
         4, "must be from 0 to 65535, not -1"},
    };

    run_cases(cases, G_N_ELEMENTS(cases));
}

static void test_access_addresses(void)
{
    static const struct {
        const char *value;
        const char *bad; /* NULL = fine */
    } cases[] = {
        {"", NULL},          {"127.0.0.1", NULL},  {"127.0.0.1, 10.0.0.7,[::1]", NULL},
        {"[fe80::1]", NULL}, {"::1", "::1"},       {"localhost", "localhost"},
        {"127.0.0.1,", ""},  {"[", "["},           {"[]", "[]"},
        {"[::1", "[::1"},    {"[::1]]", "[::1]]"}, {"127.0.0.1;rm", "127.0.0.1;rm"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(Fixture) fixture = {0};
        g_autofree char *text = g_strdup_printf(
            "%s%s%sprovision: {portPool: {from: 1, to: 2}, cloneAccessAddresses: '%s'}\n", SERVER,
            POOLS, TRUST, cases[i].value);
        g_autofree char *message = g_strdup_printf("\"%s\" is no address", cases[i].bad);
        g_test_message("%s", cases[i].value);
        fixture_read(&fixture, text);
        if (cases[i].bad)
            fixture_expect(&fixture, "provision.cloneAccessAddresses", 4, false, message);
        else
            g_assert_null(fixture.error);
    }
}

static void test_pools(void)
{
    static const Case cases[] = {
        {SERVER PORTS TRUST, "poolManager.mountDir", 0, "must be set"},
        {SERVER PORTS TRUST "poolManager:\n  mountDir: ''\n", "poolManager.mountDir", 5,
         "must be set"},
        {SERVER PORTS TRUST "poolManager: {mountDir: /p, dataSubDir: ../x}\n",
         "poolManager.dataSubDir", 4, "must be the name of a directory, without \"/\""},
        {SERVER PORTS TRUST "poolManager: {mountDir: /p, selectedPool: ..}\n",
         "poolManager.selectedPool", 4, "must be the name of a directory, without \"/\""},
    };

    run_cases(cases, G_N_ELEMENTS(cases));
}

static void test_log_size(void)
{
    static const Case cases[] = {
        {SERVER PORTS POOLS "runtime: {logSize: 1kb}\n", "runtime.logSize", 4,
         "must be from 64KB to 64GB, not 1kb"},
        {SERVER PORTS POOLS "runtime: {logSize: 0}\n", "runtime.logSize", 4,
         "must be from 64KB to 64GB, not 0"},
        {SERVER PORTS POOLS "runtime: {logSize: 65GB}\n", "runtime.logSize", 4,
         "must be from 64KB to 64GB, not 65GB"},
        {SERVER PORTS POOLS "runtime: {logDays: -1}\n", "runtime.logDays", 4,
         "must be from 0 to 3650 days, not -1"},
        {SERVER PORTS POOLS "runtime: {logSize: 64KB, logDays: 0}\n", "runtime.logSize", -1, ""},
    };

    run_cases(cases, G_N_ELEMENTS(cases));
}

static void test_runtime(void)
{
    static const char message[] =
        "the \"process\" runtime does not isolate clones, so all users must be trusted";
    static const Case cases[] = {
        {SERVER PORTS POOLS "runtime: {driver: process}\n", "runtime.trusted", 4, message},
        {SERVER PORTS POOLS "runtime:\n  driver: process\n  trusted: no\n", "runtime.trusted", 6,
         message},
        {SERVER POOLS "provision: {portPool: {from: 1000, to: 1100}}\n", "provision.portPool.from",
         3, "ports below 1024 are for root, and ramet-gateway runs as \"ramet-gateway\""},
        {SERVER PORTS POOLS "runtime: {gatewayUser: root}\n", "runtime.gatewayUser", 4,
         "the gateway needs no privileges"},
        {SERVER PORTS POOLS "runtime: {gatewayUser: postgres}\n", "runtime.gatewayUser", 4,
         "must not be the user whom all clones' data belongs to"},
        {SERVER
         "provision: {portPool: {from: 6000, to: 6001}, containerConfig: {volume: x}}\n" POOLS,
         "provision.containerConfig", 2, "\"volume\": there is no such option"},
        {SERVER PORTS POOLS TRUST "postgres: {osUser: root}\n", "postgres.osUser", 5,
         "PostgreSQL refuses to run as root"},
        {SERVER PORTS POOLS TRUST "postgres: {binDirs: [/a, b]}\n", "postgres.binDirs", 5,
         "must be an absolute path"},
        {SERVER PORTS POOLS TRUST "databaseConfigs: {configs: {\"a\\nb\": 1}}\n",
         "databaseConfigs.configs", 5, "\"a\\x0ab\" cannot be the name of a PostgreSQL setting"},
        {SERVER PORTS POOLS TRUST "databaseConfigs: {configs: {auto_explain.log_nested: 1}}\n",
         "databaseConfigs.configs", -1, ""},
    };

    run_cases(cases, G_N_ELEMENTS(cases));
}

static void test_jobs(void)
{
    static const Case cases[] = {
        {SERVER PORTS POOLS TRUST "retrieval:\n  jobs: [a, logicalSnapshot, b]\n"
                                  "  spec: {logicalSnapshot: }\n",
         "retrieval.jobs", 6, "config contains jobs without specification: a, b"},
        {SERVER PORTS POOLS TRUST "retrieval: {jobs: [logicalSnapshot, physicalRestore],\n"
                                  "            spec: {logicalSnapshot: {}, physicalRestore: {}}}\n",
         "retrieval.jobs", 5, "must not contain physical and logical jobs simultaneously"},
    };

    run_cases(cases, G_N_ELEMENTS(cases));
}

/* It is not built yet, so a warning comes before the error. */
static void test_timetable(void)
{
    g_auto(Fixture) fixture = {0};

    fixture_read(&fixture,
                 SERVER PORTS POOLS TRUST "retrieval: {refresh: {timetable: 0 25 * * *}}\n");
    g_assert_nonnull(fixture.error);
    g_assert_nonnull(strstr(fixture.error->detail, ":5: retrieval.refresh.timetable: invalid "
                                                   "timetable: \"25\" is no hour"));
}

static void test_unknown_job_with_spec(void)
{
    g_auto(Fixture) fixture = {0};

    fixture_read(&fixture, SERVER PORTS POOLS TRUST
                 "retrieval: {jobs: [logicalDunp], spec: {logicalDunp: {}}}\n");
    g_assert_null(fixture.error);
    fixture_expect(&fixture, "retrieval.jobs", 5, true, "unknown job \"logicalDunp\", ignored");
    g_assert_cmpstr(fixture_find(&fixture, "retrieval.jobs")->hint, ==,
                    "Did you mean \"logicalDump\"?");
    g_assert_false(fixture.config->retrieval.dump.is_set);
}

#define JOB(name, options)                                                                         \
    SERVER PORTS POOLS TRUST "retrieval:\n  jobs: [" name "]\n  spec:\n    " name                  \
                             ":\n      options:\n" options
#define DUMP    "retrieval.spec.logicalDump.options"
#define RESTORE "retrieval.spec.logicalRestore.options"

static void test_logical_jobs(void)
{
    static const Case cases[] = {
        {JOB("logicalDump", "        source: {connection: {host: db}}\n"), DUMP ".dumpLocation", 9,
         "must be set"},
        {JOB("logicalDump", "        dumpLocation: dump\n"
                            "        source: {connection: {host: db}}\n"),
         DUMP ".dumpLocation", 10, "must be an absolute path"},
        {JOB("logicalDump", "        dumpLocation: /dump\n"), DUMP ".source.connection.host", 9,
         "must be set"},
        {JOB("logicalDump", "        dumpLocation: /dump\n        source:\n"
                            "          connectionString: postgresql://u:p@db/app\n"),
         DUMP ".source.connectionString", 12,
         "password must not be embedded in the connection string"},
        {JOB("logicalDump", "        dumpLocation: /dump\n        source:\n"
                            "          connectionString: host=a,b\n"),
         DUMP ".source.connectionString", 12, "multi-host connection strings are not supported"},
        {JOB("logicalDump", "        dumpLocation: /dump\n        source:\n"
                            "          connectionString: nonsense\n"),
         DUMP ".source.connectionString", 12, "invalid source connection string"},
        {JOB("logicalDump", "        dumpLocation: /dump\n"
                            "        source: {connectionString: host=db}\n"
                            "        customOptions: [--ok, '--file=/etc/passwd']\n"),
         DUMP ".customOptions", 12, OPTIONS_MESSAGE("dump", "--file=/etc/passwd")},
        {JOB("logicalRestore", "        dumpLocation: /dump\n"
                               "        customOptions: ['$(id)']\n"),
         RESTORE ".customOptions", 11, OPTIONS_MESSAGE("restore", "$(id)")},
        {JOB("logicalDump", "        dumpLocation: /dump\n"
                            "        source: {type: carrier-pigeon, connection: {host: db}}\n"),
         DUMP ".source.type", 11, "unknown value \"carrier-pigeon\""},
        {JOB("logicalDump", "        dumpLocation: /dump\n"
                            "        source: {connection: {host: db}}\n"
                            "        parallelJobs: 0\n"),
         DUMP ".parallelJobs", 12, "must be from 1 to 1024, not 0"},
        {JOB("logicalDump", "        dumpLocation: /dump\n"
                            "        source: {connection: {host: db}}\n"
                            "        databases: {app: {tables: all}}\n"),
         DUMP ".databases.app.tables", 12, "must be a list of words, not \"all\""},
    };

    run_cases(cases, G_N_ELEMENTS(cases));
}

static void test_rds(void)
{
    g_auto(Fixture) fixture = {0};

    fixture_read(&fixture, JOB("logicalDump", "        dumpLocation: /dump\n"
                                              "        source: {type: rdsIam}\n"));
    g_assert_null(fixture.error);
    fixture_expect(&fixture, DUMP ".source.type", 11, true,
                   "\"rdsIam\" is not built yet: the job will fail");
}

/* A spec that is not listed may be wrong: it is not used. */
static void test_unused_spec(void)
{
    g_auto(Fixture) fixture = {0};

    fixture_read(&fixture, SERVER PORTS POOLS TRUST
                 "retrieval: {spec: {logicalDump: {options: {parallelJobs: x}}}}\n");
    g_assert_null(fixture.error);
    g_assert_cmpuint(fixture.problems->len, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/config/check/server", test_server);
    g_test_add_func("/config/check/port-pool", test_port_pool);
    g_test_add_func("/config/check/access-addresses", test_access_addresses);
    g_test_add_func("/config/check/pools", test_pools);
    g_test_add_func("/config/check/runtime", test_runtime);
    g_test_add_func("/config/check/log_size", test_log_size);
    g_test_add_func("/config/check/jobs", test_jobs);
    g_test_add_func("/config/check/timetable", test_timetable);
    g_test_add_func("/config/check/unknown-job-with-spec", test_unknown_job_with_spec);
    g_test_add_func("/config/check/logical-jobs", test_logical_jobs);
    g_test_add_func("/config/check/rds", test_rds);
    g_test_add_func("/config/check/unused-spec", test_unused_spec);
    return g_test_run();
}

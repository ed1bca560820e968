/*
 * Jobs of the configuration, connection strings made of it, names of packages.
 */
#include "retrieval/extension.h"
#include "retrieval/work.h"

static char empty[] = "", dumps[] = "/dumps", others[] = "/others";

static Config config_with_jobs(const char *jobs)
{
    Config config = {0};

    config.retrieval.jobs = json_loads(jobs, 0, NULL);
    config.retrieval.dump.dump_location = dumps;
    config.retrieval.restore.dump_location = dumps;
    return config;
}

static void assert_jobs(const char *jobs, const char *message, const char *mode)
{
    Config config = config_with_jobs(jobs);
    g_autoptr(Error) e = jobs_check(&config);

    g_assert_cmpstr(e ? e->message : NULL, ==, message);
    g_assert_true(!e || (e->code == ERR_INVALID && e->hint));
    g_assert_cmpstr(jobs_mode(&config), ==, mode);
    json_decref(config.retrieval.jobs);
}

static void test_jobs(void)
{
    assert_jobs("[\"logicalDump\",\"logicalRestore\",\"logicalSnapshot\"]", NULL, "logical");
    assert_jobs("[]", "no retrieval jobs are configured", "unknown");
    assert_jobs("[\"logicalDump\",\"logicalSnapshot\"]",
                "a refresh needs the job \"logicalRestore\" in retrieval.jobs", "logical");
    assert_jobs("[\"physicalRestore\"]", "retrieval job \"physicalRestore\" is not supported yet",
                "physical");
}

static void test_places_differ(void)
{
    Config config = config_with_jobs("[\"logicalDump\",\"logicalRestore\",\"logicalSnapshot\"]");

    config.retrieval.restore.dump_location = others;
    g_autoptr(Error) e = jobs_check(&config);
    g_assert_nonnull(e);
    g_assert_cmpstr(e->message, ==,
                    "logicalRestore reads \"/others\", but logicalDump writes to \"/dumps\"");
    json_decref(config.retrieval.jobs);
}

static void assert_conninfo(const LogicalDumpConfig *config, const char *conninfo)
{
    g_autoptr(Source) source = NULL;
    g_autoptr(Error) e = source_new(config, &source);

    g_assert_null(e);
    g_assert_cmpstr(source->conninfo, ==, conninfo);
}

static void test_conninfo(void)
{
    static char host[] = "db.example.com", user[] = "o'brien", dbname[] = "a\\b",
                uri[] = "postgresql://h/x";
    LogicalDumpConfig config = {.connection_string = empty,
                                .host = host,
                                .port = 5433,
                                .username = user,
                                .dbname = dbname,
                                .password = empty};

    assert_conninfo(&config, "host=db.example.com port=5433 user='o\\'brien' dbname='a\\\\b'");
    config.connection_string = uri;
    assert_conninfo(&config, "postgresql://h/x");
}

static void test_password(void)
{
    static char password[] = "from-file";
    const LogicalDumpConfig config = {.host = empty, .password = password};
    g_autoptr(Source) source = NULL;
    g_autoptr(Source) second = NULL;

    g_unsetenv("PGPASSWORD");
    error_free(source_new(&config, &source));
    g_assert_cmpstr(source->password, ==, "from-file");
    g_setenv("PGPASSWORD", "from-env", TRUE);
    error_free(source_new(&config, &second));
    g_assert_cmpstr(second->password, ==, "from-env");
}

static void test_packages(void)
{
    static const struct {
        const char *extension;
        const char *package;
    } cases[] = {
        {"postgis", "postgresql-15-postgis-3"}, {"pg_trgm", "postgresql-15"},
        {"pg_cron", "postgresql-15-cron"},      {"pg_stat_kcache", "postgresql-15-pg-stat-kcache"},
        {"hypopg", "postgresql-15-hypopg"},     {"plpython3u", "postgresql-plpython3-15"},
        {"vector", "postgresql-15-pgvector"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *package = extension_package(cases[i].extension, 15);
        g_assert_cmpstr(package, ==, cases[i].package);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/jobs/check", test_jobs);
    g_test_add_func("/jobs/places-differ", test_places_differ);
    g_test_add_func("/source/conninfo", test_conninfo);
    g_test_add_func("/source/password", test_password);
    g_test_add_func("/extension/packages", test_packages);
    return g_test_run();
}

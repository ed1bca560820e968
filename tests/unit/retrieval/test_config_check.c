/*
 * What --check-config finds beyond the configuration's own rules, with a stand-in for postgres that
 * refuses the one value "banana".
 */
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "retrieval/work.h"

static char postgres_script[] =
    "#!/bin/sh\n"
    "[ \"$1\" = --version ] && { echo 'postgres (PostgreSQL) 99.1'; exit 0; }\n"
    "grep -q banana postgresql.conf || exit 0\n"
    "echo 'LOG:  invalid value for parameter \"work_mem\": \"banana\"' >&2\n"
    "echo 'FATAL:  configuration file \"postgresql.conf\" contains errors' >&2\n"
    "exit 1\n";

static char empty[] = "", user[] = "nobody", image[] = "postgres:15";

static void assert_done(Error *e)
{
    if (e)
        g_test_message("%s", e->message);
    g_assert_null(e);
}

/* A directory with the stand-in, which everybody may run. */
static char *make_bin_dir(void)
{
    char *dir = g_dir_make_tmp("ramet-test-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "postgres", NULL);

    g_assert_cmpint(g_chmod(dir, 0755), ==, 0);
    assert_done(fs_write_file(path, postgres_script, &(FsWrite){.mode = 0755}));
    return dir;
}

static Config config_with(const char *dir, const char *jobs, const char *value)
{
    Config config = {0};

    config.retrieval.jobs = json_loads(jobs, 0, NULL);
    config.database_configs = json_pack("{s:s}", "work_mem", value);
    config.postgres.bin_dirs = json_pack("[s]", dir);
    config.postgres.os_user = user;
    config.provision.docker_image = empty;
    config.runtime.root = empty;
    return config;
}

static void config_drop(Config *config)
{
    json_decref(config->retrieval.jobs);
    json_decref(config->database_configs);
    json_decref(config->postgres.bin_dirs);
}

static void test_settings(void)
{
    g_autofree char *dir = make_bin_dir();
    Config good = config_with(dir, "[]", "64MB");
    Config bad = config_with(dir, "[]", "banana");
    const char *left_out = "";

    assert_done(retrieval_check_config(&good, &left_out));
    g_assert_null(left_out);
    g_autoptr(Error) e = retrieval_check_config(&bad, &left_out);
    g_assert_nonnull(e);
    g_assert_cmpint(e->code, ==, ERR_INVALID);
    g_assert_cmpstr(e->message, ==,
                    "PostgreSQL 99: databaseConfigs: invalid setting: invalid value for parameter "
                    "\"work_mem\": \"banana\"");
    config_drop(&good);
    config_drop(&bad);
    assert_done(fs_remove_tree(dir));
}

/* What is in an image cannot be asked here, and that is said. */
static void test_image(void)
{
    Config config = config_with("/nowhere", "[]", "banana");
    const char *left_out = NULL;

    config.provision.docker_image = image;
    assert_done(retrieval_check_config(&config, &left_out));
    g_assert_nonnull(left_out);
    config_drop(&config);
}

static void test_jobs(void)
{
    Config config = config_with("/nowhere", "[\"logicalDump\"]", "64MB");
    const char *left_out = NULL;
    g_autoptr(Error) e = retrieval_check_config(&config, &left_out);

    g_assert_nonnull(e);
    g_assert_nonnull(strstr(e->message, "logicalRestore"));
    config_drop(&config);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/config-check/settings", test_settings);
    g_test_add_func("/config-check/image", test_image);
    g_test_add_func("/config-check/jobs", test_jobs);
    return g_test_run();
}

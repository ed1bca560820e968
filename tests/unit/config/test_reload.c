/*
 * What a reload takes over of a new file, and what waits for a restart.
 */
#include "fixture.h"

typedef struct Case {
    const char *before, *after; /* beside what is required */
    const char *changed, *waiting;
} Case;

#define MAPPING(inner) "databaseConfigs: {configs: {" inner "}}\n"

static const Case cases[] = {
    {"", "", "", ""},
    {"cloning: {accessHost: a}\n", "cloning: {accessHost: b}\n", "cloning.accessHost", ""},
    {"cloning: {maxIdleMinutes: 5}\n", "", "cloning.maxIdleMinutes", ""},
    {"global: {debug: true}\n", "global: {debug: false}\n", "global.debug", ""},
    {MAPPING("work_mem: 1MB"), MAPPING("work_mem: 2MB"), "databaseConfigs.configs", ""},
    {MAPPING("work_mem: 1MB"), MAPPING("work_mem: 1MB"), "", ""},
    {"", "postgres: {osUser: other}\n", "", "postgres.osUser"},
    {"", "postgres: {binDirs: [/a]}\ncloning: {accessHost: b}\n", "cloning.accessHost",
     "postgres.binDirs"},
};

static char *names_of(const GPtrArray *paths)
{
    g_autoptr(GString) names = g_string_new(NULL);

    for (guint i = 0; i < paths->len; i++)
        g_string_append_printf(names, "%s%s", i ? " " : "", (const char *)paths->pdata[i]);
    return g_string_free(g_steal_pointer(&names), FALSE);
}

static void read_with(Fixture *fixture, const char *more)
{
    g_autofree char *text = g_strconcat(FIXTURE_REQUIRED, more, NULL);

    fixture_read(fixture, text);
    g_assert_null(fixture->error);
}

static void test_cases(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(Fixture) now = {0};
        g_auto(Fixture) fresh = {0};
        g_autoptr(GPtrArray) changed = g_ptr_array_new();
        g_autoptr(GPtrArray) waiting = g_ptr_array_new();

        read_with(&now, cases[i].before);
        read_with(&fresh, cases[i].after);
        config_reload(now.config, fresh.config, changed, waiting);
        g_autofree char *changes = names_of(changed);
        g_autofree char *waits = names_of(waiting);
        g_assert_cmpstr(changes, ==, cases[i].changed);
        g_assert_cmpstr(waits, ==, cases[i].waiting);
    }
}

/* What waits is as it was, be it a text, a number, a truth value or a list. */
static void test_what_waits_stays(void)
{
    g_auto(Fixture) now = {0};
    g_auto(Fixture) fresh = {0};
    g_autoptr(GPtrArray) paths = g_ptr_array_new();

    read_with(&now, "postgres: {osUser: one, binDirs: [/a]}\n");
    fixture_read(&fresh, "server: {allowNoToken: true, port: 2346}\n"
                         "provision: {portPool: {from: 7000, to: 7099}}\n"
                         "poolManager: {mountDir: /elsewhere}\n"
                         "runtime: {trusted: false, driver: oci}\n"
                         "postgres: {osUser: two, binDirs: [/b]}\n");
    g_assert_null(fresh.error);
    config_reload(now.config, fresh.config, paths, paths);
    g_assert_cmpstr(fresh.config->postgres.os_user, ==, "one");
    g_assert_cmpstr(json_string_value(json_array_get(fresh.config->postgres.bin_dirs, 0)), ==,
                    "/a");
    g_assert_cmpstr(fresh.config->pool_manager.mount_dir, ==, "/pools");
    g_assert_cmpint(fresh.config->server.port, ==, 2345);
    g_assert_cmpint(fresh.config->provision.port_from, ==, 6000);
    g_assert_true(fresh.config->runtime.is_trusted);
}

/* A reference keeps what it was taken of. */
static void test_counted(void)
{
    g_auto(Fixture) fixture = {0};

    read_with(&fixture, "cloning: {accessHost: a}\n");
    g_autoptr(Config) mine = config_ref(fixture.config);
    fixture_clear(&fixture);
    g_assert_cmpstr(mine->cloning.access_host, ==, "a");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/config-reload/cases", test_cases);
    g_test_add_func("/config-reload/what-waits-stays", test_what_waits_stays);
    g_test_add_func("/config-reload/counted", test_counted);
    return g_test_run();
}

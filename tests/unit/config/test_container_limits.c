/*
 * provision.containerConfig.
 */
#include "config/container_limits.h"

#include <glib.h>

static Error *parse(const char *text, LimitsConfig *ret_limits)
{
    json_t *options = json_loads(text, 0, NULL);
    Error *e;

    g_assert_nonnull(options);
    e = limits_parse(options, false, ret_limits);
    json_decref(options);
    return e;
}

static void test_all(void)
{
    LimitsConfig limits;
    g_autoptr(Error) e = parse("{\"cpus\": \"1.5\", \"memory\": \"4gb\", \"shm-size\": \"512m\", "
                               "\"pids-limit\": 300, \"ulimit\": \"nofile=1024:2048\"}",
                               &limits);

    g_assert_null(e);
    g_assert_cmpint(limits.cpu_millis, ==, 1500);
    g_assert_cmpint(limits.memory_bytes, ==, INT64_C(4) << 30);
    g_assert_cmpint(limits.shm_bytes, ==, 512 << 20);
    g_assert_cmpint(limits.processes, ==, 300);
    g_assert_cmpint(limits.open_files, ==, 2048);
}

static void test_none(void)
{
    LimitsConfig limits = {.cpu_millis = 1};
    g_autoptr(Error) e = limits_parse(NULL, false, &limits);

    g_assert_null(e);
    g_assert_cmpint(limits.cpu_millis, ==, 0);
    g_assert_cmpint(limits.memory_bytes, ==, 0);
}

static void test_nano_cpus(void)
{
    LimitsConfig limits;
    g_autoptr(Error) e = parse("{\"nano-cpus\": 2500000000}", &limits);

    g_assert_null(e);
    g_assert_cmpint(limits.cpu_millis, ==, 2500);
}

static void test_refused(void)
{
    static const struct {
        const char *options;
        const char *message;
        const char *hint; /* NULL: not looked at */
    } cases[] = {
        {"{\"volume\": \"/:/host\"}", "\"volume\": there is no such option"},
        {"{\"cpus\": \"many\"}", "\"cpus\": \"many\" is no number of CPUs"},
        {"{\"cpus\": \"nan\"}", "\"cpus\": \"nan\" is no number of CPUs"},
        {"{\"cpus\": \"0\"}", "\"cpus\": \"0\" is out of range", "from 0.01 to 4096"},
        {"{\"cpus\": -1}", "\"cpus\": \"-1\" is out of range"},
        {"{\"memory\": \"1mb\"}", "\"memory\": \"1mb\" is out of range", "from 64 MiB to"},
        {"{\"memory\": \"9999999t\"}", "\"memory\": \"9999999t\" is out of range"},
        {"{\"pids-limit\": 3}", "\"pids-limit\": \"3\" is out of range", "from 16 to"},
        {"{\"ulimit\": \"core=0\"}", "\"ulimit\": \"core=0\" is no known limit"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        LimitsConfig limits = {.cpu_millis = 7};
        g_autoptr(Error) e = parse(cases[i].options, &limits);

        g_assert_nonnull(e);
        g_assert_cmpstr(e->message, ==, cases[i].message);
        g_assert_true(!cases[i].hint || strstr(e->hint, cases[i].hint));
        g_assert_cmpint(limits.cpu_millis, ==, 7);
    }
}

static void test_known_are_named(void)
{
    LimitsConfig limits;
    g_autoptr(Error) e = parse("{\"shm\": 1}", &limits);

    g_assert_nonnull(e);
    g_assert_cmpstr(e->hint, ==,
                    "Known are: cpus, disk, memory, nano-cpus, pids-limit, shm-size, ulimit.");
}

/* Limits that were given under a wider configuration: they are cut, where a request would be refused. */
static void test_cut(void)
{
    const LimitsConfig all = {.memory_bytes = 2, .cpu_millis = 1000};
    LimitsConfig own = {.memory_bytes = 3, .cpu_millis = 500, .disk_bytes = 7};
    LimitsConfig limits = {0};
    g_autoptr(Error) refused = limits_narrow(&all, &own, &limits);

    g_assert_nonnull(refused);
    g_assert_cmpint(refused->code, ==, ERR_INVALID);
    limits_cut(&all, &own);
    g_assert_null(limits_narrow(&all, &own, &limits));
    g_assert_cmpint(limits.memory_bytes, ==, 2);
    g_assert_cmpint(limits.cpu_millis, ==, 500);
    g_assert_cmpint(limits.disk_bytes, ==, 7);
    g_assert_cmpint(limits.processes, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/container-limits/all", test_all);
    g_test_add_func("/container-limits/none", test_none);
    g_test_add_func("/container-limits/nano-cpus", test_nano_cpus);
    g_test_add_func("/container-limits/refused", test_refused);
    g_test_add_func("/container-limits/known-are-named", test_known_are_named);
    g_test_add_func("/container-limits/cut", test_cut);
    return g_test_run();
}

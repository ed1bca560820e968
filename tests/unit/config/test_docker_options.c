/*
 * provision.containerConfig beside its limits.
 */
#include "config/docker_options.h"

#include <glib.h>
#include <string.h>

#include "config/container_limits.h"

/* The body of an object, as text without spaces; caller frees. */
static Error *parse(const char *text, char **ret_body)
{
    json_t *options = json_loads(text, 0, NULL);
    json_t *body = NULL;
    Error *e;

    g_assert_nonnull(options);
    e = docker_options_parse(options, &body);
    *ret_body = body ? json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(options);
    json_decref(body);
    return e;
}

static void test_bodies(void)
{
    static const struct {
        const char *options;
        const char *body;
    } cases[] = {
        {"{}", "{\"HostConfig\":{}}"},
        {"{\"cpuset-cpus\": \"0-1\"}", "{\"HostConfig\":{\"CpusetCpus\":\"0-1\"}}"},
        {"{\"memory-swap\": \"-1\"}", "{\"HostConfig\":{\"MemorySwap\":-1}}"},
        {"{\"memory-reservation\": \"1gb\"}",
         "{\"HostConfig\":{\"MemoryReservation\":1073741824}}"},
        {"{\"cpu-shares\": 512}", "{\"HostConfig\":{\"CpuShares\":512}}"},
        {"{\"env\": \"A=b\"}", "{\"Env\":[\"A=b\"],\"HostConfig\":{}}"},
        {"{\"label\": \"team=qa\"}", "{\"HostConfig\":{},\"Labels\":{\"team\":\"qa\"}}"},
        {"{\"shm-size\": \"1gb\"}", "{\"HostConfig\":{}}"}, /* a limit: not for us */
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *body = NULL;

        g_assert_null(parse(cases[i].options, &body));
        g_assert_cmpstr(body, ==, cases[i].body);
    }
}

static void test_refused(void)
{
    static const char *const cases[] = {
        "{\"cpu-shares\": \"many\"}", "{\"memory-swap\": \"x\"}", "{\"label\": \"=x\"}",
        "{\"network\": \"\"}",        "{\"env\": \"\"}",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *body = NULL;
        g_autoptr(Error) e = parse(cases[i], &body);

        g_assert_nonnull(e);
        g_assert_cmpint(e->code, ==, ERR_INVALID);
        g_assert_null(body);
    }
}

static void test_unknown_names(void)
{
    json_t *known = json_pack("{s:s, s:s}", "network", "host", "memory", "1gb");
    json_t *unknown = json_pack("{s:b}", "privileged", 1);
    LimitsConfig limits;

    g_assert_null(limits_parse(known, true, &limits));
    g_assert_cmpint(limits.memory_bytes, ==, 1 << 30);

    g_autoptr(Error) without = limits_parse(known, false, &limits);
    g_autoptr(Error) e = limits_parse(unknown, true, &limits);

    g_assert_cmpint(without->code, ==, ERR_INVALID);
    g_assert_null(strstr(without->hint, "network"));
    g_assert_cmpint(e->code, ==, ERR_INVALID);
    g_assert_nonnull(strstr(e->hint, "shm-size"));
    g_assert_nonnull(strstr(e->hint, "network"));
    json_decref(known);
    json_decref(unknown);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/docker-options/bodies", test_bodies);
    g_test_add_func("/docker-options/refused", test_refused);
    g_test_add_func("/docker-options/unknown-names", test_unknown_names);
    return g_test_run();
}

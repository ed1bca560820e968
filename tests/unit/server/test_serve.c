/*
 * The order in which the parts are opened and closed, and what signals do; the parts are the test's.
 */
#include "server/serve.h"

#include <glib.h>
#include <signal.h>

#include "api/api.h"
#include "base/log.h"
#include "engine/engine.h"
#include "engine/pool/pools.h"
#include "retrieval/retrieval.h"
#include "server/reload.h"

static struct {
    GString *calls;
    const char *fails; /* this call */
    GQueue signals;    /* sent one after the other once it serves */
} parts;

/* Never looked into. */
static char engine_part, retrieval_part, api_part;

static Error *part_call(const char *name)
{
    g_string_append_printf(parts.calls, "%s%s", parts.calls->len ? " " : "", name);
    return g_strcmp0(name, parts.fails) == 0 ? error_new(ERR_EXTERNAL, "%s fails", name) : NULL;
}

static void part_end(const char *name)
{
    error_free(part_call(name));
}

static gboolean send_signal(void *unused)
{
    raise(GPOINTER_TO_INT(g_queue_pop_head(&parts.signals)));
    return g_queue_is_empty(&parts.signals) ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
}

/* --- the parts --- */

Error *engine_open(const Config *config, Engine **ret_engine)
{
    TRY(part_call("engine_open"));
    *ret_engine = (Engine *)(void *)&engine_part;
    return NULL;
}

Error *engine_recover(Engine *engine)
{
    return part_call("engine_recover");
}

void engine_close(Engine *engine)
{
    if (engine)
        part_end("engine_close");
}

void server_reload(Engine *engine, const ServerOptions *options)
{
    part_end("server_reload");
}

void engine_reload_pools(Engine *engine)
{
    part_end("engine_reload_pools");
}

Error *retrieval_open(Engine *engine, Retrieval **ret_retrieval)
{
    TRY(part_call("retrieval_open"));
    *ret_retrieval = (Retrieval *)(void *)&retrieval_part;
    return NULL;
}

/* The last part: what happens now happens while it serves. */
Error *retrieval_start(Retrieval *retrieval)
{
    TRY(part_call("retrieval_start"));
    g_idle_add(send_signal, NULL);
    return NULL;
}

void retrieval_close(Retrieval *retrieval)
{
    if (retrieval)
        part_end("retrieval_close");
}

Error *api_start(Engine *engine, Retrieval *retrieval, Api **ret_api)
{
    TRY(part_call("api_start"));
    *ret_api = (Api *)(void *)&api_part;
    return NULL;
}

void api_stop(Api *api)
{
    if (api)
        part_end("api_stop");
}

/* --- the tests --- */

#define OPENED "engine_open retrieval_open engine_recover api_start retrieval_start"
#define CLOSED "api_stop retrieval_close engine_close"

static char *run(const char *fails, const int *signals, Error **ret_error)
{
    Config config = {0};
    ServerOptions options = {0};

    parts.calls = g_string_new(NULL);
    parts.fails = fails;
    for (; signals && *signals; signals++)
        g_queue_push_tail(&parts.signals, GINT_TO_POINTER(*signals));
    *ret_error = server_run(&config, &options);
    return g_string_free(g_steal_pointer(&parts.calls), FALSE);
}

static void test_signals(void)
{
    static const struct {
        int signals[4];
        const char *calls;
    } cases[] = {
        {{SIGHUP, SIGTERM},
         OPENED " server_reload engine_reload_pools " CLOSED}, /* its handler stays */
        {{SIGTERM}, OPENED " " CLOSED},
        {{SIGINT}, OPENED " " CLOSED},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Error) e = NULL;
        g_autofree char *calls = run(NULL, cases[i].signals, &e);

        g_assert_null(e);
        g_assert_cmpstr(calls, ==, cases[i].calls);
    }
}

/* What was opened is closed, in reverse; what was not is left alone. */
static void test_failures(void)
{
    static const struct {
        const char *fails, *calls;
    } cases[] = {
        {"engine_open", "engine_open"},
        {"retrieval_open", "engine_open retrieval_open engine_close"},
        {"engine_recover",
         "engine_open retrieval_open engine_recover retrieval_close engine_close"},
        {"api_start",
         "engine_open retrieval_open engine_recover api_start retrieval_close engine_close"},
        {"retrieval_start", OPENED " " CLOSED},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Error) e = NULL;
        g_autofree char *calls = run(cases[i].fails, NULL, &e);

        g_assert_nonnull(e);
        g_assert_true(g_str_has_prefix(e->message, cases[i].fails));
        g_assert_cmpstr(calls, ==, cases[i].calls);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    log_set_level(LOG_LEVEL_ERROR);
    g_test_add_func("/serve/signals", test_signals);
    g_test_add_func("/serve/failures", test_failures);
    return g_test_run();
}

/*
 * The server: its parts in order, until it is told to stop.
 */
#include "server/serve.h"

#include <glib-unix.h>
#include <signal.h>
#include <sys/resource.h>

#include "api/api.h"
#include "base/log.h"
#include "engine/engine.h"
#include "engine/pool/pools.h"
#include "retrieval/retrieval.h"
#include "server/reload.h"

#define SERVER_FILES_MAX 65536

static gboolean server_quit(void *loop)
{
    g_main_loop_quit(loop);
    return G_SOURCE_CONTINUE;
}

typedef struct Serving {
    Engine *engine;
    const ServerOptions *options;
} Serving;

static gboolean server_hang_up(void *data)
{
    const Serving *serving = data;

    log_info("SIGHUP: reading the configuration, and looking for pools");
    server_reload(serving->engine, serving->options);
    engine_reload_pools(serving->engine);
    return G_SOURCE_CONTINUE;
}

static void server_wait_for_stop(Serving *serving)
{
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    const unsigned quits[] = {
        g_unix_signal_add(SIGINT, server_quit, loop),
        g_unix_signal_add(SIGTERM, server_quit, loop),
    };

    g_unix_signal_add(SIGHUP, server_hang_up, serving);
    g_main_loop_run(loop);
    for (size_t i = 0; i < G_N_ELEMENTS(quits); i++)
        g_source_remove(quits[i]); /* asked for again, it ends at once */
}

/* A connection is a descriptor, and so is much that a clone needs: all that we may have. */
static void server_raise_files(void)
{
    struct rlimit files = {0};

    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        return;
    files.rlim_cur = MIN(files.rlim_max, SERVER_FILES_MAX);
    setrlimit(RLIMIT_NOFILE, &files); /* refused: we go on with what we have */
}

Error *server_run(const Config *config, const ServerOptions *options)
{
    g_autoptr(Engine) engine = NULL;
    g_autoptr(Retrieval) retrieval = NULL; /* closed before the engine: scopes end in reverse */
    g_autoptr(Api) api = NULL;

    server_raise_files();
    log_add_secret(config->server.verification_token);
    log_add_secret(config->retrieval.dump.password);
    TRY(engine_open(config, &engine));
    TRY(retrieval_open(engine, &retrieval));
    TRY(engine_recover(engine)); /* before any request can add to the journal */
    TRY(api_start(engine, retrieval, &api));
    TRY(retrieval_start(retrieval));
    g_autofree char *port = g_strdup_printf("%" G_GINT64_FORMAT, config->server.port);
    log_info("ready", "version", RAMET_VERSION, "host", config->server.host, "port", port);
    server_wait_for_stop(&(Serving){engine, options});
    log_info("stopping; clones run on");
    return NULL;
}

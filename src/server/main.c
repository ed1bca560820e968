/*
 * rametd: read the configuration, open the parts, recover, serve until told to stop; nothing else.
 */
#include <glib-unix.h>
#include <locale.h>
#include <signal.h>
#include <sys/resource.h>

#include "api/api.h"
#include "base/environment.h"
#include "base/log.h"
#include "base/standard_files.h"
#include "config/config.h"
#include "engine/engine.h"
#include "engine/pools.h"
#include "retrieval/retrieval.h"
#include "server/commands.h"

#define SERVER_FILES_MAX 65536

static gboolean server_quit(void *loop)
{
    g_main_loop_quit(loop);
    return G_SOURCE_REMOVE;
}

static gboolean server_hang_up(void *engine)
{
    log_info("SIGHUP: looking for pools; the configuration itself is read at the start only");
    engine_reload_pools(engine);
    return G_SOURCE_CONTINUE;
}

static void server_wait_for_stop(Engine *engine)
{
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);

    g_unix_signal_add(SIGINT, server_quit, loop);
    g_unix_signal_add(SIGTERM, server_quit, loop);
    g_unix_signal_add(SIGHUP, server_hang_up, engine);
    g_main_loop_run(loop);
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

/* Clones run on when the server stops. */
static Error *server_run(const Config *config)
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
    TRY(api_start(config, engine, retrieval, &api));
    TRY(retrieval_start(retrieval));
    g_autofree char *port = g_strdup_printf("%" G_GINT64_FORMAT, config->server.port);
    log_info("ready", "version", RAMET_VERSION, "host", config->server.host, "port", port);
    server_wait_for_stop(engine);
    log_info("stopping; clones run on");
    return NULL;
}

/*
 * SIGHUP means "look for pools", which a start does anyway: until its handler is there it is
 * ignored, and does not end the server. Commands take it as they were started with it.
 */
static Error *server_begin(const Config *config, const ServerOptions *options,
                           void (*hang_up)(int signal_number))
{
    if (!options->command)
        return server_run(config);
    signal(SIGHUP, hang_up);
    return options->command(config, options);
}

/*
 * libpq's variables are for the source alone: it takes them for each connection by itself. These name
 * where it looks for the service that a connection asks for, and none but the source's does.
 */
static const char *const main_shared_variables[] = {"PGSERVICEFILE", "PGSYSCONFDIR", NULL};

int main(int argc, char **argv)
{
    g_auto(ServerOptions) options = {0};
    g_autoptr(Config) config = NULL;

    standard_files_open();
    environment_take("PG", main_shared_variables);
    signal(SIGPIPE, SIG_IGN);
    void (*hang_up)(int) = signal(SIGHUP, SIG_IGN);
    setlocale(LC_ALL, "");
    Error *e = options_read(&argc, &argv, &options);
    if (!e && options.needs_config)
        e = command_read_config(&options, &config);
    if (!e)
        e = server_begin(config, &options, hang_up);
    return command_exit(e);
}

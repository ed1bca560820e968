/*
 * rametd: read the command line and the configuration, then serve or do what a command asks.
 */
#include <locale.h>
#include <signal.h>

#include "base/environment.h"
#include "base/standard_files.h"
#include "server/commands.h"
#include "server/serve.h"

/*
 * SIGHUP means "read the configuration and look for pools", which a start does anyway: until its handler is there it is
 * ignored, and does not end the server. Commands take it as they were started with it.
 */
static Error *server_begin(const Config *config, const ServerOptions *options,
                           void (*hang_up)(int signal_number))
{
    if (!options->command)
        return server_run(config, options);
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

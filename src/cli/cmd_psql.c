/*
 * ramet psql: become psql, connected to a clone. No password is handled here: libpq takes it from
 * PGPASSWORD or ~/.pgpass, or psql asks.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/json_path.h"

static bool psql_is_loopback(const char *host)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "::1", NULL};

    return g_strv_contains(names, host);
}

/* "localhost" is the server's view: seen from another machine it is the server. */
static char *psql_host(const json_t *clone, const Settings *settings)
{
    g_autoptr(GUri) uri = g_uri_parse(settings->url, G_URI_FLAGS_NONE, NULL);
    const char *server = uri ? g_uri_get_host(uri) : "";
    const char *host = json_text_at(clone, "db.host");

    if (psql_is_loopback(host) && !psql_is_loopback(server) && !settings->is_forwarded)
        return g_strdup(server);
    return g_strdup(*host ? host : server);
}

/*
 * As a connection string: psql would take a bare name with "=" in it, or one that begins like a URI,
 * for such a string. Source: libpq, "Keyword/Value Connection Strings".
 */
static char *psql_dbname(const char *name)
{
    GString *quoted = g_string_new("--dbname=dbname='");

    for (; *name; name++) {
        if (*name == '\'' || *name == '\\')
            g_string_append_c(quoted, '\\');
        g_string_append_c(quoted, *name);
    }
    g_string_append_c(quoted, '\'');
    return g_string_free(quoted, FALSE);
}

static GPtrArray *psql_argv(const json_t *clone, const char *host, const GPtrArray *rest)
{
    GPtrArray *argv = g_ptr_array_new_with_free_func(g_free);

    g_ptr_array_add(argv, g_strdup("psql"));
    g_ptr_array_add(argv, g_strdup_printf("--host=%s", host));
    g_ptr_array_add(argv, g_strdup_printf("--port=%s", json_text_at(clone, "db.port")));
    g_ptr_array_add(argv, g_strdup_printf("--username=%s", json_text_at(clone, "db.username")));
    g_ptr_array_add(argv, psql_dbname(json_text_at(clone, "db.dbName")));
    for (guint i = 0; i < rest->len; i++)
        g_ptr_array_add(argv, g_strdup(rest->pdata[i]));
    g_ptr_array_add(argv, NULL);
    return argv;
}

static Error *psql_exec(GPtrArray *argv)
{
    int err = 0;

    g_unsetenv("PGHOSTADDR"); /* would be connected to in place of the host */
    fflush(stdout);
    execvp("psql", (char **)argv->pdata);
    err = errno;
    if (err == ENOENT)
        return error_hint(error_new(ERR_EXTERNAL, "program \"psql\" not found"),
                          "On Debian it is in the package postgresql-client.");
    return error_errno(err, "cannot start program \"psql\"");
}

Error *cmd_psql(Cli *cli)
{
    const char *id = args_argument(cli->args);
    g_autofree char *path = NULL;
    g_autofree char *host = NULL;
    g_autoptr(json_t) clone = NULL;
    g_autoptr(GPtrArray) argv = NULL;

    TRY(client_path("/clone/", id, "", &path));
    TRY(client_call(cli->client, &(ApiCall){.method = "GET", .path = path}, &clone));
    if (strcmp(json_text_at(clone, "status.code"), "OK") != 0)
        return error_hint(error_new(ERR_CONFLICT, "clone \"%s\" is not ready: %s: %s", id,
                                    json_text_at(clone, "status.code"),
                                    json_text_at(clone, "status.message")),
                          "See \"ramet clone status %s\".", id);
    host = psql_host(clone, cli->settings);
    argv = psql_argv(clone, host, cli->args->passthrough);
    return psql_exec(argv);
}

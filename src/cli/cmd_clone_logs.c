/*
 * ramet clone logs: what the PostgreSQL of a clone has logged, and with --follow what it goes on to
 * log.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/json_path.h"

#define LOGS_TAIL_MAX     10000
#define LOGS_WAIT_S       20
#define LOGS_GRACE_MS     5000 /* what a wait may take beyond what was asked */
#define LOGS_PAUSE_MS     1000
#define LOGS_FAILURES_MAX 60 /* in a row: the server may restart */

static Error *logs_get(Cli *cli, const char *query, int64_t wait_s, json_t **ret_answer)
{
    int64_t timeout_ms = wait_s > 0 ? wait_s * 1000 + LOGS_GRACE_MS : 0;
    g_autofree char *path = NULL;

    TRY(client_path("/clone/", args_argument(cli->args), query, &path));
    return client_call(cli->client,
                       &(ApiCall){.method = "GET", .path = path, .timeout_ms = timeout_ms},
                       ret_answer);
}

static void logs_print(const json_t *answer)
{
    json_int_t skipped = json_integer_value(json_at(answer, "skipped"));
    size_t i;
    json_t *line;

    if (skipped > 0)
        fprintf(stderr, "(%" JSON_INTEGER_FORMAT " bytes of the log are gone already)\n", skipped);
    json_array_foreach (json_at(answer, "lines"), i, line)
        print_text(stdout, "%s\n", json_string_value(line) ? json_string_value(line) : "");
    fflush(stdout);
}

/* A server that cannot be reached for a while is no reason to give up; the end of a clone is one. */
static Error *logs_follow(Cli *cli, json_int_t next)
{
    int failures = 0;

    while (!ferror(stdout)) {
        g_autofree char *query =
            g_strdup_printf("/logs?after=%" JSON_INTEGER_FORMAT "&tail=%d&wait=%d", next,
                            LOGS_TAIL_MAX, LOGS_WAIT_S);
        g_autoptr(json_t) answer = NULL;
        Error *e = logs_get(cli, query, LOGS_WAIT_S, &answer);

        if (!e) {
            failures = 0;
            logs_print(answer);
            next = json_integer_value(json_at(answer, "next"));
            continue;
        }
        if ((e->code != ERR_BUSY && e->code != ERR_TIMEOUT) || ++failures > LOGS_FAILURES_MAX)
            return e;
        error_free(e);
        g_usleep(LOGS_PAUSE_MS * 1000);
    }
    return NULL;
}

static Error *logs_check(const Cli *cli, int64_t *ret_tail)
{
    const char *tail = args_text(cli->args, "tail");
    Error *e = tail ? text_parse_int(tail, 0, LOGS_TAIL_MAX, ret_tail) : NULL;

    if (e)
        return error_hint(error_wrap(e, "--tail"), "Give a number of lines, at most %d.",
                          LOGS_TAIL_MAX);
    if (args_flag(cli->args, "follow") && cli->is_format_chosen && cli->format == OUTPUT_JSON)
        return error_new(ERR_INVALID, "--follow prints lines, and cannot print JSON");
    return NULL;
}

Error *cmd_clone_logs(Cli *cli)
{
    int64_t tail = 200;
    g_autofree char *query = NULL;
    g_autoptr(json_t) answer = NULL;
    Error *e;

    TRY(logs_check(cli, &tail));
    query = g_strdup_printf("/logs?tail=%" PRId64, tail);
    TRY(logs_get(cli, query, 0, &answer));
    if (cli->is_format_chosen && cli->format == OUTPUT_JSON) {
        cli_show_raw(cli, NULL, answer);
        return NULL;
    }
    logs_print(answer);
    if (!args_flag(cli->args, "follow"))
        return NULL;
    e = logs_follow(cli, json_integer_value(json_at(answer, "next")));
    if (!e || e->code != ERR_NOT_FOUND)
        return e;
    error_free(e);
    print_text(stderr, "The clone is gone: %s\n", args_argument(cli->args));
    return NULL;
}

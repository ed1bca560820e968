/*
 * ramet refresh: start a full refresh and, with --watch, follow it to its end.
 *
 * The server may show the end of the refresh before for a moment after it accepted a new one. So an
 * end counts only once work has been seen, or the start time has changed.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/interrupt.h"
#include "cli/json_path.h"
#include "cli/progress.h"

#define REFRESH_POLL_MS      500
#define REFRESH_START_MS     10000 /* by then an accepted refresh must show */
#define REFRESH_FAILURES_MAX 60    /* polls in a row: the server may restart */

typedef enum RefreshState {
    REFRESH_BUSY,
    REFRESH_DONE,
    REFRESH_FAILED,
} RefreshState;

static const struct {
    const char *status;
    RefreshState state;
} refresh_states[] = {
    {"pending", REFRESH_BUSY},      {"refreshing", REFRESH_BUSY}, {"renewed", REFRESH_BUSY},
    {"snapshotting", REFRESH_BUSY}, {"finished", REFRESH_DONE},   {"failed", REFRESH_FAILED},
    {"inactive", REFRESH_FAILED},
};

typedef struct RefreshWatch {
    Client *client;
    char *last_refresh; /* start time of the refresh before ours */
    bool has_begun;
    int64_t start_deadline_ms;
    int failures;
    bool is_terminal;
    char *shown; /* what is on the screen */
} RefreshWatch;

static void refresh_watch_clear(RefreshWatch *watch)
{
    g_free(watch->last_refresh);
    g_free(watch->shown);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RefreshWatch, refresh_watch_clear)

static RefreshState refresh_state(const json_t *retrieval)
{
    const char *status = json_text_at(retrieval, "status");

    for (size_t i = 0; i < G_N_ELEMENTS(refresh_states); i++)
        if (strcmp(refresh_states[i].status, status) == 0)
            return refresh_states[i].state;
    return REFRESH_BUSY; /* a word of a later server */
}

static Error *refresh_get(Client *client, json_t **ret_retrieval)
{
    return client_call(client, &(ApiCall){.method = "GET", .path = "/instance/retrieval"},
                       ret_retrieval);
}

static Error *refresh_post(Client *client, json_t **ret_answer)
{
    return client_call(client, &(ApiCall){.method = "POST", .path = "/full-refresh"}, ret_answer);
}

/* --- showing: on stderr, so that stdout holds the result alone --- */

static void refresh_show(RefreshWatch *watch, const json_t *retrieval)
{
    g_autofree char *line =
        watch->is_terminal ? progress_bar(retrieval) : progress_words(retrieval);

    if (g_strcmp0(line, watch->shown) == 0)
        return;
    if (watch->is_terminal)
        fputs("\r\033[K", stderr);
    print_text(stderr, watch->is_terminal ? "%s" : "%s\n", line);
    fflush(stderr);
    g_free(watch->shown);
    watch->shown = g_steal_pointer(&line);
}

static void refresh_end_line(const RefreshWatch *watch)
{
    if (watch->is_terminal && watch->shown)
        fputc('\n', stderr);
}

/* --- watching --- */

static Error *refresh_failure(const json_t *retrieval)
{
    const json_t *alert = json_at(retrieval, "alerts.refresh_failed");
    const char *message = json_text_at(alert, "message");
    const char *detail = json_text_at(alert, "detail");
    const char *hint = json_text_at(alert, "hint");
    Error *e = error_new(ERR_EXTERNAL, "the refresh failed: %s",
                         *message ? message : json_text_at(retrieval, "status"));

    if (*detail)
        e = error_detail(e, "%s", detail);
    return *hint ? error_hint(e, "%s", hint) : e;
}

/* True when the answer speaks of the refresh that is watched, not of the one before. */
static bool refresh_has_begun(RefreshWatch *watch, const json_t *retrieval)
{
    if (refresh_state(retrieval) == REFRESH_BUSY ||
        strcmp(json_text_at(retrieval, "lastRefresh"), watch->last_refresh) != 0)
        watch->has_begun = true;
    return watch->has_begun;
}

static Error *refresh_step(RefreshWatch *watch, const json_t *retrieval, bool *ret_done)
{
    if (!refresh_has_begun(watch, retrieval)) {
        if (clock_monotonic_ms() < watch->start_deadline_ms)
            return NULL;
        return error_hint(error_new(ERR_TIMEOUT, "the refresh was accepted but has not begun"),
                          "See \"ramet instance status\".");
    }
    refresh_show(watch, retrieval);
    if (refresh_state(retrieval) == REFRESH_FAILED)
        return refresh_failure(retrieval);
    *ret_done = refresh_state(retrieval) == REFRESH_DONE;
    return NULL;
}

/* One poll. A server that cannot be reached for a while is no reason to give up. */
static Error *refresh_poll(RefreshWatch *watch, json_t **ret_retrieval)
{
    Error *e = refresh_get(watch->client, ret_retrieval);
    bool is_passing = e && (e->code == ERR_BUSY || e->code == ERR_TIMEOUT);

    if (!is_passing || ++watch->failures > REFRESH_FAILURES_MAX)
        return e;
    error_free(e);
    return NULL;
}

static Error *refresh_follow(RefreshWatch *watch, json_t **ret_retrieval)
{
    for (;;) {
        g_autoptr(json_t) retrieval = NULL;
        bool is_done = false;

        TRY(refresh_poll(watch, &retrieval));
        if (retrieval) {
            watch->failures = 0;
            TRY(refresh_step(watch, retrieval, &is_done));
        }
        if (is_done) {
            *ret_retrieval = g_steal_pointer(&retrieval);
            return NULL;
        }
        g_usleep(REFRESH_POLL_MS * 1000);
    }
}

/* A refresh under way is joined, and else one is started. */
static Error *refresh_start(RefreshWatch *watch)
{
    g_autoptr(json_t) before = NULL;

    TRY(refresh_get(watch->client, &before));
    watch->last_refresh = g_strdup(json_text_at(before, "lastRefresh"));
    watch->start_deadline_ms = clock_monotonic_ms() + REFRESH_START_MS;
    watch->has_begun = refresh_state(before) == REFRESH_BUSY &&
                       strcmp(json_text_at(before, "status"), "pending") != 0; /* none began yet */
    if (!watch->has_begun)
        return refresh_post(watch->client, NULL);
    fprintf(stderr, "A refresh is already under way.\n");
    return NULL;
}

static Error *refresh_watch(Cli *cli)
{
    g_auto(RefreshWatch) watch = {.client = cli->client, .is_terminal = isatty(STDERR_FILENO)};
    g_autoptr(json_t) retrieval = NULL;
    Error *e = NULL;

    TRY(refresh_start(&watch));
    interrupt_set_notice("The refresh goes on: \"ramet refresh --watch\" follows it again.");
    e = refresh_follow(&watch, &retrieval);
    interrupt_set_notice(NULL);
    refresh_end_line(&watch);
    if (e)
        return e;
    if (cli->format == OUTPUT_JSON)
        cli_show(cli, NULL, retrieval);
    else
        cli_say(cli, "The refresh is finished.");
    return NULL;
}

Error *cmd_refresh(Cli *cli)
{
    return args_flag(cli->args, "watch") ? refresh_watch(cli) : cmd_instance_full_refresh(cli);
}

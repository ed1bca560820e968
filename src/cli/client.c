/*
 * The server's API, as seen by commands. Everything about HTTP and the shape of its errors is in
 * here.
 */
#include "cli/client.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/http_client.h"
#include "cli/interrupt.h"
#include "cli/json_path.h"
#include "cli/print.h"

#define CLIENT_LONG_POLL_S   10
#define CLIENT_POLL_MS       1000
#define CLIENT_POLL_GRACE_MS 5000 /* what a long poll may take beyond what was asked */
#define CLIENT_SHOWN_MAX     500  /* of an answer that is no JSON */

struct Client {
    const Settings *settings;
    char *token_header;
};

Client *client_new(const Settings *settings)
{
    Client *client = g_new0(Client, 1);

    client->settings = settings;
    /* Sent also when it is empty, as every client does; libcurl writes that with a semicolon. */
    client->token_header = *settings->token
                               ? g_strconcat("Verification-Token: ", settings->token, NULL)
                               : g_strdup("Verification-Token;");
    return client;
}

void client_free(Client *client)
{
    if (!client)
        return;
    g_free(client->token_header);
    g_free(client);
}

/* --- answers --- */

static ErrorCode client_error_code(long status, const char *code)
{
    if (status == 401 || status == 403)
        return ERR_DENIED;
    if (strcmp(code, "NOT_FOUND") == 0)
        return ERR_NOT_FOUND;
    return ERR_EXTERNAL;
}

static Error *client_foreign_error(const Client *client, const HttpResponse *response)
{
    g_autofree char *shown = g_strndup(response->body, CLIENT_SHOWN_MAX);

    return error_hint(error_new(client_error_code(response->status, ""),
                                "failed to parse an error message: %s, status %ld",
                                g_strstrip(shown), response->status),
                      "Is there a Ramet server at %s, and does it know this request?",
                      client->settings->url);
}

/* Turns {"code", "message", "detail"?, "hint"?} into an error. */
static Error *client_server_error(const Client *client, const HttpResponse *response)
{
    g_autoptr(json_t) answer = json_loads(response->body, 0, NULL);
    const char *message = json_text_at(answer, "message");
    const char *detail = json_text_at(answer, "detail");
    const char *hint = json_text_at(answer, "hint");
    Error *e = NULL;

    if (!*message)
        return client_foreign_error(client, response);
    e = error_new(client_error_code(response->status, json_text_at(answer, "code")), "%s", message);
    if (*detail)
        e = error_detail(e, "%s", detail);
    if (*hint)
        e = error_hint(e, "%s", hint);
    else if (e->code == ERR_DENIED)
        e = error_hint(e, *client->settings->token
                              ? "The token that was sent is not this server's: compare it with "
                                "server.verificationToken."
                              : "Set RAMET_VERIFICATION_TOKEN or the token of the environment.");
    return e;
}

static Error *client_not_the_server(const Client *client, Error *e)
{
    return error_hint(e, "Is there a Ramet server at %s?", client->settings->url);
}

/* Not followed: the token belongs to one server, and a POST would become a GET. */
static Error *client_redirected(const Client *client, const HttpResponse *response)
{
    return error_hint(
        error_new(ERR_EXTERNAL, "the answer is a redirection, status %ld", response->status),
        "Give the address that %s leads to: is it https://, or another path?",
        client->settings->url);
}

/* Every answer of the API is an object or an array. A page or a word comes from somebody else. */
static Error *client_parse_json(const Client *client, const char *body, json_t **ret_answer)
{
    json_error_t problem;
    json_t *answer = json_loads(body, 0, &problem);

    if (!answer)
        return client_not_the_server(client, error_new(ERR_EXTERNAL,
                                                       "failed to parse the response: %s, line %d",
                                                       problem.text, problem.line));
    *ret_answer = answer;
    return NULL;
}

static Error *client_parse_answer(const Client *client, const HttpResponse *response,
                                  json_t **ret_answer)
{
    g_autoptr(json_t) answer = NULL;

    if (response->status >= 400)
        return client_server_error(client, response);
    if (response->status >= 300)
        return client_redirected(client, response);
    if (*response->body)
        TRY(client_parse_json(client, response->body, &answer));
    if (!ret_answer)
        return NULL;
    if (!answer)
        return client_not_the_server(client, error_new(ERR_EXTERNAL, "the answer is empty"));
    *ret_answer = g_steal_pointer(&answer);
    return NULL;
}

/* --- requests --- */

/* Neither the token nor the request's body, which may hold a password, is shown. */
static void client_debug(const Client *client, const HttpRequest *request,
                         const HttpResponse *response, const Error *e)
{
    if (!client->settings->is_debug || (!e && response->status < 300))
        return;
    print_text(stderr, "> %s %s\n", request->method, request->url);
    if (e)
        print_text(stderr, "< %s\n", e->message);
    else
        print_text(stderr, "< %ld\n< %s\n", response->status, response->body);
}

static Error *client_send(const Client *client, const HttpRequest *request,
                          HttpResponse *ret_response)
{
    Error *e = http_request(request, ret_response);

    client_debug(client, request, ret_response, e);
    if (e && e->code == ERR_EXTERNAL)
        e->code = ERR_BUSY; /* out of reach, which is not the same as refused */
    return e;
}

Error *client_call(Client *client, const ApiCall *call, json_t **ret_answer)
{
    g_autofree char *url = g_strconcat(client->settings->url, call->path, NULL);
    char *body = call->body ? json_dumps(call->body, JSON_COMPACT) : NULL;
    g_auto(HttpResponse) response = {0};
    int64_t timeout_ms = call->timeout_ms ? call->timeout_ms : client->settings->timeout_ms;
    Error *e = client_send(client,
                           &(HttpRequest){
                               .method = call->method,
                               .url = url,
                               .headers = (const char *const[]){client->token_header, NULL},
                               .body = body,
                               .timeout_ms = call->is_slow ? 0 : timeout_ms,
                               .is_insecure = client->settings->is_insecure,
                           },
                           &response);

    free(body);
    return e ? e : client_parse_answer(client, &response, ret_answer);
}

Error *client_path(const char *before, const char *id, const char *after, char **ret_path)
{
    g_autofree char *escaped = g_uri_escape_string(id, "/@:", FALSE);
    g_auto(GStrv) segments = g_strsplit(id, "/", -1);

    if (g_strv_contains((const char *const *)segments, ".") ||
        g_strv_contains((const char *const *)segments, ".."))
        return error_new(ERR_INVALID, "\"%s\" is not an id", id);
    *ret_path = g_strconcat(before, escaped, after, NULL);
    return NULL;
}

/* --- waiting --- */

static Error *client_wait_timeout(const Client *client, const char *id)
{
    return error_hint(error_new(ERR_TIMEOUT,
                                "failed to watch the clone status: not done after %" G_GINT64_FORMAT
                                " s",
                                client->settings->timeout_ms / 1000),
                      "The server goes on: see \"ramet clone status %s\". "
                      "--request-timeout makes the client wait longer.",
                      id);
}

static Error *client_poll_clone(Client *client, const char *id, int64_t left_ms, json_t **ret_clone)
{
    int64_t wait_s = MIN(CLIENT_LONG_POLL_S, left_ms / 1000);
    g_autofree char *query = g_strdup_printf("?wait=%" G_GINT64_FORMAT, wait_s);
    g_autofree char *path = NULL;

    TRY(client_path("/clone/", id, query, &path));
    return client_call(client,
                       &(ApiCall){.method = "GET",
                                  .path = path,
                                  .timeout_ms = wait_s * 1000 + CLIENT_POLL_GRACE_MS},
                       ret_clone);
}

static Error *client_wait_for_change(Client *client, const char *id, const char *state,
                                     json_t **ret_clone)
{
    int64_t deadline_ms = clock_monotonic_ms() + client->settings->timeout_ms;

    for (;;) {
        g_autoptr(json_t) clone = NULL;
        int64_t asked_ms = clock_monotonic_ms();
        int64_t pause_ms = 0;

        if (asked_ms >= deadline_ms)
            return client_wait_timeout(client, id);
        TRY(client_poll_clone(client, id, deadline_ms - asked_ms, &clone));
        if (strcmp(json_text_at(clone, "status.code"), state) != 0) {
            *ret_clone = g_steal_pointer(&clone);
            return NULL;
        }
        pause_ms = asked_ms + CLIENT_POLL_MS - clock_monotonic_ms();
        if (pause_ms > 0)
            g_usleep((gulong)pause_ms * 1000);
    }
}

Error *client_wait_clone(Client *client, const char *id, const char *state, json_t **ret_clone)
{
    g_autofree char *notice =
        g_strdup_printf("The server goes on: see \"ramet clone status %s\".", id);
    Error *e = NULL;

    interrupt_set_notice(notice);
    e = client_wait_for_change(client, id, state, ret_clone);
    interrupt_set_notice(NULL);
    return e;
}

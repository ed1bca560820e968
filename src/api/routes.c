/*
 * The routes, and what is the same for all of them: matching, the token, limits, errors.
 */
#include "api/routes.h"

#include <string.h>

#include "api/reply.h"
#include "base/log.h"
#include "base/secret.h"

const Route routes[] = {
    {"GET", "/healthz", ROLE_ANYONE, ROUTE_AT_HAND, handle_healthz,
     "Is the server alive? Its version."},
    {"POST", "/healthz", ROLE_ANYONE, ROUTE_AT_HAND, handle_healthz, "The same."},
    {"GET", "/status", ROLE_ADMIN, ROUTE_AT_HAND, handle_status,
     "The whole instance: pools, clones, retrieval."},
    {"GET", "/instance/retrieval", ROLE_ADMIN, ROUTE_SLOW, handle_retrieval,
     "State, progress and activity of the retrieval."},
    {"POST", "/full-refresh", ROLE_ADMIN, ROUTE_SLOW, handle_full_refresh, "Begin a full refresh."},
    {"GET", "/doctor", ROLE_ADMIN, ROUTE_SLOW, handle_doctor,
     "Compare the store with what exists."},
    {"GET", "/snapshots", ROLE_ADMIN, ROUTE_AT_HAND, handle_snapshot_list, "All snapshots."},
    {"POST", "/snapshot", ROLE_ADMIN, ROUTE_SLOW, handle_snapshot_create,
     "Take a snapshot of a pool's golden data."},
    {"POST", "/snapshot/clone", ROLE_ADMIN, ROUTE_SLOW, handle_snapshot_of_clone,
     "Take a snapshot of a clone."},
    {"GET", "/snapshot/{id...}", ROLE_ADMIN, ROUTE_AT_HAND, handle_snapshot_get, "One snapshot."},
    {"PATCH", "/snapshot/{id...}", ROLE_ADMIN, ROUTE_AT_HAND, handle_snapshot_update,
     "Protect it or schedule its deletion."},
    {"DELETE", "/snapshot/{id...}", ROLE_ADMIN, ROUTE_SLOW, handle_snapshot_delete, "Delete it."},
    {"GET", "/clones", ROLE_ADMIN, ROUTE_AT_HAND, handle_clone_list, "All clones."},
    {"POST", "/clone", ROLE_ADMIN, ROUTE_SLOW, handle_clone_create, "Create a clone."},
    {"POST", "/clone/{id}/reset", ROLE_ADMIN, ROUTE_SLOW, handle_clone_reset,
     "Reset it to a snapshot."},
    {"GET", "/clone/{id}/logs", ROLE_ADMIN, ROUTE_AT_HAND, handle_clone_logs,
     "Lines of its PostgreSQL's log; ?tail=LINES, ?after=OFFSET, ?wait=SECONDS for more."},
    {"GET", "/clone/{id}", ROLE_ADMIN, ROUTE_AT_HAND, handle_clone_get,
     "One clone; ?wait=SECONDS until its state is final."},
    {"PATCH", "/clone/{id}", ROLE_ADMIN, ROUTE_SLOW, handle_clone_update,
     "Protect or unprotect it."},
    {"DELETE", "/clone/{id}", ROLE_ADMIN, ROUTE_SLOW, handle_clone_destroy, "Destroy it."},
    {0},
};

/*
 * Matches a pattern of literal text with at most one {id} (a segment) or {id...} (the rest).
 * *ret_id: the matched part, NULL when the pattern has none; caller frees.
 */
static bool route_matches(const char *pattern, const char *path, char **ret_id)
{
    const char *brace = strchr(pattern, '{');

    if (!brace)
        return g_str_equal(pattern, path);
    size_t prefix = (size_t)(brace - pattern);
    const char *suffix = strchr(brace, '}') + 1;
    if (strncmp(pattern, path, prefix) != 0 || !g_str_has_suffix(path, suffix))
        return false;
    size_t path_length = strlen(path), suffix_length = strlen(suffix);
    if (path_length <= prefix + suffix_length)
        return false;
    size_t id_length = path_length - prefix - suffix_length;
    bool takes_rest = g_str_has_prefix(brace, "{id...}");
    if (!takes_rest && memchr(path + prefix, '/', id_length))
        return false;
    *ret_id = g_strndup(path + prefix, id_length);
    return true;
}

/* The route for the request, or NULL. */
static const Route *route_find(const Request *request, char **ret_id)
{
    for (const Route *route = routes; route->method; route++) {
        g_autofree char *id = NULL;
        if (!g_str_equal(route->method, request->method) ||
            !route_matches(route->pattern, request->path, &id))
            continue;
        *ret_id = g_steal_pointer(&id);
        return route;
    }
    return NULL;
}

/* "GET, POST": the methods that routes have for this path; "" when there is none. Caller frees. */
static char *route_methods(const char *path)
{
    GString *methods = g_string_new(NULL);

    for (const Route *route = routes; route->method; route++) {
        g_autofree char *id = NULL;
        if (route_matches(route->pattern, path, &id))
            g_string_append_printf(methods, "%s%s", methods->len ? ", " : "", route->method);
    }
    return g_string_free(methods, FALSE);
}

static void route_miss(const Request *request, Reply *reply)
{
    g_autofree char *methods = route_methods(request->path);

    if (!*methods) {
        reply_refusal(reply, 404, "NOT_FOUND",
                      "Requested object does not exist. Specify your request.",
                      "No route has this path.");
        return;
    }
    g_autofree char *hint = g_strdup_printf("The methods of this path: %s.", methods);
    reply_refusal(reply, 405, "BAD_REQUEST", "method not allowed", hint);
    reply_header_take(reply, "Allow", g_steal_pointer(&methods));
}

/* Without a token, only where the configuration says so. */
static bool request_has_token(const Request *request)
{
    const char *token = request->config->server.verification_token;

    if (!token || !*token)
        return request->config->server.allow_no_token;
    return secret_equal(http_header(request, "Verification-Token"), token);
}

/* Who has sent one is not told to send one. */
static void route_refuse(const Request *request, Reply *reply)
{
    bool is_sent = http_header(request, "Verification-Token") != NULL;

    reply_refusal(reply, 401, "UNAUTHORIZED", "Check your verification token.",
                  is_sent ? "The token that was sent is not this server's "
                            "(server.verificationToken)."
                          : "Send it in the header Verification-Token; with ramet, by --token or "
                            "RAMET_VERIFICATION_TOKEN.");
}

static Principal request_principal(const Request *request)
{
    return (Principal){.role = request_has_token(request) ? ROLE_ADMIN : ROLE_ANYONE};
}

/*
 * What its route needs. A method that the path does not have needs the least of those it has, so
 * that it gets its 405; a path that does not exist needs all.
 */
static Role request_needs(const Request *request, const Route *found)
{
    Role least = ROLE_ADMIN;

    if (found)
        return found->role;
    for (const Route *route = routes; route->method; route++) {
        g_autofree char *id = NULL;
        if (route->role < least && route_matches(route->pattern, request->path, &id))
            least = route->role;
    }
    return least;
}

/*
 * The token first, also for paths that do not exist: a web page takes anything but 401 as "the
 * token is right", and asks again and again.
 */
bool routes_admit(Request *request, Reply *reply, void *data)
{
    const Api *api = data;
    g_autofree char *id = NULL;

    request->config = engine_config(api->engine);
    request->principal = request_principal(request);
    const Route *route = route_find(request, &id);
    if (request->principal.role < request_needs(request, route)) {
        route_refuse(request, reply);
        return false;
    }
    if (route)
        return true;
    route_miss(request, reply);
    return false;
}

/* An error of the server's own is logged here, where it ends; the client's mistakes are not. */
static void route_fail(const Request *request, Reply *reply, Error *e)
{
    if (e->code == ERR_EXTERNAL || e->code == ERR_BUG || e->code == ERR_NO_SPACE)
        log_failure(LOG_LEVEL_ERROR, e, "request failed", "method", request->method, "path",
                    request->path, NULL);
    reply_error(reply, e);
    error_free(e);
}

bool routes_is_slow(const Request *request, void *api)
{
    g_autofree char *id = NULL;

    return route_find(request, &id)->cost == ROUTE_SLOW; /* there is one: it was admitted */
}

void routes_handle(Request *request, Reply *reply, void *data)
{
    Api *api = data;
    g_autofree char *id = NULL;
    const Route *route = route_find(request, &id); /* there is one: it was admitted */

    if (!request->body) {
        reply_too_large(reply);
    } else {
        g_free(request->id);
        request->id = g_steal_pointer(&id);
        Error *e = route->handle(api, request, reply);
        if (e)
            route_fail(request, reply, e);
    }
    if (!reply->is_parked)
        log_debug("request", "method", request->method, "path", request->path);
}

/*
 * A client of Ramet, in C so that its own start and its interpreter are not measured: every thread has
 * one connection that it keeps, opened before the clock starts.
 *
 *   client --url URL --dbname DB create ID [--count N]   until the first SELECT 1, N at once;
 *                                                        --restricted: its user is no superuser
 *   client --url URL --dbname DB reset ID                until the first SELECT 1
 *   client --url URL --dbname DB destroy ID [--count N]  until the clone is gone
 *   client --url URL --dbname DB list [--count N]        GET /clones, N in turn
 *
 * The token is in RAMET_TOKEN. Prints {"wall_ms", "runs": [{"post_ms", …, "total_ms"}]}.
 */
#include <curl/curl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "first_query.h"

#define WAIT_S 60

static char *url, *dbname;
static int count = 1;
static gboolean is_restricted;

static const GOptionEntry options[] = {
    {"url", 0, 0, G_OPTION_ARG_STRING, &url, "of rametd", "URL"},
    {"dbname", 0, 0, G_OPTION_ARG_STRING, &dbname, "database to connect to", "DB"},
    {"count", 0, 0, G_OPTION_ARG_INT, &count, "so many", "N"},
    {"restricted", 0, 0, G_OPTION_ARG_NONE, &is_restricted, "the user is no superuser", NULL},
    {0},
};

/* --- HTTP --- */

typedef struct Session {
    CURL *curl;
    struct curl_slist *headers;
    GString *body; /* of the last answer */
} Session;

static size_t session_take_body(char *chunk, size_t size, size_t n, void *data)
{
    g_string_append_len(data, chunk, (gssize)(size * n));
    return size * n;
}

static long session_call(Session *session, const char *method, const char *path, const char *body)
{
    g_autofree char *target = g_strconcat(url, path, NULL);
    long status = 0;

    g_string_truncate(session->body, 0);
    curl_easy_setopt(session->curl, CURLOPT_URL, target);
    curl_easy_setopt(session->curl, CURLOPT_HTTPGET, 1L); /* forgets the body of the call before */
    if (body)
        curl_easy_setopt(session->curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(session->curl, CURLOPT_CUSTOMREQUEST, method);

    CURLcode code = curl_easy_perform(session->curl);

    if (code != CURLE_OK)
        g_error("%s %s: %s", method, path, curl_easy_strerror(code));
    curl_easy_getinfo(session->curl, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

static void session_must(Session *session, const char *method, const char *path, const char *body)
{
    long status = session_call(session, method, path, body);

    if (status >= 300)
        g_error("%s %s: status %ld: %s", method, path, status, session->body->str);
}

static Session *session_open(void)
{
    Session *session = g_new0(Session, 1);
    g_autofree char *token = g_strconcat("Verification-Token: ", g_getenv("RAMET_TOKEN"), NULL);

    session->curl = curl_easy_init();
    session->headers = curl_slist_append(curl_slist_append(NULL, token), "Expect:");
    session->body = g_string_new(NULL);
    curl_easy_setopt(session->curl, CURLOPT_HTTPHEADER, session->headers);
    curl_easy_setopt(session->curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(session->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(session->curl, CURLOPT_WRITEFUNCTION, session_take_body);
    curl_easy_setopt(session->curl, CURLOPT_WRITEDATA, session->body);
    session_must(session, "GET", "/healthz", NULL);
    return session;
}

static void session_close(Session *session)
{
    curl_easy_cleanup(session->curl);
    curl_slist_free_all(session->headers);
    g_string_free(session->body, TRUE);
    g_free(session);
}

/* --- verbs --- */

typedef struct ClientRun {
    Session *session;
    char *id;
    double total_ms;
    double post_ms; /* until the server has accepted */
    double wait_ms; /* until it says that it is done */
    FirstQuery first;
} ClientRun;

/* Long polls until the clone is OK; returns its port. */
static int64_t client_wait_ok(ClientRun *run)
{
    g_autofree char *path = g_strdup_printf("/clone/%s?wait=%d", run->id, WAIT_S);

    session_must(run->session, "GET", path, NULL);

    json_auto_t *clone = json_loads(run->session->body->str, 0, NULL);
    const char *code = NULL, *port = NULL;

    if (json_unpack(clone, "{s{ss} s{ss}}", "status", "code", &code, "db", "port", &port) < 0 ||
        strcmp(code, "OK") != 0)
        g_error("clone %s: %s", run->id, run->session->body->str);
    return g_ascii_strtoll(port, NULL, 10);
}

static void client_post(ClientRun *run, const char *path, const char *body)
{
    double began_ms = bench_ms();

    session_must(run->session, "POST", path, body);
    run->post_ms = bench_ms() - began_ms;

    int64_t port = client_wait_ok(run);

    run->wait_ms = bench_ms() - began_ms - run->post_ms;
    run->first = first_query(port, dbname);
    run->total_ms = bench_ms() - began_ms;
}

static void client_create(ClientRun *run)
{
    json_auto_t *request =
        json_pack("{ss s{sssssssb}}", "id", run->id, "db", "username", BENCH_USER, "password",
                  BENCH_PASSWORD, "db_name", dbname, "restricted", is_restricted);
    char *body = json_dumps(request, JSON_COMPACT);

    client_post(run, "/clone", body);
    free(body);
}

static void client_reset(ClientRun *run)
{
    g_autofree char *path = g_strdup_printf("/clone/%s/reset", run->id);

    client_post(run, path, "{}");
}

static void client_destroy(ClientRun *run)
{
    g_autofree char *path = g_strdup_printf("/clone/%s", run->id);
    g_autofree char *wait = g_strdup_printf("%s?wait=%d", path, WAIT_S);
    double began_ms = bench_ms();

    session_must(run->session, "DELETE", path, NULL);
    run->post_ms = bench_ms() - began_ms;
    if (session_call(run->session, "GET", wait, NULL) != 404)
        g_error("clone %s is not destroyed: %s", run->id, run->session->body->str);
    run->total_ms = bench_ms() - began_ms;
    run->wait_ms = run->total_ms - run->post_ms;
}

static void client_list(ClientRun *run)
{
    double began_ms = bench_ms();

    session_must(run->session, "GET", "/clones", NULL);
    run->total_ms = bench_ms() - began_ms;
}

static const struct {
    const char *name;
    void (*run)(ClientRun *run);
    bool is_parallel; /* with --count */
} verbs[] = {
    {"create", client_create, true},
    {"reset", client_reset, true},
    {"destroy", client_destroy, true},
    {"list", client_list, false},
};

/* --- the program --- */

typedef void (*ClientVerb)(ClientRun *run);

typedef struct ClientThread {
    ClientVerb verb;
    ClientRun *run;
} ClientThread;

static void *client_work(void *data)
{
    const ClientThread *thread = data;

    thread->verb(thread->run);
    return NULL;
}

static void client_run_parallel(ClientVerb verb, ClientRun *runs)
{
    g_autofree GThread **threads = g_new0(GThread *, (gsize)count);
    g_autofree ClientThread *data = g_new0(ClientThread, (gsize)count);

    for (int i = 0; i < count; i++) {
        data[i] = (ClientThread){verb, &runs[i]};
        threads[i] = g_thread_new("client", client_work, &data[i]);
    }
    for (int i = 0; i < count; i++)
        g_thread_join(threads[i]);
}

static void client_print(const ClientRun *runs, double wall_ms)
{
    json_auto_t *result = json_pack("{sf s[]}", "wall_ms", wall_ms, "runs");
    json_t *views = json_object_get(result, "runs");

    for (int i = 0; i < count; i++)
        json_array_append_new(
            views, json_pack("{sf sf sf sf sf}", "post_ms", runs[i].post_ms, "wait_ms",
                             runs[i].wait_ms, "connect_ms", runs[i].first.connect_ms, "query_ms",
                             runs[i].first.query_ms, "total_ms", runs[i].total_ms));
    json_dumpf(result, stdout, JSON_COMPACT);
    putchar('\n');
}

static void client_run(size_t verb, const char *id)
{
    g_autofree ClientRun *runs = g_new0(ClientRun, (gsize)count);
    Session *session = session_open();

    for (int i = 0; i < count; i++) {
        runs[i].session = verbs[verb].is_parallel && i > 0 ? session_open() : session;
        runs[i].id = count > 1 ? g_strdup_printf("%s-%d", id, i) : g_strdup(id);
    }

    double began_ms = bench_ms();

    if (verbs[verb].is_parallel)
        client_run_parallel(verbs[verb].run, runs);
    for (int i = 0; i < count && !verbs[verb].is_parallel; i++)
        verbs[verb].run(&runs[i]);
    client_print(runs, bench_ms() - began_ms);
    for (int i = 0; i < count; i++) {
        if (runs[i].session != session)
            session_close(runs[i].session);
        g_free(runs[i].id);
    }
    session_close(session);
}

int main(int argc, char **argv)
{
    g_autoptr(GOptionContext) context = g_option_context_new("VERB [ID]");
    g_autoptr(GError) error = NULL;

    g_option_context_add_main_entries(context, options, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error))
        g_error("%s", error->message);
    if (argc < 2 || !url || !dbname || !g_getenv("RAMET_TOKEN"))
        g_error("a verb, --url, --dbname and RAMET_TOKEN are needed");
    curl_global_init(CURL_GLOBAL_DEFAULT);
    for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++) {
        if (strcmp(verbs[i].name, argv[1]) == 0) {
            client_run(i, argc > 2 ? argv[2] : "");
            return 0;
        }
    }
    g_error("no verb \"%s\"", argv[1]);
}

/*
 * An engine without pools, and requests without connections.
 */
#include "fixture.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/reply.h"
#include "base/fs.h"
#include "base/log.h"
#include "config/read.h"
#include "store/clone.h"
#include "store/snapshot.h"

/* What a request in the making says: the token, and its query. */
typedef struct Asking {
    Request request; /* first */
    const char *token;
    GHashTable *query;
} Asking;

static void fixture_must(Error *e)
{
    if (e)
        g_error("%s (%s)", e->message, e->detail ? e->detail : "-");
}

void answer_clear(Answer *answer)
{
    json_decref(answer->json);
    g_free(answer->text);
    g_free(answer->allow);
}

/* --- the engine --- */

static Config *fixture_config(const char *dir)
{
    g_autofree char *path = g_build_filename(dir, "server.yml", NULL);
    g_autofree char *text =
        g_strdup_printf("server: {stateDir: %s/state, verificationToken: " FIXTURE_TOKEN "}\n"
                        "poolManager: {mountDir: %s/pools}\n"
                        "runtime: {driver: process, trusted: true}\n"
                        "postgres: {osUser: %s}\n"
                        "provision: {portPool: {from: 6000, to: 6099}}\n"
                        "cloning: {accessHost: localhost}\n",
                        dir, dir, geteuid() == 0 ? "daemon" : g_get_user_name());
    g_autoptr(GPtrArray) problems = NULL;
    Config *config = NULL;

    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    fixture_must(config_read(path, &problems, &config));
    return config;
}

void api_fixture_set_up(ApiFixture *f, const void *unused)
{
    log_set_level(LOG_LEVEL_ERROR);
    f->dir = g_dir_make_tmp("ramet-api-XXXXXX", NULL);
    g_assert_cmpint(chmod(f->dir, 0711), ==, 0); /* the instances' user passes through it */
    f->config = fixture_config(f->dir);
    fixture_must(engine_open(f->config, &f->engine));
    fixture_must(retrieval_open(f->engine, &f->retrieval));
    f->api = (Api){.engine = f->engine, .retrieval = f->retrieval, .http = NULL};
}

void api_fixture_tear_down(ApiFixture *f, const void *unused)
{
    retrieval_close(f->retrieval);
    engine_close(f->engine);
    config_unref(f->config);
    fixture_must(fs_remove_tree(f->dir));
    g_free(f->dir);
}

static void fixture_add_snapshot(ApiFixture *f)
{
    g_autoptr(Snapshot) snapshot = snapshot_new();

    snapshot->uid = g_strdup("s1");
    snapshot->id = g_strdup("e2e@snapshot_1");
    snapshot->pool = g_strdup("e2e");
    snapshot->branch = g_strdup("main");
    snapshot->data_state_at_ms = snapshot->created_at_ms = 1782896400000; /* 2026-07-01T09:00:00Z */
    snapshot->is_ready = true;
    fixture_must(store_insert_snapshot(f->engine->store, snapshot));
}

void api_fixture_add_clone(ApiFixture *f, const char *id)
{
    g_autoptr(Clone) clone = clone_new();

    fixture_add_snapshot(f);
    clone->uid = g_strdup_printf("uid-%s", id);
    clone->id = g_strdup(id);
    clone->state = CLONE_OK;
    clone->snapshot_uid = g_strdup("s1");
    clone->pool = g_strdup("e2e");
    clone->volume = g_strdup("v1");
    clone->branch = g_strdup("main");
    clone->limits = g_strdup("{}");
    clone->created_at_ms = clone->started_at_ms = 1782896400000;
    fixture_must(store_insert_clone(f->engine->store, clone));
}

/* --- requests --- */

static const char *asking_look_up(const Request *request, HttpPlace place, const char *name)
{
    const Asking *asking = (const Asking *)(const void *)request;

    if (place == HTTP_QUERY)
        return g_hash_table_lookup(asking->query, name);
    return g_ascii_strcasecmp(name, "Verification-Token") == 0 ? asking->token : NULL;
}

static GHashTable *asking_query(const char *text)
{
    GHashTable *query = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_auto(GStrv) pairs = g_strsplit(text ? text : "", "&", -1);

    for (char **pair = pairs; *pair; pair++) {
        g_auto(GStrv) sides = g_strsplit(*pair, "=", 2);
        if (sides[0])
            g_hash_table_insert(query, g_strdup(sides[0]), g_strdup(sides[1] ? sides[1] : ""));
    }
    return query;
}

static Answer answer_take(Reply *reply)
{
    Answer answer = {.status = reply->status, .is_parked = reply->is_parked};
    gsize size = 0;

    if (reply->bytes) {
        const char *bytes = g_bytes_get_data(reply->bytes, &size);
        answer.text = g_strndup(bytes, size);
        answer.json = json_loads(answer.text, JSON_DECODE_ANY, NULL);
    }
    for (const ReplyHeader *header = reply->headers; header->name; header++)
        if (g_str_equal(header->name, "Allow"))
            answer.allow = g_strdup(header->value);
    reply_clear(reply);
    return answer;
}

Answer api_fixture_ask(ApiFixture *f, const char *method, const char *target, const char *body,
                       const char *token)
{
    g_auto(GStrv) sides = g_strsplit(target, "?", 2);
    g_autoptr(GHashTable) query = asking_query(sides[1]);
    Asking asking = {
        .request = {.method = method, .path = sides[0], .look_up = asking_look_up},
        .token = !token   ? FIXTURE_TOKEN
                 : *token ? token
                          : NULL,
        .query = query,
    };
    Reply reply = {0};

    if (routes_admit(&asking.request, &reply, &f->api)) {
        asking.request.body = body ? body : "";
        asking.request.body_size = strlen(asking.request.body);
        routes_handle(&asking.request, &reply, &f->api);
    }
    if (asking.request.free_state)
        asking.request.free_state(asking.request.state);
    g_free(asking.request.id);
    config_unref(asking.request.config);
    return answer_take(&reply);
}

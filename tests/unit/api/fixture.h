/*
 * An Api over an engine of its own in a directory of its own: a store, no pools, no instances. Handlers are
 * called as http.c calls them, without a connection.
 */
#pragma once

#include "api/routes.h"

#define FIXTURE_TOKEN "the-token-of-tests"

typedef struct ApiFixture {
    char *dir;
    Config *config;
    Engine *engine;
    Retrieval *retrieval;
    Api api;
} ApiFixture;

/* What the next calls send: name → value; "Verification-Token" is there from the start. */
typedef struct Answer {
    unsigned status;
    json_t *json; /* NULL when there is no body */
    char *text;
    char *allow;
    bool is_parked;
} Answer;

void answer_clear(Answer *answer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Answer, answer_clear)

void api_fixture_set_up(ApiFixture *f, const void *unused);
void api_fixture_tear_down(ApiFixture *f, const void *unused);

/*
 * One request. target: "/clone/a?wait=1"; body: NULL = none; token: NULL = the right one, "" = none.
 */
Answer api_fixture_ask(ApiFixture *f, const char *method, const char *target, const char *body,
                       const char *token);

/* A snapshot "e2e@snapshot_1" and a clone of it, ready. */
void api_fixture_add_clone(ApiFixture *f, const char *id);

#define api_fixture_test(path, test)                                                               \
    g_test_add(path, ApiFixture, NULL, api_fixture_set_up, test, api_fixture_tear_down)

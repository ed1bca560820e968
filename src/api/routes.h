/*
 * The routes: one table of method, path, who may, handler. To add one: write the handler in the
 * file of its noun, declare it here, add a row in routes.c.
 */
#pragma once

#include "api/api.h"
#include "api/http.h"

struct Api {
    Engine *engine;
    Retrieval *retrieval;
    Http *http;
};

/*
 * A handler sets the reply by reply_json_take() and the like, or returns an error, which becomes
 * the reply. One that has to wait calls reply_park().
 */
typedef Error *(*RouteHandler)(Api *api, Request *request, Reply *reply);

/* What an answer takes. Only what is in memory or in the store is at hand. */
typedef enum RouteCost {
    ROUTE_AT_HAND,
    ROUTE_SLOW, /* a program is run, PostgreSQL or a pool is asked: it is called aside (http.h) */
} RouteCost;

typedef struct Route {
    const char *method;
    const char *pattern; /* "/clone/{id}": one segment; "/snapshot/{id...}": the rest of the path */
    Role role;           /* the least that may */
    RouteCost cost;
    RouteHandler handle;
    const char *help;
} Route;

/* All routes, ended by a NULL method. */
extern const Route routes[];

/* For http.c, when a request's headers are there: 401, 404 and 405 are replied here. */
bool routes_admit(Request *request, Reply *reply, void *api);

/* For http.c: does the route run aside? */
bool routes_is_slow(const Request *request, void *api);

/* For http.c: calls the handler of an admitted request, turns errors into replies. */
void routes_handle(Request *request, Reply *reply, void *api);

MUST_CHECK Error *handle_healthz(Api *api, Request *request, Reply *reply);
MUST_CHECK Error *handle_status(Api *api, Request *request, Reply *reply);
MUST_CHECK Error *handle_retrieval(Api *api, Request *request, Reply *reply);
MUST_CHECK Error *handle_full_refresh(Api *api, Request *request, Reply *reply);
MUST_CHECK Error *handle_doctor(Api *api, Request *request, Reply *reply);

MUST_CHECK Error *handle_clone_list(Api *api, Request *request, Reply *reply);
MUST_CHECK Error *handle_clone_create(Api *api, Request *request, Reply *reply);
MUST_CHECK Error *handle_clone_get(Api *api, Request *request, Reply *reply);
MUST_CHECK Error *handle_clone_update(Api *api, Request *request, Reply *reply);
MUST_CHECK Error *handle_clone_destroy(Api *api, Request *request, Reply *reply);
MUST_CHECK Error *handle_clone_logs(Api *api, Request *request, Reply *reply);
MUST_CHECK Error *handle_clone_reset(Api *api, Request *request, Reply *reply);

MUST_CHECK Error *handle_snapshot_list(Api *api, Request *request, Reply *reply);
MUST_CHECK Error *handle_snapshot_get(Api *api, Request *request, Reply *reply);
MUST_CHECK Error *handle_snapshot_create(Api *api, Request *request, Reply *reply);
MUST_CHECK Error *handle_snapshot_of_clone(Api *api, Request *request, Reply *reply);
MUST_CHECK Error *handle_snapshot_update(Api *api, Request *request, Reply *reply);
MUST_CHECK Error *handle_snapshot_delete(Api *api, Request *request, Reply *reply);

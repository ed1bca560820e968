/*
 * The HTTP API's life.
 */
#include "api/api.h"

#include "api/routes.h"
#include "base/log.h"

static void api_clone_changed(const char *clone_id, void *data)
{
    const Api *api = data;

    http_wake(api->http);
}

Error *api_start(const Config *config, Engine *engine, Retrieval *retrieval, Api **ret_api)
{
    g_autoptr(Api) api = g_new0(Api, 1);

    api->config = config;
    api->engine = engine;
    api->retrieval = retrieval;
    TRY(http_start(&(HttpSpec){.host = config->server.host,
                               .port = config->server.port,
                               .handle = routes_handle,
                               .data = api},
                   &api->http));
    engine->changed_data = api;
    engine->changed = api_clone_changed;
    *ret_api = g_steal_pointer(&api);
    return NULL;
}

void api_stop(Api *api)
{
    if (!api)
        return;
    api->engine->changed = NULL;
    http_stop(api->http);
    g_free(api);
}

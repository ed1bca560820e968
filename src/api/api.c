/*
 * The HTTP API's life.
 */
#include "api/api.h"

#include "api/routes.h"

static void api_changed(void *data)
{
    http_wake(data);
}

Error *api_start(Engine *engine, Retrieval *retrieval, Api **ret_api)
{
    g_autoptr(Config) config = engine_config(engine);
    g_autoptr(Api) api = g_new0(Api, 1);

    api->engine = engine;
    api->retrieval = retrieval;
    TRY(http_start(&(HttpSpec){.host = config->server.host,
                               .port = config->server.port,
                               .admit = routes_admit,
                               .handle = routes_handle,
                               .is_slow = routes_is_slow,
                               .data = api},
                   &api->http));
    engine_set_listener(engine, api_changed, api->http);
    *ret_api = g_steal_pointer(&api);
    return NULL;
}

void api_stop(Api *api)
{
    if (!api)
        return;
    engine_set_listener(api->engine, NULL, NULL);
    http_stop(api->http);
    g_free(api);
}

/*
 * Routes of the instance as a whole: health, status, retrieval, refresh, doctor.
 */
#include "api/reply.h"
#include "api/routes.h"
#include "api/views.h"
#include "engine/doctor.h"
#include "engine/pool/space.h"
#include "engine/store_watch.h"

Error *handle_healthz(Api *api, Request *request, Reply *reply)
{
    reply_json_take(reply, 200, view_engine(api, request->config, false));
    return NULL;
}

static json_t *status_cloning(const Config *config, json_t *clones)
{
    const CloningConfig *cloning = &config->cloning;
    double sum = 0;
    size_t i, n = json_array_size(clones);
    json_t *clone;

    json_array_foreach (clones, i, clone)
        sum += json_real_value(json_object_get(json_object_get(clone, "metadata"), "cloningTime"));
    json_t *view = json_pack("{sf sI so}", "expectedCloningTime", n ? sum / (double)n : 0.0,
                             "numClones", (json_int_t)n, "clones", clones);
    view_set_leases(view, cloning);
    return view;
}

static bool status_pools_run_full(const json_t *pools)
{
    size_t i;
    json_t *pool;

    json_array_foreach (pools, i, pool) {
        const char *level =
            json_string_value(json_object_get(json_object_get(pool, "fileSystem"), "level"));
        if (g_strcmp0(level, space_level_name(SPACE_OK)) != 0)
            return true;
    }
    return false;
}

static json_t *status_summary(Api *api, const json_t *retrieving, const json_t *pools)
{
    g_autoptr(GString) troubled = g_string_new(NULL);
    g_autoptr(Error) trouble = engine_store_trouble(api->engine);
    const struct {
        const char *name;
        bool is_troubled;
    } parts[] = {
        {"store", trouble != NULL},
        {"retrieving",
         g_strcmp0(json_string_value(json_object_get(retrieving, "status")), "failed") == 0},
        {"pools", status_pools_run_full(pools)},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
        if (parts[i].is_troubled)
            g_string_append_printf(troubled, "%s%s", troubled->len ? ", " : "", parts[i].name);
    if (troubled->len == 0)
        return json_pack("{ssss}", "code", "OK", "message", "Instance is ready");
    return json_pack("{ssso}", "code", "WARNING", "message",
                     json_sprintf("Subsystems that need attention: %s", troubled->str));
}

static json_t *status_provisioner(const Config *config)
{
    json_t *container = config->provision.container_config;

    return json_pack("{ss so}", "dockerImage",
                     config->provision.docker_image ? config->provision.docker_image : "",
                     "containerConfig", container ? json_incref(container) : json_null());
}

/* No standby follows the source in logical mode. */
static json_t *status_synchronization(void)
{
    return json_pack("{s{ssss} ss ss si si}", "status", "code", "Not available", "message", "",
                     "lastReplayedLsn", "", "lastReplayedLsnAt", "", "replicationLag", 0,
                     "replicationUptime", 0);
}

Error *handle_status(Api *api, Request *request, Reply *reply)
{
    json_t *pools = NULL, *clones = NULL, *retrieving = NULL;
    Error *e = view_pools(api, request->config, &pools);

    if (!e)
        e = view_clones(api, request->config, &clones);
    if (!e)
        e = view_retrieval(api, &retrieving);
    if (e) {
        json_decref(pools);
        json_decref(clones);
        return e;
    }
    reply_json_take(reply, 200,
                    json_pack("{so so so so so so so}", "status",
                              status_summary(api, retrieving, pools), "engine",
                              view_engine(api, request->config, true), "pools", pools, "cloning",
                              status_cloning(request->config, clones), "retrieving", retrieving,
                              "provisioner", status_provisioner(request->config), "synchronization",
                              status_synchronization()));
    return NULL;
}

Error *handle_retrieval(Api *api, Request *request, Reply *reply)
{
    json_t *view = NULL, *activity = NULL;

    TRY(view_retrieval(api, &view));
    retrieval_activity(api->retrieval, &activity);
    if (activity)
        json_object_set_new(view, "activity", activity);
    reply_json_take(reply, 200, view);
    return NULL;
}

Error *handle_full_refresh(Api *api, Request *request, Reply *reply)
{
    TRY(retrieval_refresh(api->retrieval));
    reply_message(reply, "Full refresh started");
    return NULL;
}

/* Names of files and directories may be any bytes. */
static json_t *view_finding(const Finding *finding, const char *level)
{
    return json_pack("{ssssso so so}", "level", level, "kind", finding->kind, "name",
                     view_text(finding->name), "message", view_text(finding->message), "hint",
                     view_text(finding->hint));
}

static json_t *view_notices(const Engine *engine)
{
    g_autoptr(GPtrArray) notices = engine_examine_machine(engine);
    json_t *views = json_array();

    for (unsigned i = 0; i < notices->len; i++)
        json_array_append_new(views, view_finding(notices->pdata[i], "notice"));
    return views;
}

Error *handle_doctor(Api *api, Request *request, Reply *reply)
{
    g_autoptr(GPtrArray) findings = NULL;
    json_t *views = json_array();

    Error *e = engine_examine(api->engine, &findings);
    for (unsigned i = 0; findings && i < findings->len; i++) {
        const Finding *finding = findings->pdata[i];
        json_array_append_new(views,
                              view_finding(finding, finding->is_error ? "error" : "warning"));
    }
    if (e) {
        json_decref(views);
        return e;
    }
    reply_json_take(reply, 200,
                    json_pack("{sbso so}", "clean", (int)(findings->len == 0), "findings", views,
                              "notices", view_notices(api->engine)));
    return NULL;
}

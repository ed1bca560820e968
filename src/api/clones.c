/*
 * Routes of clones.
 */
#include "api/bodies.h"
#include "api/reply.h"
#include "api/routes.h"
#include "api/views.h"
#include "base/clock.h"
#include "base/json.h"
#include "engine/clone/clone.h"
#include "engine/clone/limits.h"

#define CLONE_WAIT_MAX_S 60

Error *handle_clone_list(Api *api, Request *request, Reply *reply)
{
    json_t *views = NULL;

    TRY(view_clones(api, request->config, &views));
    reply_json_take(reply, 200, views);
    return NULL;
}

static CloneRequest clone_request(const CloneBody *body)
{
    return (CloneRequest){
        .id = body->id.value,
        .snapshot_id = body->snapshot_id.value,
        .branch = body->branch.value,
        .username = body->username.value,
        .password = body->password.value,
        .db_name = body->db_name.value,
        .is_restricted = body->is_restricted.value,
        .extra_conf = body->extra_conf.value,
        .limits = body->limits.value,
        .is_protected = body->is_protected.value,
        .has_duration = body->duration_minutes.is_given,
        .duration_minutes = body->duration_minutes.value,
    };
}

Error *handle_clone_create(Api *api, Request *request, Reply *reply)
{
    CloneBody body = {0};
    g_autoptr(json_t) json = NULL;
    g_autoptr(Clone) clone = NULL;
    json_t *view = NULL;

    TRY(fields_read(request, &clone_body, &body, &json));
    const CloneRequest wanted = clone_request(&body);
    TRY(engine_create_clone(api->engine, &wanted, &clone));
    TRY(view_clone(api, request->config, clone, &view));
    reply_json_take(reply, 201, view);
    return NULL;
}

/* ?wait=SECONDS: until the state is final, at most so long. */
static Error *clone_wait_deadline(const Request *request, int64_t *ret_deadline_ms)
{
    int64_t seconds = 0;

    TRY(fields_query(request, "wait", 0, CLONE_WAIT_MAX_S, &seconds));
    *ret_deadline_ms = request->began_ms + seconds * 1000;
    return NULL;
}

static bool clone_is_settled(const Clone *clone)
{
    return clone->state == CLONE_OK || clone->state == CLONE_FATAL;
}

Error *handle_clone_get(Api *api, Request *request, Reply *reply)
{
    g_autoptr(Clone) clone = NULL;
    json_t *view = NULL;
    int64_t deadline_ms = 0;

    TRY(clone_wait_deadline(request, &deadline_ms));
    Error *e = store_get_clone(api->engine->store, request->id, &clone);
    if (e && e->code == ERR_NOT_FOUND) {
        error_free(e);
        reply_refusal(reply, 404, "NOT_FOUND",
                      "Requested object does not exist. Specify your request.",
                      "\"ramet clone list\" shows what there is.");
        return NULL;
    }
    TRY(e);
    if (!clone_is_settled(clone) && clock_monotonic_ms() < deadline_ms) {
        reply_park(reply, deadline_ms);
        return NULL;
    }
    TRY(view_clone(api, request->config, clone, &view));
    reply_json_take(reply, 200, view);
    return NULL;
}

/* Absent means unprotect, as the CLI relies on it; but not where only limits are changed. */
static Error *clone_update(Engine *engine, const char *id, const CloneUpdateBody *body,
                           Clone **ret_clone)
{
    g_autoptr(Clone) clone = NULL;

    if (body->limits.is_given)
        TRY(engine_limit_clone(engine, id, body->limits.value, &clone));
    if (body->is_protected.is_given || !body->limits.is_given) {
        clone_free(g_steal_pointer(&clone));
        TRY(engine_protect_clone(engine, id, body->is_protected.value,
                                 body->duration_minutes.is_given, body->duration_minutes.value,
                                 &clone));
    }
    *ret_clone = g_steal_pointer(&clone);
    return NULL;
}

Error *handle_clone_update(Api *api, Request *request, Reply *reply)
{
    CloneUpdateBody body = {0};
    g_autoptr(json_t) json = NULL;
    g_autoptr(Clone) clone = NULL;
    json_t *view = NULL;

    TRY(fields_read(request, &clone_update_body, &body, &json));
    TRY(clone_update(api->engine, request->id, &body, &clone));
    TRY(view_clone(api, request->config, clone, &view));
    reply_json_take(reply, 200, view);
    return NULL;
}

Error *handle_clone_destroy(Api *api, Request *request, Reply *reply)
{
    TRY(engine_destroy_clone(api->engine, request->id));
    reply_empty(reply, 200);
    return NULL;
}

Error *handle_clone_reset(Api *api, Request *request, Reply *reply)
{
    CloneResetBody body = {0};
    g_autoptr(json_t) json = NULL;

    TRY(fields_read(request, &clone_reset_body, &body, &json));
    if (body.is_latest.value && *body.snapshot_id.value)
        return error_hint(
            error_new(ERR_INVALID,
                      "parameters `latest` and `snapshot ID` must not be specified together"),
            "Give one of them, or neither to go back to the snapshot the clone was made of.");
    TRY(engine_reset_clone(api->engine, request->id, body.snapshot_id.value, body.is_latest.value));
    reply_empty(reply, 200);
    return NULL;
}

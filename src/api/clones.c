/*
 * Routes of clones.
 */
#include "api/fields.h"
#include "api/reply.h"
#include "api/routes.h"
#include "api/views.h"
#include "base/clock.h"
#include "engine/clone.h"
#include "engine/clone_limits.h"

#define CLONE_WAIT_MAX_S 60

Error *handle_clone_list(Api *api, Request *request, Reply *reply)
{
    json_t *views = NULL;

    TRY(view_clones(api, &views));
    reply_json_take(reply, 200, views);
    return NULL;
}

static Error *clone_read_database(const json_t *body, CloneRequest *ret_request)
{
    json_t *db = NULL;

    TRY(fields_object(body, "db", &db));
    if (!db)
        return NULL; /* the check of the whole request misses user and password */
    TRY(fields_text(db, "username", &ret_request->username));
    TRY(fields_text(db, "password", &ret_request->password));
    TRY(fields_text(db, "db_name", &ret_request->db_name));
    return fields_bool(db, "restricted", &ret_request->is_restricted);
}

static Error *clone_read_request(const json_t *body, CloneRequest *ret_request)
{
    json_t *snapshot = NULL, *extra_conf = NULL, *limits = NULL;

    TRY(fields_text(body, "id", &ret_request->id));
    TRY(fields_text(body, "branch", &ret_request->branch));
    TRY(fields_bool(body, "protected", &ret_request->is_protected));
    TRY(fields_uint(body, "protectionDurationMinutes", &ret_request->has_duration,
                    &ret_request->duration_minutes));
    TRY(fields_object(body, "snapshot", &snapshot));
    if (snapshot)
        TRY(fields_text(snapshot, "id", &ret_request->snapshot_id));
    TRY(fields_object(body, "extra_conf", &extra_conf));
    ret_request->extra_conf = extra_conf;
    TRY(fields_object(body, "limits", &limits));
    ret_request->limits = limits;
    return clone_read_database(body, ret_request);
}

static Error *clone_create_from(Api *api, const json_t *body, Reply *reply)
{
    CloneRequest request = {
        .id = "", .snapshot_id = "", .branch = "", .username = "", .password = "", .db_name = ""};
    g_autoptr(Clone) clone = NULL;
    json_t *view = NULL;

    TRY(clone_read_request(body, &request));
    TRY(engine_create_clone(api->engine, &request, &clone));
    TRY(view_clone(api, clone, &view));
    reply_json_take(reply, 201, view);
    return NULL;
}

Error *handle_clone_create(Api *api, Request *request, Reply *reply)
{
    json_t *body = NULL;

    TRY(fields_parse(request, "clone", false, &body));
    Error *e = clone_create_from(api, body, reply);
    json_decref(body);
    return e;
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
    TRY(view_clone(api, clone, &view));
    reply_json_take(reply, 200, view);
    return NULL;
}

static Error *clone_update_limits(Api *api, const char *id, const json_t *body, Clone **ret_clone)
{
    json_t *limits = NULL;

    TRY(fields_object(body, "limits", &limits));
    return limits ? engine_limit_clone(api->engine, id, limits, ret_clone) : NULL;
}

/* Absent means unprotect, as the CLI relies on it; but not where only limits are changed. */
static Error *clone_update_protection(Api *api, const char *id, const json_t *body,
                                      Clone **ret_clone)
{
    bool is_protected = false, has_duration = false;
    int64_t duration_minutes = 0;

    if (json_object_get(body, "limits") && !json_object_get(body, "protected"))
        return NULL;
    TRY(fields_bool(body, "protected", &is_protected));
    TRY(fields_uint(body, "protectionDurationMinutes", &has_duration, &duration_minutes));
    clone_free(g_steal_pointer(ret_clone));
    return engine_protect_clone(api->engine, id, is_protected, has_duration, duration_minutes,
                                ret_clone);
}

static Error *clone_update_from(Api *api, const char *id, const json_t *body, Reply *reply)
{
    g_autoptr(Clone) clone = NULL;
    json_t *view = NULL;

    TRY(clone_update_limits(api, id, body, &clone));
    TRY(clone_update_protection(api, id, body, &clone));
    TRY(view_clone(api, clone, &view));
    reply_json_take(reply, 200, view);
    return NULL;
}

Error *handle_clone_update(Api *api, Request *request, Reply *reply)
{
    json_t *body = NULL;

    TRY(fields_parse(request, "clone", false, &body));
    Error *e = clone_update_from(api, request->id, body, reply);
    json_decref(body);
    return e;
}

Error *handle_clone_destroy(Api *api, Request *request, Reply *reply)
{
    TRY(engine_destroy_clone(api->engine, request->id));
    reply_empty(reply, 200);
    return NULL;
}

static Error *clone_reset_from(Api *api, const char *id, const json_t *body)
{
    const char *snapshot_id = "";
    bool latest = false;

    TRY(fields_text(body, "snapshotID", &snapshot_id));
    TRY(fields_bool(body, "latest", &latest));
    if (latest && *snapshot_id)
        return error_hint(
            error_new(ERR_INVALID,
                      "parameters `latest` and `snapshot ID` must not be specified together"),
            "Give one of them, or neither to go back to the snapshot the clone was made of.");
    return engine_reset_clone(api->engine, id, snapshot_id, latest);
}

Error *handle_clone_reset(Api *api, Request *request, Reply *reply)
{
    json_t *body = NULL;

    TRY(fields_parse(request, "reset", true, &body));
    Error *e = clone_reset_from(api, request->id, body);
    json_decref(body);
    TRY(e);
    reply_empty(reply, 200);
    return NULL;
}

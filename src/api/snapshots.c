/*
 * Routes of snapshots. Taking and deleting one is answered when it is done: the request is parked
 * meanwhile.
 */
#include <string.h>

#include "api/bodies.h"
#include "api/reply.h"
#include "api/routes.h"
#include "api/views.h"
#include "base/clock.h"
#include "base/json.h"
#include "engine/pool/pools.h"
#include "engine/snapshot/snapshot.h"

#define SNAPSHOT_MESSAGE_MAX 4096

/* --- waiting for an operation --- */

/* What a parked request waits for; held by the request and by the operation, on threads of their own. */
typedef struct SnapshotWait {
    GMutex lock;
    bool is_over;
    Error *cause;
    char *uid; /* of the snapshot */
    Engine *engine;
} SnapshotWait;

static void snapshot_wait_clear(void *data)
{
    SnapshotWait *wait = data;

    g_mutex_clear(&wait->lock);
    error_free(wait->cause);
    g_free(wait->uid);
}

static void snapshot_wait_unref(void *data)
{
    g_atomic_rc_box_release_full(data, snapshot_wait_clear);
}

static SnapshotWait *snapshot_wait_new(Api *api, Request *request)
{
    SnapshotWait *wait = g_atomic_rc_box_new0(SnapshotWait);

    g_mutex_init(&wait->lock);
    wait->engine = api->engine;
    request->state = wait;
    request->free_state = snapshot_wait_unref;
    return wait;
}

/* On the operation's thread. Releases the operation's hold. */
static void snapshot_wait_ended(const Error *cause, void *data)
{
    SnapshotWait *wait = data;

    g_mutex_lock(&wait->lock);
    wait->is_over = true;
    wait->cause = error_copy(cause);
    g_mutex_unlock(&wait->lock);
    engine_notify(wait->engine);
    snapshot_wait_unref(wait);
}

/* *ret_is_over false: parked again. Otherwise the operation's error, or NULL. */
static Error *snapshot_wait_look(SnapshotWait *wait, Reply *reply, bool *ret_is_over)
{
    g_mutex_lock(&wait->lock);
    bool is_over = wait->is_over;
    Error *cause = g_steal_pointer(&wait->cause);
    g_mutex_unlock(&wait->lock);

    *ret_is_over = is_over;
    if (!is_over)
        reply_park(reply, HTTP_NO_DEADLINE);
    return cause;
}

/* --- reading --- */

/* Automatic snapshots of the pool belong to main; those of clones to their branch. */
static bool snapshot_is_wanted(const Snapshot *snapshot, const char *branch, const char *dataset)
{
    if (!snapshot->is_ready || (dataset && !g_str_equal(snapshot->pool, dataset)))
        return false;
    return !branch || g_str_equal(snapshot->branch, branch);
}

static Error *snapshot_check_branch(const GPtrArray *snapshots, const char *branch)
{
    bool is_known = !branch || g_str_equal(branch, "main");

    for (unsigned i = 0; i < snapshots->len && !is_known; i++)
        is_known = g_str_equal(((const Snapshot *)snapshots->pdata[i])->branch, branch);
    if (is_known)
        return NULL;
    return error_hint(error_new(ERR_INVALID, "failed to found dataset of the branch: %s", branch),
                      "Leave the branch out to see the snapshots of all.");
}

Error *handle_snapshot_list(Api *api, Request *request, Reply *reply)
{
    const char *branch = http_query(request, "branch"), *dataset = http_query(request, "dataset");
    g_autoptr(GPtrArray) snapshots = NULL;
    g_autoptr(Snapshot) latest = NULL; /* what a clone is made of when its request names none */

    branch = branch && *branch ? branch : NULL;
    dataset = dataset && *dataset ? dataset : NULL;
    TRY(store_list_snapshots(api->engine->store, &snapshots));
    TRY(snapshot_check_branch(snapshots, branch));
    TRY(engine_show_latest_snapshot(api->engine, "main", &latest));
    json_t *views = json_array();
    for (unsigned i = 0; i < snapshots->len; i++) {
        const Snapshot *snapshot = snapshots->pdata[i];
        json_t *view = NULL;
        if (!snapshot_is_wanted(snapshot, branch, dataset))
            continue;
        Error *e = view_snapshot(api, snapshot, &view);
        if (e) {
            json_decref(views);
            return e;
        }
        json_object_set_new(view, "default",
                            json_boolean(latest && g_str_equal(snapshot->uid, latest->uid)));
        json_array_append_new(views, view);
    }
    reply_json_take(reply, 200, views);
    return NULL;
}

static Error *snapshot_reply(Api *api, Snapshot *snapshot, Reply *reply)
{
    json_t *view = NULL;

    TRY(view_snapshot(api, snapshot, &view));
    reply_json_take(reply, 200, view);
    return NULL;
}

Error *handle_snapshot_get(Api *api, Request *request, Reply *reply)
{
    g_autoptr(Snapshot) snapshot = NULL;

    TRY(store_get_snapshot(api->engine->store, request->id, &snapshot));
    return snapshot_reply(api, snapshot, reply);
}

/* --- taking --- */

/* The reply to both ways of taking one: the contract's Snapshot, and its internal record too. */
static Error *snapshot_reply_taken(Api *api, SnapshotWait *wait, Reply *reply)
{
    g_autoptr(Snapshot) snapshot = NULL;
    json_t *view = NULL;

    TRY(store_get_snapshot_by_uid(api->engine->store, wait->uid, &snapshot));
    TRY(view_snapshot(api, snapshot, &view));
    json_object_set_new(view, "used", json_integer(0));
    json_object_set_new(view, "logicalReferenced", json_integer(snapshot->logical_size));
    reply_json_take(reply, 200, view);
    return NULL;
}

static Error *snapshot_finish_taking(Api *api, Request *request, Reply *reply)
{
    bool is_over = false;

    TRY(snapshot_wait_look(request->state, reply, &is_over));
    return is_over ? snapshot_reply_taken(api, request->state, reply) : NULL;
}

/* Begins, by either way; the wait is the operation's from here on, unless it could not begin. */
static Error *snapshot_begin_create(Api *api, const Request *request, SnapshotWait *wait,
                                    Snapshot **ret_snapshot)
{
    SnapshotBody body = {0};
    g_autoptr(json_t) json = NULL;

    TRY(fields_read(request, &snapshot_body, &body, &json));
    Error *e = retrieval_snapshot(api->retrieval, body.pool_name.value, snapshot_wait_ended, wait,
                                  ret_snapshot);
    if (e && e->code == ERR_NOT_FOUND && !e->hint)
        return error_hint(e, "\"ramet instance status\" shows the pools there are.");
    return e;
}

static Error *snapshot_begin_of_clone(Api *api, const Request *request, SnapshotWait *wait,
                                      Snapshot **ret_snapshot)
{
    SnapshotOfCloneBody body = {0};
    g_autoptr(json_t) json = NULL;

    if (request->body_size == 0)
        return error_hint(error_new(ERR_INVALID, "request body cannot be empty"),
                          "Send a JSON object with cloneID.");
    TRY(fields_read(request, &snapshot_of_clone_body, &body, &json));
    if (!*body.clone_id.value)
        return error_hint(error_new(ERR_INVALID, "cloneID cannot be empty"),
                          "Give the id of the clone to take a snapshot of.");
    if (strlen(body.message.value) > SNAPSHOT_MESSAGE_MAX)
        return error_hint(error_new(ERR_INVALID, "message must be at most 4096 bytes"),
                          "Shorten it, or leave it out.");
    return engine_snapshot_clone(api->engine, body.clone_id.value, body.message.value,
                                 snapshot_wait_ended, wait, ret_snapshot);
}

typedef Error *(*SnapshotBegin)(Api *api, const Request *request, SnapshotWait *wait,
                                Snapshot **ret_snapshot);

static Error *snapshot_begin(Api *api, Request *request, Reply *reply, SnapshotBegin begin)
{
    g_autoptr(Snapshot) snapshot = NULL;
    SnapshotWait *wait = g_atomic_rc_box_acquire(snapshot_wait_new(api, request));
    Error *e = begin(api, request, wait, &snapshot);

    if (e) {
        snapshot_wait_unref(wait);
        return e;
    }
    ((SnapshotWait *)request->state)->uid = g_strdup(snapshot->uid);
    return snapshot_finish_taking(api, request, reply);
}

Error *handle_snapshot_create(Api *api, Request *request, Reply *reply)
{
    if (request->state)
        return snapshot_finish_taking(api, request, reply);
    return snapshot_begin(api, request, reply, snapshot_begin_create);
}

Error *handle_snapshot_of_clone(Api *api, Request *request, Reply *reply)
{
    if (request->state)
        return snapshot_finish_taking(api, request, reply);
    return snapshot_begin(api, request, reply, snapshot_begin_of_clone);
}

/* --- changing and deleting --- */

Error *handle_snapshot_update(Api *api, Request *request, Reply *reply)
{
    SnapshotUpdateBody body = {0};
    g_autoptr(json_t) json = NULL;
    g_autoptr(Snapshot) snapshot = NULL;

    TRY(fields_read(request, &snapshot_update_body, &body, &json));
    const SnapshotUpdate update = {
        .has_protected = body.is_protected.is_given,
        .is_protected = body.is_protected.value,
        .has_duration = body.duration_minutes.is_given,
        .duration_minutes = body.duration_minutes.value,
        .has_delete_at = body.delete_at.is_given,
        .delete_at_ms = body.delete_at.at_ms,
    };
    TRY(engine_update_snapshot(api->engine, request->id, &update, &snapshot));
    return snapshot_reply(api, snapshot, reply);
}

static Error *snapshot_finish_deleting(Request *request, Reply *reply)
{
    bool is_over = false;

    TRY(snapshot_wait_look(request->state, reply, &is_over));
    if (is_over)
        reply_message(reply, "Deleted snapshot");
    return NULL;
}

/* ?force= as Go's ParseBool reads it; absent or empty means false. */
static Error *snapshot_read_force(const Request *request, bool *ret_is_forced)
{
    static const char *const yes[] = {"1", "t", "T", "TRUE", "true", "True", NULL};
    static const char *const no[] = {"", "0", "f", "F", "FALSE", "false", "False", NULL};
    const char *force = http_query(request, "force");

    *ret_is_forced = force && g_strv_contains(yes, force);
    if (!force || *ret_is_forced || g_strv_contains(no, force))
        return NULL;
    return error_hint(error_new(ERR_INVALID, "invalid value for `force`, must be boolean"),
                      "Use ?force=true, ?force=false, or leave it out.");
}

Error *handle_snapshot_delete(Api *api, Request *request, Reply *reply)
{
    if (request->state)
        return snapshot_finish_deleting(request, reply);
    bool is_forced = false;
    TRY(snapshot_read_force(request, &is_forced));
    SnapshotWait *wait = g_atomic_rc_box_acquire(snapshot_wait_new(api, request));
    Error *e =
        engine_delete_snapshot(api->engine, request->id, is_forced, snapshot_wait_ended, wait);
    if (e) {
        snapshot_wait_unref(wait);
        return e;
    }
    return snapshot_finish_deleting(request, reply);
}

/*
 * What retrieval says of itself: state, progress, activity.
 */
#include "base/log.h"
#include "postgres/activity.h"
#include "retrieval/work.h"

#define ACTIVITY_SESSION "SET statement_timeout = '3s'"

static const char *const state_names[] = {
    [RETRIEVAL_INACTIVE] = "inactive", [RETRIEVAL_PENDING] = "pending",
    [RETRIEVAL_FAILED] = "failed",     [RETRIEVAL_REFRESHING] = "refreshing",
    [RETRIEVAL_RENEWED] = "renewed",   [RETRIEVAL_SNAPSHOTTING] = "snapshotting",
    [RETRIEVAL_FINISHED] = "finished",
};

const char *retrieval_state_name(RetrievalState state)
{
    return state_names[state];
}

void retrieval_set_state(Retrieval *retrieval, RetrievalState state)
{
    g_mutex_lock(&retrieval->lock);
    retrieval->state = state;
    g_mutex_unlock(&retrieval->lock);
}

void retrieval_begin_locked(Retrieval *retrieval, const char *uid, RetrievalState state)
{
    g_free(retrieval->current);
    retrieval->current = g_strdup(uid);
    retrieval->state = state;
}

void retrieval_end(Retrieval *retrieval, const char *uid, RetrievalState state)
{
    g_mutex_lock(&retrieval->lock);
    if (!retrieval->current || g_str_equal(retrieval->current, uid))
        retrieval->state = state;
    g_mutex_unlock(&retrieval->lock);
}

static bool state_is_at_work(RetrievalState state)
{
    return state == RETRIEVAL_REFRESHING || state == RETRIEVAL_RENEWED ||
           state == RETRIEVAL_SNAPSHOTTING;
}

void retrieval_status(Retrieval *retrieval, RetrievalStatus *ret_status)
{
    g_mutex_lock(&retrieval->lock);
    *ret_status = (RetrievalStatus){
        .mode = jobs_mode(retrieval->engine->config),
        .status = retrieval_state_name(retrieval->state),
        .last_refresh_ms = retrieval->last_refresh_ms,
        .has_progress = state_is_at_work(retrieval->state),
    };
    g_mutex_unlock(&retrieval->lock);
    if (ret_status->has_progress)
        progress_read(retrieval->progress, &ret_status->progress);
}

void retrieval_status_clear(RetrievalStatus *status)
{
    progress_clear(&status->progress);
}

/* --- activity --- */

static Error *activity_take(Error *connect_error, Conn *conn_taken, json_t **ret_events)
{
    g_autoptr(Conn) conn = conn_taken;

    TRY(connect_error);
    TRY(conn_script(conn, ACTIVITY_SESSION));
    return activity_sessions(conn, SOURCE_APPLICATION, ret_events);
}

/* A side that does not answer has no events; whoever looks at a running job need not know why. */
static json_t *activity_or_none(Error *connect_error, Conn *conn)
{
    json_t *events = NULL;
    g_autoptr(Error) e = activity_take(connect_error, conn, &events);

    if (e)
        log_debug("no activity to show", "error", e->message);
    return events ? events : json_array();
}

static json_t *activity_source(const Retrieval *retrieval)
{
    g_autoptr(Source) source = NULL;
    Conn *conn = NULL;

    Error *e = source_new(&retrieval->engine->config->retrieval.dump, &source);
    if (!e)
        e = source_connect(source, NULL, &conn);
    return activity_or_none(e, conn);
}

static json_t *activity_target(const Retrieval *retrieval, const char *id)
{
    const EngineInstance instance = {.id = id, .listen = ""};
    Conn *conn = NULL;
    Error *e = instance_connect(retrieval->engine, &instance, "postgres", &conn);

    return activity_or_none(e, conn);
}

Error *retrieval_activity(Retrieval *retrieval, json_t **ret_activity)
{
    g_mutex_lock(&retrieval->lock);
    bool is_refreshing = retrieval->state == RETRIEVAL_REFRESHING;
    g_autofree char *instance = g_strdup(retrieval->instance);
    g_mutex_unlock(&retrieval->lock);

    *ret_activity = NULL;
    if (!is_refreshing)
        return NULL;
    json_t *source = instance ? json_array() : activity_source(retrieval);
    json_t *target = instance ? activity_target(retrieval, instance) : json_array();
    *ret_activity = json_pack("{soso}", "source", source, "target", target);
    return NULL;
}

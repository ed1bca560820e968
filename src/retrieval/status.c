/*
 * What retrieval says of itself: state, progress, activity.
 */
#include "retrieval/work.h"

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

void retrieval_enter(Retrieval *retrieval, const char *uid, RetrievalState state)
{
    g_mutex_lock(&retrieval->lock);
    if (g_strcmp0(retrieval->current, uid) != 0) {
        g_free(retrieval->current);
        retrieval->current = g_strdup(uid);
    }
    retrieval->state = state;
    g_mutex_unlock(&retrieval->lock);
}

void retrieval_begin(Retrieval *retrieval, const OperationRow *row, RetrievalState state,
                     const char *pool)
{
    g_mutex_lock(&retrieval->lock);
    g_free(retrieval->current);
    retrieval->current = g_strdup(row->uid);
    retrieval->state = state;
    if (pool) {
        g_free(retrieval->pool);
        retrieval->pool = g_strdup(pool);
        retrieval->last_refresh_ms = row->created_at_ms;
    }
    g_mutex_unlock(&retrieval->lock);
}

RetrievalState retrieval_state(Retrieval *retrieval)
{
    g_mutex_lock(&retrieval->lock);
    RetrievalState state = retrieval->state;
    g_mutex_unlock(&retrieval->lock);
    return state;
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

bool retrieval_is_refreshing(Retrieval *retrieval, const char *pool)
{
    g_mutex_lock(&retrieval->lock);
    bool is_there = g_strcmp0(retrieval->pool, pool) == 0;
    g_mutex_unlock(&retrieval->lock);
    return is_there && operations_is_busy(retrieval->engine->operations, "refresh", NULL);
}

void retrieval_status(Retrieval *retrieval, RetrievalStatus *ret_status)
{
    g_autoptr(Config) config = engine_config(retrieval->engine);

    g_mutex_lock(&retrieval->lock);
    *ret_status = (RetrievalStatus){
        .mode = jobs_mode(config),
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

/* `events` is taken; NULL = the side is not looked at any more. */
void retrieval_publish_activity(Retrieval *retrieval, RetrievalSide side, json_t *events)
{
    g_mutex_lock(&retrieval->lock);
    json_decref(retrieval->activity[side]);
    retrieval->activity[side] = events;
    g_mutex_unlock(&retrieval->lock);
}

/* A copy of what a sampler saw last: reference counts of the original are not for two threads. */
static json_t *activity_copy_locked(const Retrieval *retrieval, RetrievalSide side)
{
    json_t *events = retrieval->activity[side];

    return events ? json_deep_copy(events) : json_array();
}

void retrieval_activity(Retrieval *retrieval, json_t **ret_activity)
{
    *ret_activity = NULL;
    g_mutex_lock(&retrieval->lock);
    if (retrieval->state == RETRIEVAL_REFRESHING)
        *ret_activity =
            json_pack("{soso}", "source", activity_copy_locked(retrieval, RETRIEVAL_SOURCE),
                      "target", activity_copy_locked(retrieval, RETRIEVAL_TARGET_SIDE));
    g_mutex_unlock(&retrieval->lock);
}

/*
 * Opening, starting and closing.
 */
#include "retrieval/retrieval.h"

#include "base/environment.h"
#include "base/log.h"
#include "base/text.h"
#include "engine/store_watch.h"
#include "retrieval/outcome.h"
#include "retrieval/work.h"

#define LAST_INSTANT_MS (INT64_MAX / 2)

static Error *retrieval_has_snapshot(const Retrieval *retrieval, bool *ret_has)
{
    g_autoptr(Snapshot) snapshot = NULL;
    Error *e = store_latest_snapshot(retrieval->engine->store, NULL, &snapshot);

    if (e && e->code != ERR_NOT_FOUND)
        return e;
    *ret_has = e == NULL;
    error_free(e);
    return NULL;
}

/* Where the last server left off: a failure is remembered, else data means finished. */
static Error *retrieval_read_state(Retrieval *retrieval)
{
    g_autofree char *failed = NULL;
    g_autofree char *last = NULL;
    bool has_snapshot = false;

    TRY(store_get_fact(retrieval->engine->store, FACT_FAILED, &failed));
    TRY(store_get_fact(retrieval->engine->store, FACT_LAST_REFRESH, &last));
    TRY(retrieval_has_snapshot(retrieval, &has_snapshot));
    if (last)
        TRY(text_parse_int(last, 0, LAST_INSTANT_MS, &retrieval->last_refresh_ms));
    retrieval->state = failed && *failed ? RETRIEVAL_FAILED
                       : has_snapshot    ? RETRIEVAL_FINISHED
                                         : RETRIEVAL_INACTIVE;
    return NULL;
}

static void retrieval_free(Retrieval *retrieval)
{
    progress_free(retrieval->progress);
    g_free(retrieval->current);
    g_free(retrieval->pool);
    json_decref(retrieval->activity[RETRIEVAL_SOURCE]);
    json_decref(retrieval->activity[RETRIEVAL_TARGET_SIDE]);
    g_mutex_clear(&retrieval->accepting);
    g_mutex_clear(&retrieval->lock);
    g_free(retrieval);
}

/* --- opening, starting, closing --- */

Error *retrieval_open(Engine *engine, Retrieval **ret_retrieval)
{
    g_autoptr(Config) config = engine_config(engine);
    Retrieval *retrieval = g_new0(Retrieval, 1);

    log_add_secret(environment_get("PGPASSWORD"));
    log_add_secret(config->retrieval.dump.password);
    retrieval->engine = engine;
    retrieval->progress = progress_new();
    g_mutex_init(&retrieval->accepting);
    g_mutex_init(&retrieval->lock);
    Error *e = retrieval_read_state(retrieval);
    if (e) {
        retrieval_free(retrieval);
        return e;
    }
    operations_register(engine->operations, &refresh_kind, retrieval);
    operations_register(engine->operations, &golden_kind, retrieval);
    *ret_retrieval = retrieval;
    return NULL;
}

/* A server without data still serves its API, which says why there is none. */
static Error *retrieval_start_failed(Retrieval *retrieval, Error *cause_taken)
{
    g_autoptr(Error) cause = cause_taken;

    if (!cause)
        return NULL;
    log_failure(LOG_LEVEL_ERROR, cause, "the refresh of the start could not begin", NULL);
    retrieval_set_state(retrieval, RETRIEVAL_FAILED);
    return outcome_raise_alert(retrieval->engine->store, "refresh_failed", cause);
}

Error *retrieval_start(Retrieval *retrieval)
{
    g_autoptr(Config) all = engine_config(retrieval->engine);
    const RetrievalConfig *config = &all->retrieval;
    bool has_snapshot = false;

    TRY(retrieval_has_snapshot(retrieval, &has_snapshot));
    if (config->skip_start_refresh || has_snapshot || json_array_size(config->jobs) == 0 ||
        engine_is_held(retrieval->engine))
        return NULL;
    return retrieval_start_failed(retrieval, refresh_at_start(retrieval));
}

/* Its steps hold on to us: wait for the undo, however long it takes. */
void retrieval_close(Retrieval *retrieval)
{
    if (!retrieval)
        return;
    operations_release(retrieval->engine->operations, retrieval);
    retrieval_free(retrieval);
}

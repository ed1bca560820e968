/*
 * The ends of operations.
 */
#include "retrieval/outcome.h"

#include "base/clock.h"
#include "base/log.h"
#include "engine/pool/making.h"
#include "engine/snapshot/snapshot.h"
#include "retrieval/work.h"
#include "store/alert.h"

Error *outcome_raise_alert(Store *store, const char *type, const Error *cause)
{
    g_autoptr(Alert) alert = g_new0(Alert, 1);

    alert->type = g_strdup(type);
    alert->level = g_strdup(g_str_equal(type, "refresh_failed") ? "error" : "warning");
    alert->message = g_strdup(cause->message);
    alert->detail = g_strdup(cause->detail ? cause->detail : "");
    alert->hint = g_strdup(cause->hint ? cause->hint : "");
    alert->last_seen_ms = clock_now_ms();
    alert->count = 1;
    return store_raise_alert(store, alert);
}

Error *outcome_record(Store *store, const OperationRow *row)
{
    TRY(store_insert_operation(store, row));
    return store_set_fact(store, FACT_LATEST, row->uid);
}

Error *outcome_finish_snapshot(Operation *operation)
{
    const Work *work = operation->work;
    Store *store = work->engine->store;

    TRY(store_set_snapshot_ready(store, work->snapshot_uid, true));
    TRY(store_set_fact(store, FACT_FAILED, ""));
    TRY(store_clear_alerts(store));
    return work->roles_warning ? outcome_raise_alert(store, "roles_incomplete", work->roles_warning)
                               : NULL;
}

/*
 * Called again after each further try of an undo: the alert is raised the first time, and not at
 * all once a later operation has begun, which has its own end.
 */
static Error *outcome_is_news(Store *store, const char *uid, bool *ret_is_news)
{
    g_autofree char *failed = NULL;
    g_autofree char *latest = NULL;

    TRY(store_get_fact(store, FACT_FAILED, &failed));
    TRY(store_get_fact(store, FACT_LATEST, &latest));
    *ret_is_news = g_strcmp0(failed, uid) != 0 && (!latest || g_str_equal(latest, uid));
    return NULL;
}

Error *outcome_fail(Operation *operation, const Error *cause)
{
    Store *store = operation->store;
    bool is_news = false;

    TRY(outcome_is_news(store, operation->row->uid, &is_news));
    if (!is_news)
        return NULL;
    TRY(store_set_fact(store, FACT_FAILED, operation->row->uid));
    if (!g_cancellable_is_cancelled(operation->cancel))
        return outcome_raise_alert(store, "refresh_failed", cause);
    g_autoptr(Error) stopped =
        error_new(ERR_EXTERNAL, "stopped with the server (%s)", cause->message);
    return outcome_raise_alert(store, "refresh_failed", stopped);
}

static void outcome_retire(Engine *engine, const char *uid)
{
    g_autoptr(Snapshot) snapshot = NULL;

    Error *e = store_get_snapshot_by_uid(engine->store, uid, &snapshot);
    if (!e)
        e = engine_retire_snapshots(engine, snapshot);
    error_ignore(e, "older snapshots stay until the next refresh");
    if (snapshot)
        log_info("snapshot is ready", "snapshot", snapshot->id);
}

void outcome_ended(Operation *operation, const Error *cause)
{
    Retrieval *retrieval = operation->owner;
    const Work *work = operation->work; /* NULL when it could not be loaded */

    if (!cause && work) {
        operation_made(work->pool, STORAGE_VOLUME, work->volume);
        operation_made(work->pool, STORAGE_SNAPSHOT, work->snapshot_uid);
        outcome_retire(retrieval->engine, work->snapshot_uid);
    }
    retrieval_end(retrieval, operation->row->uid, cause ? RETRIEVAL_FAILED : RETRIEVAL_FINISHED);
}

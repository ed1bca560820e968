/*
 * Views. A listing reads each table once and joins in memory; sizes are what the gauge has found
 * last. Nothing here waits for a pool.
 */
#include "api/views.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "engine/clone/clone.h"
#include "engine/departure.h"
#include "engine/gate/gate.h"
#include "engine/pool/gauge.h"
#include "engine/pool/pools.h"
#include "engine/pool/space.h"
#include "engine/snapshot/snapshot.h"
#include "postgres/conn.h"
#include "storage/measure.h"
#include "store/alert.h"

json_t *view_time(int64_t at_ms)
{
    g_autofree char *text = clock_format_rfc3339(at_ms);

    return json_string(text);
}

json_t *view_text(const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text ? text : "", -1);

    return json_string(valid);
}

/* A time that is left out when there is none. */
static void view_set_time(json_t *object, const char *key, int64_t at_ms)
{
    if (at_ms)
        json_object_set_new(object, key, view_time(at_ms));
}

void view_set_leases(json_t *view, const CloningConfig *cloning)
{
    if (cloning->protection_lease_minutes)
        json_object_set_new(view, "protectionLeaseDurationMinutes",
                            json_integer(cloning->protection_lease_minutes));
    if (cloning->protection_max_minutes)
        json_object_set_new(view, "protectionMaxDurationMinutes",
                            json_integer(cloning->protection_max_minutes));
}

json_t *view_engine(const Api *api, const Config *config, bool is_full)
{
    json_t *view = json_pack("{ssssss}", "version", RAMET_VERSION, "edition", "community",
                             "instanceID", api->engine->instance_id);

    if (!is_full)
        return view;
    json_object_set_new(view, "billingActive", json_true());
    json_object_set_new(view, "startedAt", view_time(api->engine->started_at_ms));
    json_object_set_new(view, "telemetry", json_false());
    json_object_set_new(view, "disableConfigModification",
                        json_boolean(config->server.disable_config_modification));
    return view;
}

/* --- snapshots --- */

/* `clones` is taken. */
static json_t *view_snapshot_with(Api *api, const Snapshot *snapshot, json_t *clones)
{
    uint64_t physical_size = gauge_snapshot_bytes(api->engine->gauge, snapshot);
    json_t *view = json_pack(
        "{ss so so sI sI ss sI so ss ss sb}", "id", snapshot->id, "createdAt",
        view_time(snapshot->created_at_ms), "dataStateAt", view_time(snapshot->data_state_at_ms),
        "physicalSize", (json_int_t)physical_size, "logicalSize",
        (json_int_t)snapshot->logical_size, "pool", snapshot->pool, "numClones",
        (json_int_t)json_array_size(clones), "clones", clones, "branch", snapshot->branch,
        "message", snapshot->message, "protected", (int)snapshot->is_protected);

    view_set_time(view, "protectedTill", snapshot->is_protected ? snapshot->protected_till_ms : 0);
    view_set_time(view, "deleteAt", snapshot->delete_at_ms);
    return view;
}

Error *view_snapshot(Api *api, const Snapshot *snapshot, json_t **ret_view)
{
    g_autoptr(GPtrArray) ids = NULL;

    TRY(store_list_snapshot_clones(api->engine->store, snapshot->uid, &ids));
    json_t *clones = json_array();
    for (unsigned i = 0; i < ids->len; i++)
        json_array_append_new(clones, json_string(ids->pdata[i]));
    *ret_view = view_snapshot_with(api, snapshot, clones);
    return NULL;
}

/* --- clones --- */

static const char *const clone_state_messages[] = {
    [CLONE_CREATING] = "Clone is being created.",
    [CLONE_OK] = "Clone is ready to accept Postgres connections.",
    [CLONE_RESETTING] = "Clone is being reset.",
    [CLONE_DELETING] = "Clone is being deleted.",
    [CLONE_FATAL] = "Clone has failed.",
};

/* Clients know five states: what waits for something cannot be used, and its message says why. */
static char *view_clone_waits_for(const Api *api, const Clone *clone)
{
    if (clone->started_at_ms == 0 || clone->state != CLONE_OK)
        return NULL;
    g_autofree char *trouble = gate_trouble(api->engine, clone->uid);
    if (!trouble)
        return engine_clone_waits_for(api->engine, clone);
    return g_strdup_printf("The clone waits for its port: %s", trouble);
}

static json_t *view_clone_status(const Api *api, const Clone *clone)
{
    bool has_message = clone->message && *clone->message;
    g_autofree char *waits = view_clone_waits_for(api, clone);

    if (waits)
        return json_pack("{ssso}", "code", clone_state_name(CLONE_FATAL), "message",
                         view_text(waits));

    json_t *view =
        json_pack("{ssso}", "code", clone_state_name(clone->state), "message",
                  view_text(has_message ? clone->message : clone_state_messages[clone->state]));

    if (clone->state == CLONE_FATAL && engine_clone_serves(api->engine, clone)) /* ours */
        json_object_set_new(view, "serving", json_true());
    return view;
}

static char *view_conninfo(const char *host, const char *port, const char *user, const char *dbname)
{
    GString *conninfo = g_string_new(NULL);

    conn_append_option(conninfo, "host", host);
    conn_append_option(conninfo, "port", port);
    conn_append_option(conninfo, "user", user);
    conn_append_option(conninfo, "dbname", dbname);
    return g_string_free(conninfo, FALSE);
}

/* Where to connect: known to the client from the moment that it was ready once. */
static json_t *view_clone_database(const Config *config, const Clone *clone)
{
    bool is_started = clone->started_at_ms > 0;
    const char *host = is_started ? config->cloning.access_host : "";
    const char *dbname =
        *clone->db_name || !is_started ? clone->db_name : config->global.database_dbname;
    g_autofree char *port =
        is_started ? g_strdup_printf("%" G_GINT64_FORMAT, clone->port) : g_strdup("");
    g_autofree char *conn_str =
        is_started ? view_conninfo(host, port, clone->db_user, dbname) : g_strdup("");

    return json_pack("{ssssssssssss}", "connStr", conn_str, "host", host, "port", port, "username",
                     clone->db_user, "password", "", "dbName", dbname);
}

static json_t *view_clone_metadata(const Api *api, const Config *config, const Clone *clone,
                                   uint64_t logical_size)
{
    const CloningConfig *cloning = &config->cloning;
    bool is_started = clone->started_at_ms > 0;
    bool is_exact = false;
    uint64_t diff = gauge_clone_bytes(api->engine->gauge, clone, &is_exact);
    json_t *view = json_pack(
        "{sIsbsIsfsI}", "cloneDiffSize", (json_int_t)diff, "cloneDiffSizeIsExact", (int)is_exact,
        "logicalSize", (json_int_t)(is_started ? logical_size : 0), "cloningTime",
        clone->cloning_time_s, "maxIdleMinutes", (json_int_t)cloning->max_idle_minutes);

    view_set_leases(view, cloning);
    return view;
}

/* `snapshot` is a view and borrowed; NULL when it is gone. */
static json_t *view_clone_with(const Api *api, const Config *config, const Clone *clone,
                               json_t *snapshot)
{
    uint64_t logical_size = (uint64_t)json_integer_value(json_object_get(snapshot, "logicalSize"));
    json_t *view = json_pack("{ss so? ss sI sb}", "id", clone->id, "snapshot",
                             snapshot ? json_incref(snapshot) : json_null(), "branch",
                             clone->branch, "revision", (json_int_t)clone->revision, "protected",
                             (int)clone_is_protected_now(clone));

    view_set_time(view, "protectedTill",
                  clone_is_protected_now(clone) ? clone->protected_till_ms : 0);
    json_object_set_new(view, "deleteAt", json_null());
    json_object_set_new(view, "createdAt", view_time(clone->created_at_ms));
    json_object_set_new(view, "limits", json_loads(clone->limits, 0, NULL)); /* ours */
    json_object_set_new(view, "status", view_clone_status(api, clone));
    json_object_set_new(view, "db", view_clone_database(config, clone));
    json_object_set_new(view, "metadata", view_clone_metadata(api, config, clone, logical_size));
    return view;
}

Error *view_clone(Api *api, const Config *config, const Clone *clone, json_t **ret_view)
{
    g_autoptr(Snapshot) snapshot = NULL;
    g_autoptr(json_t) snapshot_view = NULL;
    Error *e = store_get_snapshot_by_uid(api->engine->store, clone->snapshot_uid, &snapshot);

    if (!e)
        e = view_snapshot(api, snapshot, &snapshot_view);
    if (e && e->code != ERR_NOT_FOUND)
        return e;
    error_free(e);
    *ret_view = view_clone_with(api, config, clone, snapshot_view);
    return NULL;
}

/*
 * uid → view of every snapshot, with the number of its clones. Their names are left out, as the
 * contract has it: a list of n clones would repeat n names n times.
 */
static Error *view_snapshot_index(Api *api, const GPtrArray *clones, GHashTable **ret_index)
{
    g_autoptr(GPtrArray) snapshots = NULL;
    GHashTable *index =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)json_decref);
    Error *e = store_list_snapshots(api->engine->store, &snapshots);

    for (unsigned i = 0; snapshots && i < snapshots->len; i++) {
        const Snapshot *snapshot = snapshots->pdata[i];
        g_hash_table_insert(index, g_strdup(snapshot->uid),
                            view_snapshot_with(api, snapshot, json_array()));
    }
    for (unsigned i = 0; i < clones->len; i++) {
        const Clone *clone = clones->pdata[i];
        json_t *view = g_hash_table_lookup(index, clone->snapshot_uid);
        json_int_t n_clones = json_integer_value(json_object_get(view, "numClones"));
        json_object_set_new(view, "numClones", json_integer(n_clones + 1));
    }
    *ret_index = index;
    return e;
}

Error *view_clones(Api *api, const Config *config, json_t **ret_views)
{
    g_autoptr(GPtrArray) clones = NULL;
    g_autoptr(GHashTable) index = NULL;

    TRY(store_list_clones(api->engine->store, &clones));
    TRY(view_snapshot_index(api, clones, &index));
    json_t *views = json_array();
    for (unsigned i = 0; i < clones->len; i++) {
        const Clone *clone = clones->pdata[i];
        json_array_append_new(
            views,
            view_clone_with(api, config, clone, g_hash_table_lookup(index, clone->snapshot_uid)));
    }
    *ret_views = views;
    return NULL;
}

/* --- pools --- */

/* Zeros say unknown, or not measured yet: measuredAt (ours) is left out then. */
static json_t *view_file_system(const Api *api, const Config *config, const PoolStatus *status,
                                uint64_t clones_size)
{
    PoolSizes sizes = {.usage.compress_ratio = 1};

    if (status->pool)
        gauge_pool(api->engine->gauge, status->name, &sizes);

    const SpaceUsage *usage = &sizes.usage;
    json_t *view =
        json_pack("{ss sI sI sI sI sI sI sf sI ss}", "mode", status->driver, "size",
                  (json_int_t)usage->size_bytes, "free", (json_int_t)usage->free_bytes, "used",
                  (json_int_t)usage->used_bytes, "dataSize", (json_int_t)status->logical_size,
                  "usedBySnapshots", (json_int_t)sizes.snapshots_bytes, "usedByClones",
                  (json_int_t)clones_size, "compressRatio", usage->compress_ratio, "reserve",
                  (json_int_t)space_reserve_bytes(config, usage), "level",
                  space_level_name(space_level(config, usage)));

    view_set_time(view, "measuredAt", sizes.measured_at_ms);
    return view;
}

/* One with data serves, also while newer data is built beside it; one that is away serves nobody. */
static const char *view_pool_state(Api *api, const PoolStatus *status, bool is_active)
{
    bool has_data = status->pool && status->data_state_at_ms > 0;
    bool is_refreshing = retrieval_is_refreshing(api->retrieval, status->name);

    if (is_refreshing && !(is_active && has_data))
        return "refreshing";
    return has_data ? "active" : "empty";
}

static json_t *view_pool(Api *api, const Config *config, const PoolStatus *status, bool is_active,
                         const GPtrArray *clones)
{
    json_t *ids = json_array();
    uint64_t clones_size = 0;

    for (unsigned i = 0; i < clones->len; i++) {
        const Clone *clone = clones->pdata[i];
        if (!g_str_equal(clone->pool, status->name))
            continue;
        json_array_append_new(ids, json_string(clone->id));
        clones_size += gauge_clone_bytes(api->engine->gauge, clone, NULL);
    }

    json_t *view = json_pack("{ss ss so ss so so}", "name", status->name, "mode", status->driver,
                             "dataStateAt", view_time(status->data_state_at_ms), "status",
                             view_pool_state(api, status, is_active), "cloneList", ids,
                             "fileSystem", view_file_system(api, config, status, clones_size));
    if (*status->error) {
        json_object_set_new(view, "error", view_text(status->error));
        json_object_set_new(view, "hint", view_text(status->hint));
    }
    return view;
}

Error *view_pools(Api *api, const Config *config, json_t **ret_views)
{
    g_autoptr(GPtrArray) clones = NULL;
    g_autoptr(GPtrArray) pools = NULL;

    TRY(store_list_clones(api->engine->store, &clones));
    TRY(engine_show_pools(api->engine, &pools));
    json_t *views = json_array();
    for (unsigned i = 0; i < pools->len; i++)
        json_array_append_new(views, view_pool(api, config, pools->pdata[i], i == 0, clones));
    *ret_views = views;
    return NULL;
}

/* --- retrieval --- */

static json_t *view_alert(const Alert *alert)
{
    json_t *view =
        json_pack("{ssso sI so}", "level", alert->level, "message", view_text(alert->message),
                  "count", (json_int_t)alert->count, "lastSeen", view_time(alert->last_seen_ms));

    if (alert->detail && *alert->detail)
        json_object_set_new(view, "detail", view_text(alert->detail));
    if (alert->hint && *alert->hint)
        json_object_set_new(view, "hint", view_text(alert->hint));
    return view;
}

static Error *view_alerts(Api *api, json_t **ret_views)
{
    g_autoptr(GPtrArray) alerts = NULL;

    TRY(store_list_alerts(api->engine->store, &alerts));
    json_t *views = json_object();
    for (unsigned i = 0; i < alerts->len; i++)
        json_object_set_new(views, ((const Alert *)alerts->pdata[i])->type,
                            view_alert(alerts->pdata[i]));
    *ret_views = views;
    return NULL;
}

static json_t *view_progress(const RetrievalProgress *progress)
{
    return json_pack("{ss so so sf sI sI sI sI so}", "phase", progress->phase, "database",
                     view_text(progress->database), "object", view_text(progress->object),
                     "percent", progress->percent, "bytesDone", (json_int_t)progress->bytes_done,
                     "bytesTotal", (json_int_t)progress->bytes_total, "tablesDone",
                     (json_int_t)progress->tables_done, "tablesTotal",
                     (json_int_t)progress->tables_total, "startedAt",
                     view_time(progress->started_at_ms));
}

static json_t *view_time_or_null(int64_t at_ms)
{
    return at_ms ? view_time(at_ms) : json_null();
}

Error *view_retrieval(Api *api, json_t **ret_view)
{
    g_auto(RetrievalStatus) status = {0};
    json_t *alerts = NULL;

    TRY(view_alerts(api, &alerts));
    retrieval_status(api->retrieval, &status);
    *ret_view =
        json_pack("{ss ss so so so sn so}", "mode", status.mode, "status", status.status,
                  "lastRefresh", view_time_or_null(status.last_refresh_ms), "nextRefresh",
                  view_time_or_null(status.next_refresh_ms), "alerts", alerts, "activity",
                  "progress", status.has_progress ? view_progress(&status.progress) : json_null());
    return NULL;
}

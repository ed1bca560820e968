/*
 * Alerts of the retrieval.
 */
#include "store/alert.h"

#include "store/table.h"

static const Column alert_columns[] = {
    COLUMN(Alert, type), COLUMN(Alert, level),        COLUMN(Alert, message), COLUMN(Alert, detail),
    COLUMN(Alert, hint), COLUMN(Alert, last_seen_ms), COLUMN(Alert, count),   {0},
};

static const Table alert_table = {"alert", sizeof(Alert), (GDestroyNotify)alert_free,
                                  alert_columns};

void alert_free(Alert *alert)
{
    table_free_row(&alert_table, alert);
}

static DbValue alert_text(const char *text)
{
    return DB_TEXT(text ? text : "");
}

Error *store_raise_alert(Store *store, const Alert *alert)
{
    Error *e = db_run(store_lock(store),
                      "INSERT INTO alert (type, level, message, detail, hint, last_seen_ms, count) "
                      "VALUES (?, ?, ?, ?, ?, ?, 1) "
                      "ON CONFLICT (type) DO UPDATE SET level = excluded.level,"
                      " message = excluded.message, detail = excluded.detail, hint = excluded.hint,"
                      " last_seen_ms = excluded.last_seen_ms, count = count + 1",
                      DB_TEXT(alert->type), alert_text(alert->level), alert_text(alert->message),
                      alert_text(alert->detail), alert_text(alert->hint),
                      DB_INT(alert->last_seen_ms), DB_END);

    store_unlock(store);
    return e;
}

Error *store_clear_alerts(Store *store)
{
    Error *e = db_run(store_lock(store), "DELETE FROM alert", DB_END);

    store_unlock(store);
    return e;
}

Error *store_list_alerts(Store *store, GPtrArray **ret_alerts)
{
    return table_list(store, &alert_table, "ORDER BY type", DB_END, ret_alerts);
}

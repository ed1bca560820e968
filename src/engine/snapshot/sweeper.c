/*
 * The sweeper goes by the rules of a deletion without force: what is protected or used by then is
 * left, which is logged once, and looked at again at each sweep.
 */
#include "engine/snapshot/sweeper.h"

#include "base/log.h"
#include "base/ticker.h"
#include "engine/snapshot/snapshot.h"

#define SWEEPER_LOOK_MS 10000

struct SnapshotSweeper {
    Engine *engine;
    Ticker *ticker;
    GHashTable *left; /* set of uids that were due and could not go, as logged */
};

static void sweeper_delete(SnapshotSweeper *sweeper, const Snapshot *snapshot)
{
    bool is_begun = false;
    g_autoptr(Error) e = engine_delete_due_snapshot(sweeper->engine, snapshot, &is_begun);

    if (is_begun)
        log_info("deleting a snapshot whose time has come", "snapshot", snapshot->id);
    else if (e && g_hash_table_add(sweeper->left, g_strdup(snapshot->uid)))
        log_failure(LOG_LEVEL_WARN, e, "a snapshot whose time has come is not deleted yet",
                    "snapshot", snapshot->id, NULL);
}

static void sweeper_look(void *data)
{
    SnapshotSweeper *sweeper = data;
    g_autoptr(GPtrArray) snapshots = NULL;
    Error *e = store_list_snapshots(sweeper->engine->store, &snapshots);

    error_ignore(e, "snapshots whose time has come are looked for again later");
    for (unsigned i = 0; snapshots && i < snapshots->len; i++) {
        const Snapshot *snapshot = snapshots->pdata[i];
        if (snapshot_is_due(snapshot))
            sweeper_delete(sweeper, snapshot);
        else
            g_hash_table_remove(sweeper->left, snapshot->uid);
    }
}

void snapshot_sweeper_stop(SnapshotSweeper *sweeper)
{
    if (!sweeper)
        return;
    ticker_stop(sweeper->ticker);
    g_hash_table_unref(sweeper->left);
    g_free(sweeper);
}

Error *snapshot_sweeper_start(Engine *engine, SnapshotSweeper **ret_sweeper)
{
    SnapshotSweeper *sweeper = g_new0(SnapshotSweeper, 1);

    sweeper->engine = engine;
    sweeper->left = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    Error *e = ticker_start("sweeper", SWEEPER_LOOK_MS, sweeper_look, sweeper, &sweeper->ticker);
    if (e) {
        snapshot_sweeper_stop(sweeper);
        return e;
    }
    *ret_sweeper = sweeper;
    return NULL;
}

/*
 * Protection of snapshots, and the time they are to be deleted at.
 */
#include "engine/snapshot/snapshot.h"

#include "base/clock.h"
#include "engine/departure.h"
#include "engine/lease.h"

static Error *update_check(const SnapshotUpdate *update)
{
    if (!update->has_protected && !update->has_delete_at)
        return error_hint(
            error_new(ERR_INVALID, "nothing to update: specify protected or deleteAt"),
            "Send {\"protected\": true}, for instance.");
    if (update->has_protected && update->is_protected && update->has_delete_at)
        return error_hint(
            error_new(ERR_INVALID,
                      "cannot enable protection and schedule deletion at the same time"),
            "Give either protected or deleteAt: the one set last wins.");
    return NULL;
}

/* Refused when it is asked for, not when its time has come. */
static Error *update_check_kind(const Snapshot *snapshot, const SnapshotUpdate *update)
{
    return update->has_delete_at && update->delete_at_ms != 0 ? snapshot_is_for_users(snapshot)
                                                              : NULL;
}

/* Protection and a scheduled deletion exclude each other: the one set last wins. */
static void update_apply(Snapshot *snapshot, const SnapshotUpdate *update)
{
    if (update->has_delete_at) {
        snapshot->delete_at_ms = update->delete_at_ms;
        snapshot->is_protected = false;
    } else if (update->is_protected) {
        snapshot->delete_at_ms = 0;
        snapshot->is_protected = true;
    } else {
        snapshot->is_protected = false;
    }
    snapshot->protected_till_ms = lease_end(
        &(LeaseRules){0},
        &(LeaseRequest){snapshot->is_protected, update->has_duration, update->duration_minutes},
        clock_now_ms());
}

Error *engine_update_snapshot(Engine *engine, const char *id, const SnapshotUpdate *update,
                              Snapshot **ret_snapshot)
{
    g_autoptr(StoreTransaction) tx = NULL;
    g_autoptr(Snapshot) snapshot = NULL;

    TRY(snapshot_check_request(engine, id));
    TRY(update_check(update));
    TRY(store_begin(engine->store, STORE_DURABLE, &tx));
    TRY(store_get_snapshot(engine->store, id, &snapshot));
    TRY(update_check_kind(snapshot, update));
    update_apply(snapshot, update);
    TRY(store_set_snapshot_lease(engine->store, snapshot->uid, snapshot->is_protected,
                                 snapshot->protected_till_ms, snapshot->delete_at_ms));
    TRY(store_commit(&tx));
    *ret_snapshot = g_steal_pointer(&snapshot);
    return NULL;
}

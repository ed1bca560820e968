#include "engine/departure.h"

#include "base/clock.h"
#include "engine/lease.h"
#include "engine/snapshot/snapshot.h"
#include "storage/storage_foreign.h"

#define DEPARTURE_NAMES_MAX 10

bool clone_is_protected_now(const Clone *clone)
{
    return lease_is_on(clone->is_protected, clone->protected_till_ms, clock_now_ms());
}

bool snapshot_is_protected_now(const Snapshot *snapshot)
{
    return lease_is_on(snapshot->is_protected, snapshot->protected_till_ms, clock_now_ms());
}

/* --- clones --- */

Error *clone_may_go(const Clone *clone)
{
    if (clone->state == CLONE_FATAL || !clone_is_protected_now(clone))
        return NULL;
    Error *e = error_new(ERR_CONFLICT, "clone is protected");
    return error_hint(e, "Take the protection off first: ramet clone update --protected false %s",
                      clone->id);
}

/* --- snapshots --- */

/* Golden data: refreshes make and retire these by themselves. */
Error *snapshot_is_for_users(const Snapshot *snapshot)
{
    if (storage_is_foreign(snapshot->uid))
        return error_hint(
            error_new(ERR_CONFLICT, "cannot destroy snapshot %s: it is not ours", snapshot->id),
            "Another program made it. Destroy it with that, then restart rametd.");
    if (*snapshot->clone_id)
        return NULL;
    Error *e = error_new(ERR_CONFLICT, "cannot destroy automatic snapshot in the pool");
    return error_hint(e, "A full refresh replaces it; older ones go then, if no clone uses them.");
}

static Error *snapshot_check_protection(const Snapshot *snapshot)
{
    if (!snapshot_is_protected_now(snapshot))
        return NULL;
    Error *e = error_new(ERR_CONFLICT, "snapshot %s is protected", snapshot->id);
    return error_hint(e,
                      "Take the protection off first: ramet snapshot update --protected false %s",
                      snapshot->id);
}

static Error *snapshot_refuse(const Snapshot *snapshot, const char *what, GPtrArray *clones,
                              const char *hint)
{
    g_ptr_array_add(clones, NULL);
    g_autofree char *names = g_strjoinv(",", (char **)clones->pdata);
    Error *e = error_new(ERR_CONFLICT, "cannot delete snapshot %s because it has dependent %s: %s",
                         snapshot->id, what, names);

    return error_hint(e, "%s", hint);
}

static Error *snapshot_check_clones(Store *store, const Snapshot *snapshot, bool is_forced)
{
    g_autoptr(GPtrArray) clones = NULL;
    g_autoptr(GPtrArray) protected_clones = g_ptr_array_new();

    TRY(snapshot_list_users(store, snapshot->uid, &clones));
    for (unsigned i = 0; i < clones->len; i++) {
        g_autoptr(Clone) clone = NULL;
        TRY(store_get_clone(store, clones->pdata[i], &clone));
        if (clone_is_protected_now(clone))
            g_ptr_array_add(protected_clones, clones->pdata[i]);
    }
    if (protected_clones->len > 0)
        return snapshot_refuse(
            snapshot, "protected clones", protected_clones,
            "Take their protection off first: ramet clone update --protected false CLONE");
    if (clones->len > 0 && !is_forced)
        return snapshot_refuse(snapshot, "clones", clones,
                               "Destroy or reset these clones first, or delete with force.");
    return NULL;
}

Error *snapshot_may_go(Store *store, const Snapshot *snapshot, bool is_forced)
{
    TRY(snapshot_is_for_users(snapshot));
    TRY(snapshot_check_protection(snapshot));
    return snapshot_check_clones(store, snapshot, is_forced);
}

/* --- pools --- */

typedef struct PoolContents {
    const char *pool;
    int64_t n_clones, n_snapshots;
    GPtrArray *names; /* of some of them; borrowed from the rows */
} PoolContents;

static void contents_add(PoolContents *contents, const char *pool, const char *name, int64_t *count)
{
    if (!g_str_equal(pool, contents->pool))
        return;
    ++*count;
    if (contents->names->len < DEPARTURE_NAMES_MAX)
        g_ptr_array_add(contents->names, (gpointer)(uintptr_t)name);
}

static Error *pool_refuse(const PoolContents *contents)
{
    bool is_all = contents->names->len == contents->n_clones + contents->n_snapshots;

    g_ptr_array_add(contents->names, NULL);
    g_autofree char *names = g_strjoinv(", ", (char **)contents->names->pdata);
    Error *e =
        error_new(ERR_CONFLICT,
                  "pool \"%s\" has %" G_GINT64_FORMAT " clones and %" G_GINT64_FORMAT " snapshots",
                  contents->pool, contents->n_clones, contents->n_snapshots);

    e = error_detail(e, "%s%s", names, is_all ? "" : ", …");
    return error_hint(e, "Destroy them first, or give them up with --force.");
}

Error *pool_may_go(Store *store, const char *pool, bool is_forced)
{
    g_autoptr(GPtrArray) clones = NULL;
    g_autoptr(GPtrArray) snapshots = NULL;
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    PoolContents contents = {.pool = pool, .names = names};

    if (is_forced)
        return NULL;
    TRY(store_list_clones(store, &clones));
    TRY(store_list_snapshots(store, &snapshots));
    for (unsigned i = 0; i < clones->len; i++) {
        const Clone *clone = clones->pdata[i];
        contents_add(&contents, clone->pool, clone->id, &contents.n_clones);
    }
    for (unsigned i = 0; i < snapshots->len; i++) {
        const Snapshot *snapshot = snapshots->pdata[i];
        contents_add(&contents, snapshot->pool, snapshot->id, &contents.n_snapshots);
    }
    return names->len > 0 ? pool_refuse(&contents) : NULL;
}

/*
 * Snapshots as the store knows them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "store/store.h"

typedef struct Snapshot {
    char *uid; /* ours: its name in the pool */
    char *id;  /* public: "<pool>@snapshot_20260701080000", unique */
    char *pool;
    char *branch;
    char *parent_uid; /* "" = none */
    char *clone_id;   /* taken of this clone; "" = of the golden data */
    char *clone_uid;  /* the same, as ids are used again; "" = of the golden data, or long gone */
    char *extra_conf; /* JSON object: settings that its data needs, those of that clone */
    char *message;
    int64_t pg_major;
    int64_t data_state_at_ms;
    int64_t created_at_ms;
    int64_t logical_size; /* bytes of the data directory when it was taken; 0 = unknown */
    bool is_protected;
    int64_t protected_till_ms;
    int64_t delete_at_ms; /* 0 = none */
    bool is_ready;        /* false while it is being taken or destroyed: not offered */
} Snapshot;

Snapshot *snapshot_new(void);
void snapshot_free(Snapshot *snapshot);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Snapshot, snapshot_free)

/* ERR_CONFLICT `snapshot p@snapshot_20260701080000 already exists`. */
MUST_CHECK Error *store_insert_snapshot(Store *store, const Snapshot *snapshot);

/*
 * The same for an id that ends in a stamp, "…@snapshot_20260701080000", which no other id of this
 * server ends in: ERR_CONFLICT when one does.
 */
MUST_CHECK Error *store_insert_stamped_snapshot(Store *store, const Snapshot *snapshot);

/* ERR_NOT_FOUND `no snapshot found`. */
MUST_CHECK Error *store_set_snapshot_ready(Store *store, const char *uid, bool is_ready);

/* Protection and the time of its deletion, which end each other. ERR_NOT_FOUND. */
MUST_CHECK Error *store_set_snapshot_lease(Store *store, const char *uid, bool is_protected,
                                           int64_t protected_till_ms, int64_t delete_at_ms);

/* A missing row is success. ERR_CONFLICT while clones are made from it. */
MUST_CHECK Error *store_delete_snapshot(Store *store, const char *uid);

/* By public id (ready ones only) or by uid (any). ERR_NOT_FOUND `no snapshot found`. */
MUST_CHECK Error *store_get_snapshot(Store *store, const char *id, Snapshot **ret_snapshot);
MUST_CHECK Error *store_get_snapshot_by_uid(Store *store, const char *uid, Snapshot **ret_snapshot);

/*
 * The one of the latest data state among those that are ready and of golden data. branch NULL =
 * any. ERR_NOT_FOUND.
 */
MUST_CHECK Error *store_latest_snapshot(Store *store, const char *branch, Snapshot **ret_snapshot);

/* All, newest createdAt first, not-ready ones too: GPtrArray of Snapshot *; caller unrefs. */
MUST_CHECK Error *store_list_snapshots(Store *store, GPtrArray **ret_snapshots);

/* Is there one of this id, ready or not? */
MUST_CHECK Error *store_has_snapshot(Store *store, const char *id, bool *ret_has);

/* Were snapshots taken of this clone, that are there still? */
MUST_CHECK Error *store_has_clone_snapshots(Store *store, const char *clone_uid, bool *ret_has);

/* Public ids of the clones made from it, sorted: GPtrArray of char *; caller unrefs. */
MUST_CHECK Error *store_list_snapshot_clones(Store *store, const char *uid, GPtrArray **ret_ids);

/*
 * The same with those that an operation of this kind leads to it, or may lead back: its args name them as
 * "snapshot" and "oldSnapshot". One look: a reset that ends meanwhile is seen before its end or after.
 */
MUST_CHECK Error *store_list_snapshot_users(Store *store, const char *uid, const char *reset_kind,
                                            GPtrArray **ret_ids);

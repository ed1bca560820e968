/*
 * The bodies of all routes that take one: a struct for each, and the table that it is read by.
 */
#pragma once

#include "api/fields.h"

/* POST /clone */
typedef struct CloneBody {
    TextField id, branch, snapshot_id;
    TextField username, password, db_name;
    BoolField is_restricted, is_protected;
    UintField duration_minutes;
    ObjectField db, snapshot, extra_conf, limits;
} CloneBody;

/* PATCH /clone/{id} */
typedef struct CloneUpdateBody {
    BoolField is_protected;
    UintField duration_minutes;
    ObjectField limits;
} CloneUpdateBody;

/* POST /clone/{id}/reset */
typedef struct CloneResetBody {
    TextField snapshot_id;
    BoolField is_latest;
} CloneResetBody;

/* POST /snapshot */
typedef struct SnapshotBody {
    TextField pool_name;
} SnapshotBody;

/* POST /snapshot/clone */
typedef struct SnapshotOfCloneBody {
    TextField clone_id, message;
} SnapshotOfCloneBody;

/* PATCH /snapshot/{id} */
typedef struct SnapshotUpdateBody {
    BoolField is_protected;
    UintField duration_minutes;
    TimeField delete_at;
} SnapshotUpdateBody;

extern const Body clone_body, clone_update_body, clone_reset_body;
extern const Body snapshot_body, snapshot_of_clone_body, snapshot_update_body;

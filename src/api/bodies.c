/*
 * The fields of the bodies. A new field is a row here and a member of its struct.
 */
#include "api/bodies.h"

#define FIELD(key, kind, type, member)                                                             \
    {                                                                                              \
        key, kind, offsetof(type, member), NULL                                                    \
    }
#define OBJECT(key, type, member, of_object)                                                       \
    {                                                                                              \
        key, FIELD_OBJECT, offsetof(type, member), of_object                                       \
    }

static const Field clone_db_fields[] = {
    FIELD("username", FIELD_TEXT, CloneBody, username),
    FIELD("password", FIELD_TEXT, CloneBody, password),
    FIELD("db_name", FIELD_TEXT, CloneBody, db_name),
    FIELD("restricted", FIELD_BOOL, CloneBody, is_restricted),
    {0},
};

static const Field clone_snapshot_fields[] = {
    FIELD("id", FIELD_TEXT, CloneBody, snapshot_id),
    {0},
};

static const Field clone_fields[] = {
    FIELD("id", FIELD_TEXT, CloneBody, id),
    FIELD("branch", FIELD_TEXT, CloneBody, branch),
    FIELD("protected", FIELD_BOOL, CloneBody, is_protected),
    FIELD("protectionDurationMinutes", FIELD_UINT, CloneBody, duration_minutes),
    OBJECT("snapshot", CloneBody, snapshot, clone_snapshot_fields),
    OBJECT("extra_conf", CloneBody, extra_conf, NULL),
    OBJECT("limits", CloneBody, limits, NULL),
    OBJECT("db", CloneBody, db, clone_db_fields),
    {0},
};

static const Field clone_update_fields[] = {
    FIELD("protected", FIELD_BOOL, CloneUpdateBody, is_protected),
    FIELD("protectionDurationMinutes", FIELD_UINT, CloneUpdateBody, duration_minutes),
    OBJECT("limits", CloneUpdateBody, limits, NULL),
    {0},
};

static const Field clone_reset_fields[] = {
    FIELD("snapshotID", FIELD_TEXT, CloneResetBody, snapshot_id),
    FIELD("latest", FIELD_BOOL, CloneResetBody, is_latest),
    {0},
};

static const Field snapshot_fields[] = {
    FIELD("poolName", FIELD_TEXT, SnapshotBody, pool_name),
    {0},
};

static const Field snapshot_of_clone_fields[] = {
    FIELD("cloneID", FIELD_TEXT, SnapshotOfCloneBody, clone_id),
    FIELD("message", FIELD_TEXT, SnapshotOfCloneBody, message),
    {0},
};

static const Field snapshot_update_fields[] = {
    FIELD("protected", FIELD_BOOL, SnapshotUpdateBody, is_protected),
    FIELD("protectionDurationMinutes", FIELD_UINT, SnapshotUpdateBody, duration_minutes),
    FIELD("deleteAt", FIELD_TIME, SnapshotUpdateBody, delete_at),
    {0},
};

const Body clone_body = {"clone", false, clone_fields};
const Body clone_update_body = {"clone", false, clone_update_fields};
const Body clone_reset_body = {"reset", true, clone_reset_fields};
const Body snapshot_body = {"snapshot", true, snapshot_fields};
const Body snapshot_of_clone_body = {"snapshot", false, snapshot_of_clone_fields};
const Body snapshot_update_body = {"snapshot", false, snapshot_update_fields};

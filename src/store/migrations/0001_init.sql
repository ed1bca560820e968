-- Times are milliseconds since 1970 in UTC, 0 = never or unknown; flags are 0 or 1; unset text is ''.

CREATE TABLE fact (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE pool (
    name          TEXT PRIMARY KEY,
    driver        TEXT NOT NULL,
    image         TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE snapshot (
    uid               TEXT PRIMARY KEY,
    id                TEXT NOT NULL UNIQUE,
    pool              TEXT NOT NULL,
    branch            TEXT NOT NULL,
    parent_uid        TEXT NOT NULL, -- the parent may be gone: no foreign key
    clone_id          TEXT NOT NULL, -- so may the clone
    message           TEXT NOT NULL,
    pg_major          INTEGER NOT NULL,
    data_state_at_ms  INTEGER NOT NULL,
    created_at_ms     INTEGER NOT NULL,
    logical_size      INTEGER NOT NULL,
    is_protected      INTEGER NOT NULL CHECK (is_protected IN (0, 1)),
    protected_till_ms INTEGER NOT NULL,
    delete_at_ms      INTEGER NOT NULL,
    is_ready          INTEGER NOT NULL CHECK (is_ready IN (0, 1))
) STRICT;

CREATE TABLE clone (
    uid               TEXT PRIMARY KEY,
    id                TEXT NOT NULL UNIQUE,
    state             TEXT NOT NULL
                      CHECK (state IN ('CREATING', 'OK', 'RESETTING', 'DELETING', 'FATAL')),
    message           TEXT NOT NULL,
    snapshot_uid      TEXT NOT NULL REFERENCES snapshot (uid),
    pool              TEXT NOT NULL,
    volume            TEXT NOT NULL,
    branch            TEXT NOT NULL,
    revision          INTEGER NOT NULL,
    port              INTEGER NOT NULL, -- 0 until one is reserved
    db_user           TEXT NOT NULL,
    db_secret         TEXT NOT NULL,
    db_name           TEXT NOT NULL,
    is_restricted     INTEGER NOT NULL CHECK (is_restricted IN (0, 1)),
    extra_conf        TEXT NOT NULL,
    is_protected      INTEGER NOT NULL CHECK (is_protected IN (0, 1)),
    protected_till_ms INTEGER NOT NULL,
    created_at_ms     INTEGER NOT NULL,
    started_at_ms     INTEGER NOT NULL,
    active_at_ms      INTEGER NOT NULL,
    cloning_time_s    REAL NOT NULL
) STRICT;

CREATE UNIQUE INDEX clone_port ON clone (port) WHERE port > 0;
CREATE INDEX clone_snapshot ON clone (snapshot_uid);

CREATE TABLE operation (
    uid           TEXT PRIMARY KEY,
    kind          TEXT NOT NULL,
    target        TEXT NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('RUNNING', 'UNDOING')),
    step          INTEGER NOT NULL,
    args          TEXT NOT NULL,
    error         TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE alert (
    type         TEXT PRIMARY KEY,
    level        TEXT NOT NULL,
    message      TEXT NOT NULL,
    detail       TEXT NOT NULL,
    hint         TEXT NOT NULL,
    last_seen_ms INTEGER NOT NULL,
    count        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

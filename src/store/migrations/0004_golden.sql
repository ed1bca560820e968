-- Golden data is a noun of its own; it was two facts for each pool.
CREATE TABLE golden (
    pool             TEXT PRIMARY KEY,
    volume           TEXT NOT NULL,
    data_state_at_ms INTEGER NOT NULL,
    logical_size     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO golden
SELECT substr(named.name, 8),
       named.value,
       coalesce(CAST(json_extract(state.value, '$.dataStateAtMs') AS INTEGER), 0),
       coalesce(CAST(json_extract(state.value, '$.logicalSize') AS INTEGER), 0)
  FROM fact AS named
  LEFT JOIN fact AS state ON state.name = 'golden_state.' || substr(named.name, 8) AND json_valid(state.value)
 WHERE named.name GLOB 'golden.*'
   AND named.value <> '';

DELETE FROM fact WHERE name GLOB 'golden.*' OR name GLOB 'golden_state.*';

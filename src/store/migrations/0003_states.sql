-- Why its last reset has failed: it is FATAL then, while its data of before serves on.
ALTER TABLE clone ADD COLUMN reset_error TEXT NOT NULL DEFAULT '';

-- Ids of clones are used again: which one a snapshot was taken of, and the settings that go with it.
ALTER TABLE snapshot ADD COLUMN clone_uid TEXT NOT NULL DEFAULT '';
ALTER TABLE snapshot ADD COLUMN extra_conf TEXT NOT NULL DEFAULT '{}';

UPDATE snapshot
   SET clone_uid  = clone.uid,
       extra_conf = clone.extra_conf
  FROM clone
 WHERE clone.id = snapshot.clone_id
   AND clone.created_at_ms <= snapshot.created_at_ms;

-- Idleness is what this server has seen, by a clock that nobody sets.
ALTER TABLE clone DROP COLUMN active_at_ms;

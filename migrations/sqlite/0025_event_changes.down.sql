ALTER TABLE events DROP COLUMN changes;
--bun:split
ALTER TABLE events DROP COLUMN actor_org_id;

ALTER TABLE events ADD COLUMN actor_org_id TEXT;
--bun:split
ALTER TABLE events ADD COLUMN changes TEXT;

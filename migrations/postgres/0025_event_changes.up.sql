ALTER TABLE events ADD COLUMN actor_org_id text COLLATE "C";
--bun:split
ALTER TABLE events ADD COLUMN changes jsonb;

ALTER TABLE accounts ADD COLUMN revision integer NOT NULL DEFAULT 0;
--bun:split
UPDATE accounts SET revision = version;
--bun:split
ALTER TABLE transfers ADD COLUMN subject_id text;
--bun:split
CREATE INDEX transfers_subject ON transfers (subject_id, id) WHERE subject_id IS NOT NULL;

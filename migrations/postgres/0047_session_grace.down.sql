DROP INDEX sessions_previous_hash;
--bun:split
ALTER TABLE sessions DROP COLUMN previous_until;
--bun:split
ALTER TABLE sessions DROP COLUMN previous_hash;

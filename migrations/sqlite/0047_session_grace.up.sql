-- The token before the newest one, and until when it still finds the session.
ALTER TABLE sessions ADD COLUMN previous_hash BLOB;
--bun:split
ALTER TABLE sessions ADD COLUMN previous_until TEXT;
--bun:split
CREATE INDEX sessions_previous_hash ON sessions (previous_hash) WHERE previous_hash IS NOT NULL;

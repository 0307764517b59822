CREATE INDEX entries_account_moment ON entries (account_id, created_at, version);
--bun:split
DROP INDEX entries_account_time;
--bun:split
CREATE TABLE statement_exports (
    id              TEXT PRIMARY KEY,
    token_hash      BLOB NOT NULL,
    organisation_id TEXT NOT NULL,
    owner_kind      TEXT NOT NULL,
    owner_id        TEXT NOT NULL,
    filter          TEXT NOT NULL,
    created_at      TEXT NOT NULL,
    expires_at      TEXT NOT NULL
) STRICT;
--bun:split
CREATE UNIQUE INDEX statement_exports_token ON statement_exports (token_hash);
--bun:split
CREATE INDEX statement_exports_expiry ON statement_exports (expires_at);

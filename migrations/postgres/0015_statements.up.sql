CREATE INDEX entries_account_moment ON entries (account_id, created_at, version);
--bun:split
DROP INDEX entries_account_time;
--bun:split
CREATE TABLE statement_exports (
    id              text COLLATE "C" PRIMARY KEY,
    token_hash      bytea NOT NULL,
    organisation_id text NOT NULL,
    owner_kind      text NOT NULL,
    owner_id        text COLLATE "C" NOT NULL,
    filter          text NOT NULL,
    created_at      timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL
);
--bun:split
CREATE UNIQUE INDEX statement_exports_token ON statement_exports (token_hash);
--bun:split
CREATE INDEX statement_exports_expiry ON statement_exports (expires_at);

CREATE TABLE accounts (
    id              TEXT PRIMARY KEY,
    owner_kind      TEXT NOT NULL,
    owner_id        TEXT NOT NULL,
    kind            TEXT NOT NULL,
    asset           TEXT NOT NULL,
    floor_minor     INTEGER,
    balance_minor   INTEGER NOT NULL,
    held_minor      INTEGER NOT NULL,
    earmarked_minor INTEGER NOT NULL,
    version         INTEGER NOT NULL,
    created_at      TEXT NOT NULL,
    updated_at      TEXT NOT NULL,
    CHECK (floor_minor IS NULL OR balance_minor - held_minor >= floor_minor),
    CHECK (held_minor >= 0 AND earmarked_minor >= 0)
) STRICT;
--bun:split
CREATE UNIQUE INDEX accounts_owner ON accounts (owner_id, owner_kind, kind, asset);
--bun:split
CREATE TABLE transfers (
    id          TEXT PRIMARY KEY,
    kind        TEXT NOT NULL,
    order_id    TEXT,
    reverses_id TEXT REFERENCES transfers (id),
    actor_id    TEXT NOT NULL,
    request_id  TEXT NOT NULL,
    reason      TEXT,
    created_at  TEXT NOT NULL
) STRICT;
--bun:split
CREATE UNIQUE INDEX transfers_reverses ON transfers (reverses_id) WHERE reverses_id IS NOT NULL;
--bun:split
CREATE INDEX transfers_order ON transfers (order_id, id);
--bun:split
CREATE TABLE entries (
    id                  TEXT PRIMARY KEY,
    transfer_id         TEXT NOT NULL REFERENCES transfers (id),
    account_id          TEXT NOT NULL REFERENCES accounts (id),
    asset               TEXT NOT NULL,
    amount_minor        INTEGER NOT NULL,
    version             INTEGER NOT NULL,
    balance_after_minor INTEGER NOT NULL,
    created_at          TEXT NOT NULL,
    CHECK (amount_minor <> 0)
) STRICT;
--bun:split
CREATE UNIQUE INDEX entries_account_version ON entries (account_id, version);
--bun:split
CREATE INDEX entries_transfer ON entries (transfer_id);
--bun:split
CREATE INDEX entries_account_time ON entries (account_id, created_at);
--bun:split
CREATE TABLE holds (
    id           TEXT PRIMARY KEY,
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    order_id     TEXT,
    amount_minor INTEGER NOT NULL,
    state        TEXT NOT NULL,
    transfer_id  TEXT REFERENCES transfers (id),
    expires_at   TEXT NOT NULL,
    created_at   TEXT NOT NULL,
    updated_at   TEXT NOT NULL,
    CHECK (amount_minor > 0)
) STRICT;
--bun:split
CREATE INDEX holds_account ON holds (account_id, state);
--bun:split
CREATE INDEX holds_expiry ON holds (state, expires_at);
--bun:split
CREATE TABLE idempotency_keys (
    scope        TEXT NOT NULL,
    key          TEXT NOT NULL,
    operation    TEXT NOT NULL,
    request_hash BLOB NOT NULL,
    answer       BLOB NOT NULL,
    created_at   TEXT NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;

CREATE TABLE users (
    id            TEXT PRIMARY KEY,
    kind          TEXT NOT NULL,
    partner_id    TEXT,
    customer_id   TEXT,
    login_name    TEXT NOT NULL,
    password_hash TEXT,
    state         TEXT NOT NULL,
    permissions   TEXT NOT NULL,
    session_epoch INTEGER NOT NULL,
    created_at    TEXT NOT NULL,
    updated_at    TEXT NOT NULL
) STRICT;
--bun:split
CREATE UNIQUE INDEX users_login_name ON users (login_name);
--bun:split
CREATE INDEX users_customer ON users (customer_id, id);
--bun:split
CREATE INDEX users_partner ON users (partner_id, id);
--bun:split
CREATE TABLE api_keys (
    id           TEXT PRIMARY KEY,
    name         TEXT NOT NULL,
    kind         TEXT NOT NULL,
    partner_id   TEXT,
    customer_id  TEXT,
    hash         BLOB NOT NULL,
    prefix       TEXT NOT NULL,
    scopes       TEXT NOT NULL,
    created_at   TEXT NOT NULL,
    expires_at   TEXT,
    revoked_at   TEXT,
    last_used_at TEXT
) STRICT;
--bun:split
CREATE UNIQUE INDEX api_keys_hash ON api_keys (hash);
--bun:split
CREATE INDEX api_keys_partner ON api_keys (partner_id, id);
--bun:split
CREATE INDEX api_keys_customer ON api_keys (customer_id, id);
--bun:split
CREATE TABLE sessions (
    id                TEXT PRIMARY KEY,
    token_hash        BLOB NOT NULL,
    user_id           TEXT NOT NULL REFERENCES users (id),
    epoch             INTEGER NOT NULL,
    platform_id       TEXT,
    name_id           TEXT,
    session_index     TEXT,
    user_agent        TEXT,
    remote_addr       TEXT,
    created_at        TEXT NOT NULL,
    last_seen_at      TEXT NOT NULL,
    expires_at        TEXT NOT NULL,
    revoked_at        TEXT,
    idle_timeout_secs INTEGER NOT NULL
) STRICT;
--bun:split
CREATE UNIQUE INDEX sessions_token_hash ON sessions (token_hash);
--bun:split
CREATE INDEX sessions_user ON sessions (user_id, id);
--bun:split
CREATE INDEX sessions_name_id ON sessions (platform_id, name_id, session_index);
--bun:split
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE users (
    id            text COLLATE "C" PRIMARY KEY,
    kind          text NOT NULL,
    partner_id    text COLLATE "C",
    customer_id   text COLLATE "C",
    login_name    text NOT NULL,
    password_hash text,
    state         text NOT NULL,
    permissions   jsonb NOT NULL,
    session_epoch bigint NOT NULL,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL
);
--bun:split
CREATE UNIQUE INDEX users_login_name ON users (login_name);
--bun:split
CREATE INDEX users_customer ON users (customer_id, id);
--bun:split
CREATE INDEX users_partner ON users (partner_id, id);
--bun:split
CREATE TABLE api_keys (
    id           text COLLATE "C" PRIMARY KEY,
    name         text NOT NULL,
    kind         text NOT NULL,
    partner_id   text COLLATE "C",
    customer_id  text COLLATE "C",
    hash         bytea NOT NULL,
    prefix       text NOT NULL,
    scopes       jsonb NOT NULL,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz,
    revoked_at   timestamptz,
    last_used_at timestamptz
);
--bun:split
CREATE UNIQUE INDEX api_keys_hash ON api_keys (hash);
--bun:split
CREATE INDEX api_keys_partner ON api_keys (partner_id, id);
--bun:split
CREATE INDEX api_keys_customer ON api_keys (customer_id, id);
--bun:split
CREATE TABLE sessions (
    id                text COLLATE "C" PRIMARY KEY,
    token_hash        bytea NOT NULL,
    user_id           text COLLATE "C" NOT NULL REFERENCES users (id),
    epoch             bigint NOT NULL,
    platform_id       text,
    name_id           text,
    session_index     text,
    user_agent        text,
    remote_addr       text,
    created_at        timestamptz NOT NULL,
    last_seen_at      timestamptz NOT NULL,
    expires_at        timestamptz NOT NULL,
    revoked_at        timestamptz,
    idle_timeout_secs bigint NOT NULL
);
--bun:split
CREATE UNIQUE INDEX sessions_token_hash ON sessions (token_hash);
--bun:split
CREATE INDEX sessions_user ON sessions (user_id, id);
--bun:split
CREATE INDEX sessions_name_id ON sessions (platform_id, name_id, session_index);
--bun:split
CREATE INDEX sessions_expiry ON sessions (expires_at);

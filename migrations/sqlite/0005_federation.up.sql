CREATE TABLE federated_accounts (
    platform_id  TEXT NOT NULL,
    x_account_id TEXT NOT NULL,
    customer_id  TEXT NOT NULL REFERENCES customers (id),
    bound_at     TEXT NOT NULL,
    PRIMARY KEY (platform_id, x_account_id)
) STRICT;
--bun:split
CREATE UNIQUE INDEX federated_accounts_customer ON federated_accounts (platform_id, customer_id);
--bun:split
CREATE TABLE federated_identities (
    id           TEXT PRIMARY KEY,
    platform_id  TEXT NOT NULL,
    x_account_id TEXT NOT NULL,
    x_user_id    TEXT NOT NULL,
    user_id      TEXT NOT NULL REFERENCES users (id),
    bound_at     TEXT NOT NULL
) STRICT;
--bun:split
CREATE UNIQUE INDEX federated_identities_key ON federated_identities (platform_id, x_account_id, x_user_id);
--bun:split
CREATE TABLE saml_requests (
    relay_id     TEXT PRIMARY KEY,
    platform_id  TEXT NOT NULL,
    request_id   TEXT NOT NULL,
    issuer       TEXT NOT NULL,
    browser_hash BLOB NOT NULL,
    first_login  INTEGER NOT NULL,
    service      TEXT,
    created_at   TEXT NOT NULL,
    expires_at   TEXT NOT NULL
) STRICT;
--bun:split
CREATE INDEX saml_requests_expiry ON saml_requests (expires_at);
--bun:split
CREATE TABLE saml_replays (
    platform_id  TEXT NOT NULL,
    assertion_id TEXT NOT NULL,
    until        TEXT NOT NULL,
    PRIMARY KEY (platform_id, assertion_id)
) STRICT;
--bun:split
CREATE INDEX saml_replays_until ON saml_replays (until);
--bun:split
CREATE TABLE first_logins (
    id             TEXT PRIMARY KEY,
    token_hash     BLOB NOT NULL,
    platform_id    TEXT NOT NULL,
    partner_id     TEXT NOT NULL,
    arrival_sealed BLOB NOT NULL,
    created_at     TEXT NOT NULL,
    expires_at     TEXT NOT NULL
) STRICT;
--bun:split
CREATE UNIQUE INDEX first_logins_token ON first_logins (token_hash);
--bun:split
CREATE INDEX first_logins_expiry ON first_logins (expires_at);
--bun:split
CREATE TABLE signing_keys (
    id          TEXT PRIMARY KEY,
    platform_id TEXT NOT NULL,
    state       TEXT NOT NULL,
    certificate BLOB NOT NULL,
    key_sealed  BLOB NOT NULL,
    created_at  TEXT NOT NULL,
    expires_at  TEXT NOT NULL
) STRICT;
--bun:split
CREATE INDEX signing_keys_platform ON signing_keys (platform_id, id);
--bun:split
CREATE UNIQUE INDEX signing_keys_active ON signing_keys (platform_id) WHERE state = 'ACTIVE';
--bun:split
CREATE TABLE bind_notifications (
    id           TEXT PRIMARY KEY,
    platform_id  TEXT NOT NULL,
    x_account_id TEXT NOT NULL,
    customer_id  TEXT NOT NULL,
    action       INTEGER NOT NULL,
    nonce        TEXT NOT NULL,
    created_at   TEXT NOT NULL,
    sent_at      TEXT
) STRICT;
--bun:split
CREATE INDEX bind_notifications_account ON bind_notifications (platform_id, x_account_id, id);

CREATE TABLE federated_accounts (
    platform_id  text NOT NULL,
    x_account_id text NOT NULL,
    customer_id  text COLLATE "C" NOT NULL REFERENCES customers (id),
    bound_at     timestamptz NOT NULL,
    PRIMARY KEY (platform_id, x_account_id)
);
--bun:split
CREATE UNIQUE INDEX federated_accounts_customer ON federated_accounts (platform_id, customer_id);
--bun:split
CREATE TABLE federated_identities (
    id           text COLLATE "C" PRIMARY KEY,
    platform_id  text NOT NULL,
    x_account_id text NOT NULL,
    x_user_id    text NOT NULL,
    user_id      text COLLATE "C" NOT NULL REFERENCES users (id),
    bound_at     timestamptz NOT NULL
);
--bun:split
CREATE UNIQUE INDEX federated_identities_key ON federated_identities (platform_id, x_account_id, x_user_id);
--bun:split
CREATE TABLE saml_requests (
    relay_id     text COLLATE "C" PRIMARY KEY,
    platform_id  text NOT NULL,
    request_id   text NOT NULL,
    issuer       text NOT NULL,
    browser_hash bytea NOT NULL,
    first_login  boolean NOT NULL,
    service      text,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL
);
--bun:split
CREATE INDEX saml_requests_expiry ON saml_requests (expires_at);
--bun:split
CREATE TABLE saml_replays (
    platform_id  text NOT NULL,
    assertion_id text NOT NULL,
    until        timestamptz NOT NULL,
    PRIMARY KEY (platform_id, assertion_id)
);
--bun:split
CREATE INDEX saml_replays_until ON saml_replays (until);
--bun:split
CREATE TABLE first_logins (
    id             text COLLATE "C" PRIMARY KEY,
    token_hash     bytea NOT NULL,
    platform_id    text NOT NULL,
    partner_id     text COLLATE "C" NOT NULL,
    arrival_sealed bytea NOT NULL,
    created_at     timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL
);
--bun:split
CREATE UNIQUE INDEX first_logins_token ON first_logins (token_hash);
--bun:split
CREATE INDEX first_logins_expiry ON first_logins (expires_at);
--bun:split
CREATE TABLE signing_keys (
    id          text COLLATE "C" PRIMARY KEY,
    platform_id text NOT NULL,
    state       text NOT NULL,
    certificate bytea NOT NULL,
    key_sealed  bytea NOT NULL,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL
);
--bun:split
CREATE INDEX signing_keys_platform ON signing_keys (platform_id, id);
--bun:split
CREATE UNIQUE INDEX signing_keys_active ON signing_keys (platform_id) WHERE state = 'ACTIVE';
--bun:split
CREATE TABLE bind_notifications (
    id           text COLLATE "C" PRIMARY KEY,
    platform_id  text NOT NULL,
    x_account_id text NOT NULL,
    customer_id  text COLLATE "C" NOT NULL,
    action       bigint NOT NULL,
    nonce        text NOT NULL,
    created_at   timestamptz NOT NULL,
    sent_at      timestamptz
);
--bun:split
CREATE INDEX bind_notifications_account ON bind_notifications (platform_id, x_account_id, id);

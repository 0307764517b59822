CREATE TABLE service_providers (
    id                      text COLLATE "C" PRIMARY KEY,
    access_configuration_id text COLLATE "C" NOT NULL REFERENCES access_configurations (id),
    partner_id              text COLLATE "C" NOT NULL,
    platform_id             text NOT NULL,
    name                    text NOT NULL,
    entity_id               text NOT NULL,
    metadata                text NOT NULL,
    metadata_url            text,
    name_id_format          text NOT NULL,
    attributes              jsonb NOT NULL,
    bp_id                   text,
    idp_initiated           boolean NOT NULL,
    login_url               text,
    encryption              text NOT NULL,
    signature_algorithm     text NOT NULL,
    state                   text NOT NULL,
    facts                   jsonb NOT NULL,
    created_at              timestamptz NOT NULL,
    updated_at              timestamptz NOT NULL
);
--bun:split
CREATE UNIQUE INDEX service_providers_entity ON service_providers (platform_id, entity_id);
--bun:split
CREATE INDEX service_providers_configuration ON service_providers (access_configuration_id, id);
--bun:split
CREATE TABLE idp_requests (
    id_hash      bytea PRIMARY KEY,
    platform_id  text NOT NULL,
    body_sealed  bytea NOT NULL,
    browser_hash bytea NOT NULL,
    expires_at   timestamptz NOT NULL
);
--bun:split
CREATE INDEX idp_requests_expiry ON idp_requests (expires_at);
--bun:split
CREATE TABLE idp_participants (
    session_id          text COLLATE "C" NOT NULL,
    service_provider_id text COLLATE "C" NOT NULL,
    session_index       text NOT NULL,
    platform_id         text NOT NULL,
    name_blind          text NOT NULL,
    name_sealed         bytea NOT NULL,
    expires_at          timestamptz NOT NULL,
    PRIMARY KEY (session_id, service_provider_id, session_index)
);
--bun:split
CREATE INDEX idp_participants_name ON idp_participants (service_provider_id, name_blind);
--bun:split
CREATE INDEX idp_participants_expiry ON idp_participants (expires_at);
--bun:split
CREATE TABLE idp_logouts (
    id_hash     bytea PRIMARY KEY,
    platform_id text NOT NULL,
    body_sealed bytea NOT NULL,
    expires_at  timestamptz NOT NULL
);
--bun:split
CREATE INDEX idp_logouts_expiry ON idp_logouts (expires_at);
--bun:split
CREATE TABLE sign_in_tickets (
    token_hash  bytea PRIMARY KEY,
    platform_id text NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    user_id     text COLLATE "C" NOT NULL,
    trip_sealed bytea NOT NULL,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL
);
--bun:split
CREATE INDEX sign_in_tickets_expiry ON sign_in_tickets (expires_at);
--bun:split
CREATE TABLE cloud_bindings (
    id                  text COLLATE "C" PRIMARY KEY,
    service_provider_id text COLLATE "C" NOT NULL,
    partner_id          text COLLATE "C" NOT NULL,
    x_account_id        text NOT NULL,
    x_user_id           text NOT NULL,
    customer_id         text COLLATE "C",
    user_id             text COLLATE "C",
    domain_id           text NOT NULL,
    domain_name         text NOT NULL,
    state               text NOT NULL,
    nonce               text,
    issued_at           timestamptz NOT NULL,
    created_at          timestamptz NOT NULL,
    updated_at          timestamptz NOT NULL
);
--bun:split
CREATE UNIQUE INDEX cloud_bindings_key ON cloud_bindings (service_provider_id, x_account_id, x_user_id, domain_id);
--bun:split
CREATE INDEX cloud_bindings_customer ON cloud_bindings (customer_id, id);
--bun:split
ALTER TABLE users ADD COLUMN external_id text;
--bun:split
CREATE UNIQUE INDEX users_external ON users (customer_id, external_id);
--bun:split
ALTER TABLE access_configurations ADD COLUMN sign_in_url text;

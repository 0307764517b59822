CREATE TABLE service_providers (
    id                      TEXT PRIMARY KEY,
    access_configuration_id TEXT NOT NULL REFERENCES access_configurations (id),
    partner_id              TEXT NOT NULL,
    platform_id             TEXT NOT NULL,
    name                    TEXT NOT NULL,
    entity_id               TEXT NOT NULL,
    metadata                TEXT NOT NULL,
    metadata_url            TEXT,
    name_id_format          TEXT NOT NULL,
    attributes              TEXT NOT NULL,
    bp_id                   TEXT,
    idp_initiated           INTEGER NOT NULL,
    login_url               TEXT,
    encryption              TEXT NOT NULL,
    signature_algorithm     TEXT NOT NULL,
    state                   TEXT NOT NULL,
    facts                   TEXT NOT NULL,
    created_at              TEXT NOT NULL,
    updated_at              TEXT NOT NULL
) STRICT;
--bun:split
CREATE UNIQUE INDEX service_providers_entity ON service_providers (platform_id, entity_id);
--bun:split
CREATE INDEX service_providers_configuration ON service_providers (access_configuration_id, id);
--bun:split
CREATE TABLE idp_requests (
    id_hash      BLOB PRIMARY KEY,
    platform_id  TEXT NOT NULL,
    body_sealed  BLOB NOT NULL,
    browser_hash BLOB NOT NULL,
    expires_at   TEXT NOT NULL
) STRICT;
--bun:split
CREATE INDEX idp_requests_expiry ON idp_requests (expires_at);
--bun:split
CREATE TABLE idp_participants (
    session_id          TEXT NOT NULL,
    service_provider_id TEXT NOT NULL,
    session_index       TEXT NOT NULL,
    platform_id         TEXT NOT NULL,
    name_blind          TEXT NOT NULL,
    name_sealed         BLOB NOT NULL,
    expires_at          TEXT NOT NULL,
    PRIMARY KEY (session_id, service_provider_id, session_index)
) STRICT;
--bun:split
CREATE INDEX idp_participants_name ON idp_participants (service_provider_id, name_blind);
--bun:split
CREATE INDEX idp_participants_expiry ON idp_participants (expires_at);
--bun:split
CREATE TABLE idp_logouts (
    id_hash     BLOB PRIMARY KEY,
    platform_id TEXT NOT NULL,
    body_sealed BLOB NOT NULL,
    expires_at  TEXT NOT NULL
) STRICT;
--bun:split
CREATE INDEX idp_logouts_expiry ON idp_logouts (expires_at);
--bun:split
CREATE TABLE sign_in_tickets (
    token_hash  BLOB PRIMARY KEY,
    platform_id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    user_id     TEXT NOT NULL,
    trip_sealed BLOB NOT NULL,
    created_at  TEXT NOT NULL,
    expires_at  TEXT NOT NULL
) STRICT;
--bun:split
CREATE INDEX sign_in_tickets_expiry ON sign_in_tickets (expires_at);
--bun:split
CREATE TABLE cloud_bindings (
    id                  TEXT PRIMARY KEY,
    service_provider_id TEXT NOT NULL,
    partner_id          TEXT NOT NULL,
    x_account_id        TEXT NOT NULL,
    x_user_id           TEXT NOT NULL,
    customer_id         TEXT,
    user_id             TEXT,
    domain_id           TEXT NOT NULL,
    domain_name         TEXT NOT NULL,
    state               TEXT NOT NULL,
    nonce               TEXT,
    issued_at           TEXT NOT NULL,
    created_at          TEXT NOT NULL,
    updated_at          TEXT NOT NULL
) STRICT;
--bun:split
CREATE UNIQUE INDEX cloud_bindings_key ON cloud_bindings (service_provider_id, x_account_id, x_user_id, domain_id);
--bun:split
CREATE INDEX cloud_bindings_customer ON cloud_bindings (customer_id, id);
--bun:split
ALTER TABLE users ADD COLUMN external_id TEXT;
--bun:split
CREATE UNIQUE INDEX users_external ON users (customer_id, external_id);
--bun:split
ALTER TABLE access_configurations ADD COLUMN sign_in_url TEXT;

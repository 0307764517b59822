ALTER TABLE access_configurations ADD COLUMN attribute_mapping jsonb NOT NULL DEFAULT '{}';
--bun:split
ALTER TABLE access_configurations ADD COLUMN allow_cbc boolean NOT NULL DEFAULT false;
--bun:split
ALTER TABLE saml_requests ADD COLUMN test_login_id text COLLATE "C";
--bun:split
CREATE TABLE saml_logouts (
    relay_id    text COLLATE "C" PRIMARY KEY,
    platform_id text NOT NULL,
    request_id  text NOT NULL,
    issuer      text NOT NULL,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL
);
--bun:split
CREATE INDEX saml_logouts_expiry ON saml_logouts (expires_at);
--bun:split
CREATE TABLE test_logins (
    id            text COLLATE "C" PRIMARY KEY,
    partner_id    text COLLATE "C" NOT NULL REFERENCES partners (id),
    platform_id   text NOT NULL,
    token_hash    bytea,
    report_sealed bytea,
    created_at    timestamptz NOT NULL,
    finished_at   timestamptz,
    expires_at    timestamptz NOT NULL
);
--bun:split
CREATE UNIQUE INDEX test_logins_token ON test_logins (token_hash);
--bun:split
CREATE INDEX test_logins_expiry ON test_logins (expires_at);
--bun:split
ALTER TABLE bind_notifications ADD COLUMN partner_id text COLLATE "C";
--bun:split
UPDATE bind_notifications SET partner_id = (SELECT ac.partner_id FROM access_configurations AS ac WHERE ac.platform_id = bind_notifications.platform_id);
--bun:split
ALTER TABLE bind_notifications ADD COLUMN identity_id text COLLATE "C";
--bun:split
CREATE INDEX bind_notifications_identity ON bind_notifications (identity_id);
--bun:split
ALTER TABLE bind_notifications ADD COLUMN x_user_id text NOT NULL DEFAULT '';
--bun:split
ALTER TABLE bind_notifications ADD COLUMN customer_name text NOT NULL DEFAULT '';
--bun:split
UPDATE bind_notifications SET customer_name = COALESCE((SELECT c.name FROM customers AS c WHERE c.id = bind_notifications.customer_id), '');
--bun:split
ALTER TABLE bind_notifications ADD COLUMN attempts bigint NOT NULL DEFAULT 0;
--bun:split
UPDATE bind_notifications SET attempts = 1 WHERE sent_at IS NOT NULL;
--bun:split
ALTER TABLE bind_notifications ADD COLUMN last_sent_at timestamptz;
--bun:split
UPDATE bind_notifications SET last_sent_at = sent_at;
--bun:split
ALTER TABLE bind_notifications ADD COLUMN repeat boolean NOT NULL DEFAULT false;
--bun:split
CREATE INDEX bind_notifications_partner ON bind_notifications (partner_id, id);
--bun:split
CREATE INDEX federated_identities_user ON federated_identities (user_id);

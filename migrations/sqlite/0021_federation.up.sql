ALTER TABLE access_configurations ADD COLUMN attribute_mapping TEXT NOT NULL DEFAULT '{}';
--bun:split
ALTER TABLE access_configurations ADD COLUMN allow_cbc INTEGER NOT NULL DEFAULT 0;
--bun:split
ALTER TABLE saml_requests ADD COLUMN test_login_id TEXT;
--bun:split
CREATE TABLE saml_logouts (
    relay_id    TEXT PRIMARY KEY,
    platform_id TEXT NOT NULL,
    request_id  TEXT NOT NULL,
    issuer      TEXT NOT NULL,
    created_at  TEXT NOT NULL,
    expires_at  TEXT NOT NULL
) STRICT;
--bun:split
CREATE INDEX saml_logouts_expiry ON saml_logouts (expires_at);
--bun:split
CREATE TABLE test_logins (
    id            TEXT PRIMARY KEY,
    partner_id    TEXT NOT NULL REFERENCES partners (id),
    platform_id   TEXT NOT NULL,
    token_hash    BLOB,
    report_sealed BLOB,
    created_at    TEXT NOT NULL,
    finished_at   TEXT,
    expires_at    TEXT NOT NULL
) STRICT;
--bun:split
CREATE UNIQUE INDEX test_logins_token ON test_logins (token_hash);
--bun:split
CREATE INDEX test_logins_expiry ON test_logins (expires_at);
--bun:split
ALTER TABLE bind_notifications ADD COLUMN partner_id TEXT;
--bun:split
UPDATE bind_notifications SET partner_id = (SELECT ac.partner_id FROM access_configurations AS ac WHERE ac.platform_id = bind_notifications.platform_id);
--bun:split
ALTER TABLE bind_notifications ADD COLUMN identity_id TEXT;
--bun:split
CREATE INDEX bind_notifications_identity ON bind_notifications (identity_id);
--bun:split
ALTER TABLE bind_notifications ADD COLUMN x_user_id TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE bind_notifications ADD COLUMN customer_name TEXT NOT NULL DEFAULT '';
--bun:split
UPDATE bind_notifications SET customer_name = COALESCE((SELECT c.name FROM customers AS c WHERE c.id = bind_notifications.customer_id), '');
--bun:split
ALTER TABLE bind_notifications ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
--bun:split
UPDATE bind_notifications SET attempts = 1 WHERE sent_at IS NOT NULL;
--bun:split
ALTER TABLE bind_notifications ADD COLUMN last_sent_at TEXT;
--bun:split
UPDATE bind_notifications SET last_sent_at = sent_at;
--bun:split
ALTER TABLE bind_notifications ADD COLUMN repeat INTEGER NOT NULL DEFAULT 0;
--bun:split
CREATE INDEX bind_notifications_partner ON bind_notifications (partner_id, id);
--bun:split
CREATE INDEX federated_identities_user ON federated_identities (user_id);

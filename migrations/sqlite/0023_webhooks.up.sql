CREATE TABLE webhook_endpoints (
    id               TEXT PRIMARY KEY,
    partner_id       TEXT REFERENCES partners (id),
    url              TEXT NOT NULL,
    description      TEXT,
    event_types      TEXT NOT NULL,
    state            TEXT NOT NULL,
    disabled_reason  TEXT,
    disabled_at      TEXT,
    failing_since    TEXT,
    secrets_sealed   BLOB NOT NULL,
    old_secret_until TEXT,
    version          INTEGER NOT NULL,
    created_at       TEXT NOT NULL,
    updated_at       TEXT NOT NULL,
    CHECK (state IN ('ENABLED', 'DISABLED')),
    CHECK ((state = 'DISABLED') = (disabled_reason IS NOT NULL) AND (state = 'DISABLED') = (disabled_at IS NOT NULL))
) STRICT;
--bun:split
CREATE INDEX webhook_endpoints_partner ON webhook_endpoints (partner_id, id);
--bun:split
CREATE TABLE webhook_deliveries (
    id              TEXT PRIMARY KEY,
    endpoint_id     TEXT NOT NULL REFERENCES webhook_endpoints (id) ON DELETE CASCADE,
    event_id        TEXT NOT NULL REFERENCES events (id),
    event_type      TEXT NOT NULL,
    state           TEXT NOT NULL,
    attempts        INTEGER NOT NULL,
    claims          INTEGER NOT NULL,
    due_at          TEXT NOT NULL,
    last_attempt_at TEXT,
    response_status INTEGER,
    response_text   TEXT,
    failure         TEXT,
    duration_ms     INTEGER,
    created_at      TEXT NOT NULL,
    updated_at      TEXT NOT NULL,
    CHECK (state IN ('PENDING', 'DELIVERED', 'FAILED', 'WITHHELD'))
) STRICT;
--bun:split
CREATE UNIQUE INDEX webhook_deliveries_event ON webhook_deliveries (endpoint_id, event_id);
--bun:split
CREATE INDEX webhook_deliveries_endpoint ON webhook_deliveries (endpoint_id, id);
--bun:split
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint_id, due_at, id) WHERE state = 'PENDING';
--bun:split
CREATE INDEX webhook_deliveries_age ON webhook_deliveries (updated_at, id);

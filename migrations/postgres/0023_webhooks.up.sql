CREATE TABLE webhook_endpoints (
    id               text COLLATE "C" PRIMARY KEY,
    partner_id       text COLLATE "C" REFERENCES partners (id),
    url              text NOT NULL,
    description      text,
    event_types      jsonb NOT NULL,
    state            text NOT NULL,
    disabled_reason  text,
    disabled_at      timestamptz,
    failing_since    timestamptz,
    secrets_sealed   bytea NOT NULL,
    old_secret_until timestamptz,
    version          bigint NOT NULL,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    CHECK (state IN ('ENABLED', 'DISABLED')),
    CHECK ((state = 'DISABLED') = (disabled_reason IS NOT NULL) AND (state = 'DISABLED') = (disabled_at IS NOT NULL))
);
--bun:split
CREATE INDEX webhook_endpoints_partner ON webhook_endpoints (partner_id, id);
--bun:split
CREATE TABLE webhook_deliveries (
    id              text COLLATE "C" PRIMARY KEY,
    endpoint_id     text COLLATE "C" NOT NULL REFERENCES webhook_endpoints (id) ON DELETE CASCADE,
    event_id        text COLLATE "C" NOT NULL REFERENCES events (id),
    event_type      text NOT NULL,
    state           text NOT NULL,
    attempts        bigint NOT NULL,
    claims          bigint NOT NULL,
    due_at          timestamptz NOT NULL,
    last_attempt_at timestamptz,
    response_status bigint,
    response_text   text,
    failure         text,
    duration_ms     bigint,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    CHECK (state IN ('PENDING', 'DELIVERED', 'FAILED', 'WITHHELD'))
);
--bun:split
CREATE UNIQUE INDEX webhook_deliveries_event ON webhook_deliveries (endpoint_id, event_id);
--bun:split
CREATE INDEX webhook_deliveries_endpoint ON webhook_deliveries (endpoint_id, id);
--bun:split
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint_id, due_at, id) WHERE state = 'PENDING';
--bun:split
CREATE INDEX webhook_deliveries_age ON webhook_deliveries (updated_at, id);

CREATE TABLE balance_alerts (
    owner_id        text COLLATE "C" PRIMARY KEY,
    owner_kind      text NOT NULL,
    currency        text NOT NULL,
    threshold_minor bigint NOT NULL,
    enabled         boolean NOT NULL,
    state           text NOT NULL,
    version         bigint NOT NULL,
    triggered_at    timestamptz,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    CHECK (threshold_minor > 0)
);

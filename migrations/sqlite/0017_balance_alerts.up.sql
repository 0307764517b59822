CREATE TABLE balance_alerts (
    owner_id        TEXT PRIMARY KEY,
    owner_kind      TEXT NOT NULL,
    currency        TEXT NOT NULL,
    threshold_minor INTEGER NOT NULL,
    enabled         INTEGER NOT NULL,
    state           TEXT NOT NULL,
    version         INTEGER NOT NULL,
    triggered_at    TEXT,
    created_at      TEXT NOT NULL,
    updated_at      TEXT NOT NULL,
    CHECK (threshold_minor > 0)
) STRICT;

CREATE TABLE events (
    id          TEXT PRIMARY KEY,
    type        TEXT NOT NULL,
    actor_kind  TEXT NOT NULL,
    actor_id    TEXT NOT NULL,
    partner_id  TEXT,
    customer_id TEXT,
    subject_id  TEXT NOT NULL,
    fields      TEXT,
    data        TEXT,
    request_id  TEXT NOT NULL,
    remote_addr TEXT,
    created_at  TEXT NOT NULL
) STRICT;
--bun:split
CREATE INDEX events_partner ON events (partner_id, id);
--bun:split
CREATE INDEX events_customer ON events (customer_id, id);
--bun:split
CREATE INDEX events_subject ON events (subject_id, id);
--bun:split
CREATE TABLE outbox (
    event_id   TEXT NOT NULL REFERENCES events (id),
    consumer   TEXT NOT NULL,
    attempts   INTEGER NOT NULL,
    due_at     TEXT NOT NULL,
    last_error TEXT,
    created_at TEXT NOT NULL,
    PRIMARY KEY (event_id, consumer)
) STRICT;
--bun:split
CREATE INDEX outbox_due ON outbox (consumer, due_at, event_id);

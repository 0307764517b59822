CREATE TABLE events (
    id          text COLLATE "C" PRIMARY KEY,
    type        text NOT NULL,
    actor_kind  text NOT NULL,
    actor_id    text NOT NULL,
    partner_id  text COLLATE "C",
    customer_id text COLLATE "C",
    subject_id  text NOT NULL,
    fields      jsonb,
    data        jsonb,
    request_id  text NOT NULL,
    remote_addr text,
    created_at  timestamptz NOT NULL
);
--bun:split
CREATE INDEX events_partner ON events (partner_id, id);
--bun:split
CREATE INDEX events_customer ON events (customer_id, id);
--bun:split
CREATE INDEX events_subject ON events (subject_id, id);
--bun:split
CREATE TABLE outbox (
    event_id   text COLLATE "C" NOT NULL REFERENCES events (id),
    consumer   text NOT NULL,
    attempts   bigint NOT NULL,
    due_at     timestamptz NOT NULL,
    last_error text,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (event_id, consumer)
);
--bun:split
CREATE INDEX outbox_due ON outbox (consumer, due_at, event_id);

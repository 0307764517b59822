CREATE TABLE authorizations (
    id             text COLLATE "C" PRIMARY KEY,
    customer_id    text COLLATE "C" NOT NULL REFERENCES customers (id),
    partner_id     text COLLATE "C" NOT NULL REFERENCES partners (id),
    association_id text COLLATE "C" NOT NULL REFERENCES associations (id),
    scope          text NOT NULL,
    state          text NOT NULL,
    reason         text NOT NULL,
    answer         text,
    ended_by       text,
    language       text NOT NULL,
    decide_by      timestamptz NOT NULL,
    valid_until    timestamptz NOT NULL,
    closes_at      timestamptz NOT NULL,
    created_at     timestamptz NOT NULL,
    granted_at     timestamptz,
    ended_at       timestamptz
);
--bun:split
CREATE UNIQUE INDEX authorizations_live ON authorizations (customer_id, partner_id, scope) WHERE state IN ('REQUESTED', 'GRANTED');
--bun:split
CREATE INDEX authorizations_customer ON authorizations (customer_id, id);
--bun:split
CREATE INDEX authorizations_partner ON authorizations (partner_id, id);
--bun:split
CREATE INDEX authorizations_expiry ON authorizations (closes_at) WHERE state IN ('REQUESTED', 'GRANTED');

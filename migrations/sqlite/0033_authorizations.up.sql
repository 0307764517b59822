CREATE TABLE authorizations (
    id             TEXT PRIMARY KEY,
    customer_id    TEXT NOT NULL REFERENCES customers (id),
    partner_id     TEXT NOT NULL REFERENCES partners (id),
    association_id TEXT NOT NULL REFERENCES associations (id),
    scope          TEXT NOT NULL,
    state          TEXT NOT NULL,
    reason         TEXT NOT NULL,
    answer         TEXT,
    ended_by       TEXT,
    language       TEXT NOT NULL,
    decide_by      TEXT NOT NULL,
    valid_until    TEXT NOT NULL,
    closes_at      TEXT NOT NULL,
    created_at     TEXT NOT NULL,
    granted_at     TEXT,
    ended_at       TEXT
) STRICT;
--bun:split
CREATE UNIQUE INDEX authorizations_live ON authorizations (customer_id, partner_id, scope) WHERE state IN ('REQUESTED', 'GRANTED');
--bun:split
CREATE INDEX authorizations_customer ON authorizations (customer_id, id);
--bun:split
CREATE INDEX authorizations_partner ON authorizations (partner_id, id);
--bun:split
CREATE INDEX authorizations_expiry ON authorizations (closes_at) WHERE state IN ('REQUESTED', 'GRANTED');

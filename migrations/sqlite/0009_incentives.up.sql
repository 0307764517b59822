CREATE TABLE incentive_statements (
    id                TEXT PRIMARY KEY,
    partner_id        TEXT NOT NULL REFERENCES partners (id),
    period            TEXT NOT NULL,
    status            TEXT NOT NULL,
    currency          TEXT NOT NULL,
    performance_minor INTEGER NOT NULL,
    total_minor       INTEGER NOT NULL,
    created_at        TEXT NOT NULL,
    updated_at        TEXT NOT NULL
) STRICT;
--bun:split
CREATE UNIQUE INDEX incentive_statements_period ON incentive_statements (partner_id, period, currency);
--bun:split
CREATE INDEX incentive_statements_partner ON incentive_statements (partner_id, id);
--bun:split
CREATE TABLE incentive_lines (
    id                TEXT PRIMARY KEY,
    statement_id      TEXT NOT NULL REFERENCES incentive_statements (id),
    customer_id       TEXT REFERENCES customers (id),
    service_type      TEXT NOT NULL,
    currency          TEXT NOT NULL,
    performance_minor INTEGER NOT NULL,
    rate              TEXT NOT NULL,
    amount_minor      INTEGER NOT NULL,
    reason            TEXT
) STRICT;
--bun:split
CREATE INDEX incentive_lines_statement ON incentive_lines (statement_id, id);

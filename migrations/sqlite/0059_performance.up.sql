CREATE TABLE performance_lines (
    id            TEXT PRIMARY KEY,
    source_id     TEXT NOT NULL,
    bill_line_id  TEXT NOT NULL REFERENCES bill_lines (id),
    cause         TEXT NOT NULL,
    partner_id    TEXT NOT NULL REFERENCES partners (id),
    reseller_id   TEXT REFERENCES partners (id),
    customer_id   TEXT NOT NULL REFERENCES customers (id),
    mode          TEXT NOT NULL,
    service_type  TEXT NOT NULL,
    period        TEXT NOT NULL,
    currency      TEXT NOT NULL,
    amount_minor  INTEGER NOT NULL,
    counted_minor INTEGER NOT NULL,
    rule          TEXT NOT NULL,
    policy_id     TEXT REFERENCES incentive_policies (id),
    happened_at   TEXT NOT NULL,
    created_at    TEXT NOT NULL
) STRICT;
--bun:split
CREATE UNIQUE INDEX performance_lines_source ON performance_lines (source_id);
--bun:split
CREATE INDEX performance_lines_bill ON performance_lines (bill_line_id);
--bun:split
CREATE INDEX performance_lines_partner ON performance_lines (partner_id, id);
--bun:split
CREATE INDEX performance_lines_sums ON performance_lines (partner_id, period, currency, policy_id, service_type, rule, amount_minor, counted_minor);
--bun:split
ALTER TABLE incentive_statements ADD COLUMN closed_at TEXT;
--bun:split
ALTER TABLE incentive_statements ADD COLUMN confirmed_at TEXT;
--bun:split
ALTER TABLE incentive_statements ADD COLUMN done_at TEXT;
--bun:split
ALTER TABLE incentive_statements ADD COLUMN reference TEXT;
--bun:split
CREATE INDEX incentive_statements_estimated ON incentive_statements (id) WHERE status = 'ESTIMATED';
--bun:split
ALTER TABLE incentive_lines ADD COLUMN consumption_minor INTEGER NOT NULL DEFAULT 0;
--bun:split
ALTER TABLE incentive_lines ADD COLUMN rule TEXT NOT NULL DEFAULT 'EARNS';
--bun:split
ALTER TABLE incentive_lines ADD COLUMN policy_id TEXT;
--bun:split
ALTER TABLE incentive_lines ADD COLUMN tier_from_minor INTEGER;
--bun:split
ALTER TABLE incentive_lines ADD COLUMN cap_minor INTEGER;
--bun:split
ALTER TABLE incentive_lines ADD COLUMN lines INTEGER NOT NULL DEFAULT 0;

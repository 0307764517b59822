CREATE TABLE performance_lines_new (
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
INSERT INTO performance_lines_new (id, source_id, bill_line_id, cause, partner_id, reseller_id, customer_id, mode, service_type, period, currency, amount_minor, counted_minor, rule,
    policy_id, happened_at, created_at)
SELECT id, source_id, bill_line_id, cause, partner_id, reseller_id, customer_id, mode, service_type, period, currency, amount_minor, counted_minor, rule, policy_id, happened_at, created_at
FROM performance_lines ORDER BY id;
--bun:split
DROP TABLE performance_lines;
--bun:split
ALTER TABLE performance_lines_new RENAME TO performance_lines;
--bun:split
CREATE UNIQUE INDEX performance_lines_source ON performance_lines (source_id);
--bun:split
CREATE INDEX performance_lines_bill ON performance_lines (bill_line_id);
--bun:split
CREATE INDEX performance_lines_partner ON performance_lines (partner_id, id);
--bun:split
CREATE INDEX performance_lines_sums ON performance_lines (partner_id, period, currency, policy_id, service_type, rule, amount_minor, counted_minor);

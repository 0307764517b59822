-- Statements are worked out from the monthly sums, so these tell apart what falls under one policy and rule and what under another.
-- They are read by ranges of their key and added to by all of it, so that the key is the table.
DROP TABLE performance_months;
--bun:split
CREATE TABLE performance_months (
    partner_id    TEXT NOT NULL,
    period        TEXT NOT NULL,
    customer_id   TEXT NOT NULL,
    reseller_id   TEXT NOT NULL,
    mode          TEXT NOT NULL,
    service_type  TEXT NOT NULL,
    currency      TEXT NOT NULL,
    policy_id     TEXT NOT NULL DEFAULT '',
    rule          TEXT NOT NULL DEFAULT 'NO_POLICY',
    lines         INTEGER NOT NULL,
    amount_minor  INTEGER NOT NULL,
    counted_minor INTEGER NOT NULL,
    PRIMARY KEY (partner_id, period, customer_id, reseller_id, mode, service_type, currency, policy_id, rule)
) STRICT, WITHOUT ROWID;
--bun:split
INSERT INTO performance_months (partner_id, period, customer_id, reseller_id, mode, service_type, currency, policy_id, rule, lines, amount_minor, counted_minor)
SELECT partner_id, period, customer_id, COALESCE(reseller_id, ''), mode, service_type, currency, COALESCE(policy_id, ''), rule, COUNT(*), CAST(SUM(amount_minor) AS BIGINT), CAST(SUM(counted_minor) AS BIGINT)
FROM performance_lines GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9;
--bun:split
CREATE INDEX performance_months_reseller ON performance_months (reseller_id, period);

DROP TABLE performance_months;
--bun:split
CREATE TABLE performance_months (
    partner_id    TEXT NOT NULL REFERENCES partners (id),
    period        TEXT NOT NULL,
    customer_id   TEXT NOT NULL REFERENCES customers (id),
    reseller_id   TEXT NOT NULL,
    mode          TEXT NOT NULL,
    service_type  TEXT NOT NULL,
    currency      TEXT NOT NULL,
    lines         INTEGER NOT NULL,
    amount_minor  INTEGER NOT NULL,
    counted_minor INTEGER NOT NULL,
    PRIMARY KEY (partner_id, period, customer_id, reseller_id, mode, service_type, currency)
) STRICT;
--bun:split
INSERT INTO performance_months (partner_id, period, customer_id, reseller_id, mode, service_type, currency, lines, amount_minor, counted_minor)
SELECT partner_id, period, customer_id, COALESCE(reseller_id, ''), mode, service_type, currency, COUNT(*), CAST(SUM(amount_minor) AS BIGINT), CAST(SUM(counted_minor) AS BIGINT)
FROM performance_lines GROUP BY 1, 2, 3, 4, 5, 6, 7;
--bun:split
CREATE INDEX performance_months_reseller ON performance_months (reseller_id, period);

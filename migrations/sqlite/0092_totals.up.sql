-- Dashboards that do not tell customers apart read these: a partner has as many rows of a month as there are service types and parts, however many
-- customers it has. Which part a sum is in does not matter, so that what was there before is in the first.
CREATE TABLE bill_totals (
    partner_id      TEXT NOT NULL,
    cycle           TEXT NOT NULL,
    mode            TEXT NOT NULL,
    service_type    TEXT NOT NULL,
    currency        TEXT NOT NULL,
    part            INTEGER NOT NULL,
    lines           INTEGER NOT NULL,
    discount_minor  INTEGER NOT NULL,
    payable_minor   INTEGER NOT NULL,
    cash_minor      INTEGER NOT NULL,
    credit_minor    INTEGER NOT NULL,
    coupon_minor    INTEGER NOT NULL,
    debt_minor      INTEGER NOT NULL,
    debt_paid_minor INTEGER NOT NULL,
    PRIMARY KEY (partner_id, cycle, mode, service_type, currency, part)
) STRICT, WITHOUT ROWID;
--bun:split
INSERT INTO bill_totals
SELECT partner_id, cycle, mode, service_type, currency, 0, CAST(SUM(lines) AS BIGINT), CAST(SUM(discount_minor) AS BIGINT), CAST(SUM(payable_minor) AS BIGINT),
    CAST(SUM(cash_minor) AS BIGINT), CAST(SUM(credit_minor) AS BIGINT), CAST(SUM(coupon_minor) AS BIGINT), CAST(SUM(debt_minor) AS BIGINT), CAST(SUM(debt_paid_minor) AS BIGINT)
FROM bill_months GROUP BY 1, 2, 3, 4, 5;
--bun:split
CREATE TABLE performance_totals (
    partner_id    TEXT NOT NULL,
    period        TEXT NOT NULL,
    reseller_id   TEXT NOT NULL,
    mode          TEXT NOT NULL,
    service_type  TEXT NOT NULL,
    currency      TEXT NOT NULL,
    part          INTEGER NOT NULL,
    lines         INTEGER NOT NULL,
    amount_minor  INTEGER NOT NULL,
    counted_minor INTEGER NOT NULL,
    PRIMARY KEY (partner_id, period, reseller_id, mode, service_type, currency, part)
) STRICT, WITHOUT ROWID;
--bun:split
INSERT INTO performance_totals
SELECT partner_id, period, reseller_id, mode, service_type, currency, 0, CAST(SUM(lines) AS BIGINT), CAST(SUM(amount_minor) AS BIGINT), CAST(SUM(counted_minor) AS BIGINT)
FROM performance_months GROUP BY 1, 2, 3, 4, 5, 6;

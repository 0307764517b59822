-- Dashboards that do not tell customers apart read these: a partner has as many rows of a month as there are service types and parts, however many
-- customers it has. Which part a sum is in does not matter, so that what was there before is in the first.
CREATE TABLE bill_totals (
    partner_id      text COLLATE "C" NOT NULL,
    cycle           text NOT NULL,
    mode            text NOT NULL,
    service_type    text COLLATE "C" NOT NULL,
    currency        text NOT NULL,
    part            smallint NOT NULL,
    lines           bigint NOT NULL,
    discount_minor  bigint NOT NULL,
    payable_minor   bigint NOT NULL,
    cash_minor      bigint NOT NULL,
    credit_minor    bigint NOT NULL,
    coupon_minor    bigint NOT NULL,
    debt_minor      bigint NOT NULL,
    debt_paid_minor bigint NOT NULL,
    PRIMARY KEY (partner_id, cycle, mode, service_type, currency, part)
) WITH (fillfactor = 50);
--bun:split
INSERT INTO bill_totals
SELECT partner_id, cycle, mode, service_type, currency, 0, CAST(SUM(lines) AS BIGINT), CAST(SUM(discount_minor) AS BIGINT), CAST(SUM(payable_minor) AS BIGINT),
    CAST(SUM(cash_minor) AS BIGINT), CAST(SUM(credit_minor) AS BIGINT), CAST(SUM(coupon_minor) AS BIGINT), CAST(SUM(debt_minor) AS BIGINT), CAST(SUM(debt_paid_minor) AS BIGINT)
FROM bill_months GROUP BY 1, 2, 3, 4, 5;
--bun:split
CREATE TABLE performance_totals (
    partner_id    text COLLATE "C" NOT NULL,
    period        text NOT NULL,
    reseller_id   text COLLATE "C" NOT NULL,
    mode          text NOT NULL,
    service_type  text COLLATE "C" NOT NULL,
    currency      text NOT NULL,
    part          smallint NOT NULL,
    lines         bigint NOT NULL,
    amount_minor  bigint NOT NULL,
    counted_minor bigint NOT NULL,
    PRIMARY KEY (partner_id, period, reseller_id, mode, service_type, currency, part)
) WITH (fillfactor = 50);
--bun:split
INSERT INTO performance_totals
SELECT partner_id, period, reseller_id, mode, service_type, currency, 0, CAST(SUM(lines) AS BIGINT), CAST(SUM(amount_minor) AS BIGINT), CAST(SUM(counted_minor) AS BIGINT)
FROM performance_months GROUP BY 1, 2, 3, 4, 5, 6;
